"""kill -9 of any daemon at any moment loses no acknowledged message."""

import itertools
import random
import threading

import pytest
from postcote.mailboxes import header
from postcote.wait import wait_until

VICTIMS = ["smtpd", "cleanup", "qmgr", "local", "trivial-rewrite", "pickup",
           "bounce"]
MESSAGES = 500


def kill_one(site, name):
    """kill -9 of all processes of that name; whether there was one."""
    done = site.run("pkill", "-KILL", "-x", name, check=False)
    return done.returncode == 0


@pytest.fixture
def busy(site):
    site.add_user("alice")
    site.main.set("home_mailbox = Maildir/", "service_throttle_time = 1s",
                  "transport_retry_time = 1s", "queue_run_delay = 2s",
                  "minimal_backoff_time = 1s", "maximal_backoff_time = 2s")
    site.start()
    return site


def test_no_acknowledged_message_is_lost(busy):
    pick = random.Random(1)
    numbers, acknowledged, stop = itertools.count(), set(), threading.Event()

    def send():
        while (number := next(numbers)) < MESSAGES:
            try:
                busy.send("alice@example.com",
                          text=f"Subject: number {number}\n\nHello.\n")
            except (AssertionError, OSError, EOFError):
                continue  # not acknowledged: the client would send it again
            acknowledged.add(number)

    senders = [threading.Thread(target=send) for _ in range(4)]
    for sender in senders:
        sender.start()
    killed = 0
    while any(s.is_alive() for s in senders):
        killed += kill_one(busy, pick.choice(VICTIMS))
        stop.wait(pick.uniform(0, 0.2))
    for sender in senders:
        sender.join()
    assert killed >= 5 and len(acknowledged) >= MESSAGES / 4

    def missing():
        arrived = {int(header(m, "Subject").split()[1])
                   for m in busy.maildir("alice")}
        return acknowledged - arrived

    wait_until("all acknowledged messages", lambda: not missing(), limit=60)
