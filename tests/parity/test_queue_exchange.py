"""A queue that one suite has filled is listed and delivered by the other."""

import os

import pytest
from postcote import tree
from postcote.mailboxes import header
from postcote.sink import Sink
from postcote.wait import wait_until

PEER = "192.0.2.80"
WAYS = [("debian", "ours"), ("ours", "debian"), ("debian", "debian"),
        ("ours", "ours")]


def fill(site):
    """One message deferred, one held, one bounce in the making, one in
    maildrop and one in incoming; returns {kind: queue id}."""
    site.main.set("delay_warning_time = 4h")
    site.start()
    ids = {"deferred": site.send("late@elsewhere.example",
                                 text="Subject: late\n\n.dot\nFrom x\n")}
    wait_until("the deferral",
               lambda: ids["deferred"] in site.queue_files("deferred"))
    ids["held"] = site.send("alice@example.com", text="Subject: held\n\nH\n",
                            sender="held@elsewhere.example")
    return ids


def hold(site):
    """Makes all mail to alice wait in hold."""
    with open(f"{site.etc}/postfix/held", "w") as f:
        f.write("/^held@/ HOLD for a look\n")
    site.main.set("smtpd_sender_restrictions = "
                  "check_sender_access regexp:/etc/postfix/held")


def drop_while_stopped(site):
    """sendmail works while the mail system is down; so does a queue file
    that has been moved by hand."""
    site.stop()
    site.sendmail("alice", text="Subject: dropped\n\nD\n", user="bob")
    [name] = site.queue_files("maildrop")
    return name


def prepare(site):
    site.add_user("alice")
    site.add_user("bob")
    net = site.network
    net.dns.set("elsewhere.example", "MX", "10 mx.elsewhere.example")
    net.dns.set("mx.elsewhere.example", "A", PEER)


@pytest.mark.parametrize("first,second", WAYS)
def test_queue_moves(new_site, network, tmp_path, first, second):
    for suite in (first, second):
        if reason := tree.why_not(suite):
            pytest.skip(f"{suite}: {reason}")
    network.add_address(PEER)
    old = new_site(first)
    prepare(old)
    hold(old)
    ids = fill(old)
    ids["dropped"] = drop_while_stopped(old)
    old_list = sorted(os.path.basename(p) for p in old.queue_files())
    queue = f"{old.dir}/queue"
    old.log.close()
    old.space.close()

    new = new_site(second, name="mx2.example.com", queue=queue,
                   addresses=("192.0.2.11", "2001:db8::11"))
    prepare(new)
    assert set(new.queue_files()) == set(old_list)
    new.start()
    assert header(new.wait_for_mbox("alice"), "Subject") == "dropped"
    listed = {entry["queue_id"]: entry for entry in new.queue_list()}
    assert listed[ids["deferred"]]["queue_name"] == "deferred"
    reason = listed[ids["deferred"]]["recipients"][0]["delay_reason"]
    assert "Connection refused" in reason
    assert listed[ids["held"]]["queue_name"] == "hold"
    assert listed[ids["held"]]["sender"] == "held@elsewhere.example"

    text = new.run("postcat", "-q", ids["deferred"]).stdout
    assert "\nSubject: late\n" in text and "\n\n.dot\nFrom x\n" in text
    sink = Sink(network.listen(PEER, 25))
    new.run("postqueue", "-f")
    message = sink.wait_for()
    assert message.text.endswith("\n\n.dot\nFrom x\n")
    assert ids["deferred"] in message.text
    new.run("postsuper", "-H", ids["held"])
    new.run("postqueue", "-f")
    assert header(new.wait_for_mbox("alice", 2), "Subject") == "held"
    new.wait_for_empty_queue()
    sink.close()
