"""A full disk and no descriptors left: 4xx, nothing lost, healed by itself.

Debian's passes all of these too; what takes its daemons long to set up is run
with ours alone."""

import os

import pytest
from postcote.disk import Disk
from postcote.mailboxes import header
from postcote.wait import wait_until

TEXT = "Subject: test\n\n" + "All work and no play.\n" * 4000  # 88 kB


def quick(site):
    site.add_user("alice")
    site.main.set("message_size_limit = 0", "queue_run_delay = 1s",
                  "minimal_backoff_time = 1s", "maximal_backoff_time = 1s",
                  "transport_retry_time = 1s", "service_throttle_time = 1s")


def send(site, code, text=TEXT, limit=20):
    """A whole transaction; the reply that decided, which begins so."""
    with site.connect(greeting=None) as client:
        client.socket.settimeout(limit)
        client.expect("220")
        client.ask("EHLO client.example", "250")
        client.send("MAIL FROM:<alice@example.com>")
        reply = client.reply()
        for line in ("RCPT TO:<alice@example.com>", "DATA"):
            if reply[0] in "23":
                client.send(line)
                reply = client.reply()
        if reply.startswith("354"):
            client.socket.sendall(text.replace("\n", "\r\n").encode())
            client.send(".")
            reply = client.reply()
        assert reply.startswith(code), client.transcript
        return reply


def processes(site, name):
    return site.run("pgrep", "-x", name, check=False).stdout.split()


@pytest.fixture
def ours(new_site):
    return new_site("ours")


def small_queue(site):
    """Starts the site on a queue of its own file system."""
    quick(site)
    site.start()  # the jail is copied once
    site.stop()
    disk = Disk(site, "/var/spool/postfix", "60m")
    site.start()
    return disk


def test_full_queue_answers_later_and_heals(site, suite):
    queue = small_queue(site)
    send(site, "250 2.0.0 Ok: queued")
    site.wait_for_mbox("alice", 1)
    before = processes(site, "smtpd") + processes(site, "cleanup")
    queue.fill(leave=50000)
    send(site, "4")
    queue.clear()
    send(site, "250 2.0.0 Ok: queued")
    site.wait_for_mbox("alice", 2)
    if suite == "ours":
        assert processes(site, "smtpd") + processes(site, "cleanup") == before
    wait_until("an empty queue", lambda: not site.queue_list())


def test_space_is_asked_for_before_the_message(ours):
    site = ours
    quick(site)
    site.main.set("message_size_limit = 1000000", "queue_minfree = 1000000")
    site.start()
    site.stop()
    queue = Disk(site, "/var/spool/postfix", "60m")
    queue.fill(leave=1200000)
    site.start()
    assert send(site, "452") == "452 4.3.1 Insufficient system storage"
    queue.clear()
    wait_until("mail to be taken again", lambda: accepts(site))
    site.wait_for_mbox("alice")


def test_full_queue_keeps_what_it_cannot_put_off_or_return(ours):
    site = ours
    queue = small_queue(site)

    def route(where):
        with open(f"{site.etc}/postfix/transport", "w") as f:
            f.write(f"there.example {where}\n")
        site.run("postfix", "reload")
        site.run("postqueue", "-f")

    site.main.set("transport_maps = texthash:/etc/postfix/transport")
    site.main.set("smtpd_reject_unlisted_recipient = no")
    route("retry:4.3.0 later")
    site.send("b@there.example", sender="alice@example.com")
    site.wait_for_log("status=deferred .later")
    queue.fill()
    mark = site.log.mark()
    route("error:5.1.1 never")
    site.wait_for_log("No space left on device", since=mark)
    assert len(site.queue_list()) == 1
    queue.clear()
    site.run("postqueue", "-f")
    assert "Undelivered" in header(site.wait_for_mbox("alice"), "Subject")
    wait_until("an empty queue", lambda: not site.queue_list())


@pytest.mark.parametrize("style", ["mbox", "maildir"])
def test_full_mailbox_defers_and_is_not_spoilt(ours, style):
    site = ours
    quick(site)
    if style == "maildir":
        site.main.set("home_mailbox = Maildir/")
    disk = Disk(site, "/var/mail" if style == "mbox" else "/home", "200k")
    inside = disk.inside + ("/alice" if style == "mbox" else "/alice/Maildir")
    site.start()

    def size():
        if style == "mbox":
            return os.stat(inside).st_size
        return [sum(len(f) for _, _, f in os.walk(f"{inside}/{part}"))
                for part in ("tmp", "new")]

    site.send("alice@example.com")
    wait_until("a delivery", lambda: not site.queue_list())
    before = size()
    disk.fill(leave=20000)
    site.send("alice@example.com", text=TEXT)
    site.wait_for_log(r"local\[\d+\]: .*dsn=4.3.0, status=deferred \(.*"
                      r"No space left on device\)")
    assert size() == before
    assert site.queue_list()
    disk.clear()
    site.run("postqueue", "-f")
    wait_until("the delivery", lambda: not site.queue_list())
    if style == "mbox":
        with open(inside) as f:
            text = f.read()
        assert text.count("\nAll work") == 4000 and text.count("From ") == 2
    else:
        assert size() == [0, 2]


def test_full_maildrop_is_told_to_the_sender(ours):
    site = ours
    queue = small_queue(site)
    queue.fill()
    done = site.run("sendmail", "alice", input=TEXT, check=False)
    assert done.returncode in (69, 75) and "error" in done.stderr, done
    queue.clear()
    site.sendmail("alice")
    site.wait_for_mbox("alice")


def test_descriptors_run_out_and_come_back(ours):
    site = ours
    quick(site)
    site.start()
    send(site, "250")
    site.wait_for_mbox("alice", 1)
    for name in ("smtpd", "cleanup", "qmgr", "trivial-rewrite", "proxymap"):
        for pid in processes(site, name):
            used = site.run("ls", f"/proc/{pid}/fd").stdout.split()
            free = min(n for n in range(1000) if str(n) not in used)
            site.run("prlimit", f"--pid={pid}", f"--nofile={free + 8}:",
                     user="postfix")
    before = processes(site, "smtpd")
    clients = []
    try:
        for _ in range(12):
            clients.append(site.connect(greeting=None))
        assert not all(accepts(site, limit=3) for _ in range(2))
    finally:
        for client in clients:
            client.close()
    wait_until("mail to be taken again", lambda: accepts(site))
    assert processes(site, "smtpd") == before


def accepts(site, limit=20):
    try:
        send(site, "250", limit=limit)
        return True
    except (AssertionError, OSError, EOFError):
        return False
