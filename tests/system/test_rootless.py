"""Rootless mode: our mail system as an ordinary user, from any directory."""

import pytest
from postcote import tree
from postcote.rootless import RootlessSite
from postcote.wait import wait_until


@pytest.fixture
def rootless():
    reason = tree.why_not("ours")
    if reason:
        pytest.skip(f"ours: {reason}")
    one = RootlessSite()
    yield one
    one.close()


def deliver(site, text):
    with site.connect() as client:
        client.ask("EHLO client.example", "250")
        client.deliver("a@example.com", ["b@elsewhere.example"], text)
        client.ask("QUIT", "221")


def test_mail_is_taken_queued_and_listed(rootless):
    # Nobody listens there.
    rootless.main.set("default_transport = smtp:[127.0.0.1]:1")
    rootless.start()
    deliver(rootless, "Subject: rootless\n\nHello.\n")
    wait_until("a deferred message",
               lambda: rootless.queue_files("deferred"))
    listed = rootless.run("postqueue", "-p").stdout
    assert "b@elsewhere.example" in listed and "Connection refused" in listed


def test_mail_by_command_leaves_the_maildrop(rootless):
    rootless.main.set("default_transport = discard")
    rootless.start()
    rootless.run("sendmail", "x@elsewhere.example",
                 input="Subject: test\n\nHello.\n")
    with open(rootless.log_path) as log:
        wait_until("the delivery", lambda: "status=sent (" in log.read())
    wait_until("an empty queue", lambda: not rootless.queue_files())
