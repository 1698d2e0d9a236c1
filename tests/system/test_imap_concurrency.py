"""Many processes change one mailbox at once; all that they are told stays
consistent, and what was acknowledged outlives kill -9. Each connection is a
process of its own, as a site has it whose imap serves one client."""

import os
import random
import re
import threading
import time

import pytest
from postcote import imap
from postcote.imap_checker import Client, Shared, check
from postcote.imap_mortal import Mortal, stop
from postcote.mda import Mda

CONNECTIONS = 8
SECONDS = float(os.environ.get("POSTCOTE_IMAP_SECONDS", "5"))


@pytest.fixture
def home(suite, tmp_path):
    imap.need(suite, tmp_path)
    return imap.make_home(str(tmp_path))


def files(home):
    return [name for part in ("new", "cur")
            for name in os.listdir(f"{home}/Maildir/{part}")]


def test_one_mailbox(suite, home):
    shared = Shared()
    configuration = f"{os.path.dirname(home)}/dovecot.conf"
    processes = [imap.launch(suite, home, configuration)
                 for _ in range(CONNECTIONS)]
    clients = [Client(f"c{i}", p.stdout, p.stdin, shared, i)
               for i, p in enumerate(processes)]
    mda = Mda(home)
    mda.start()
    try:
        clients[0].before_end = mda.end
        assert check(clients, SECONDS) > CONNECTIONS * 5
        assert mda.count > SECONDS
        assert len(files(home)) == len(clients[0].view)
    finally:
        mda.end()
        stop(processes)


def subjects(process, shared):
    client = Client("last", process.stdout, process.stdin, shared, 0)
    client.begin()
    found = {}
    while True:
        client.writer.write(
            b"f FETCH 1:* (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)])\r\n")
        client.writer.flush()
        while not (line := client.line()).startswith(b"f "):
            uid = re.search(rb"UID (\d+)", line)
            subject = re.search(rb"Subject: (\S+)", line)
            if uid and subject:
                found[int(uid[1])] = subject[1].decode()
        return found


def test_killed_processes(suite, home):
    """No acknowledged message is lost, no uid is given twice."""
    shared = Shared()
    configuration = f"{os.path.dirname(home)}/dovecot.conf"

    def start():
        return imap.launch(suite, home, configuration)

    mortals = [Mortal(i, start, shared) for i in range(4)]
    for mortal in mortals:
        mortal.start()
    until = time.monotonic() + SECONDS
    most = until + 60 + 10 * SECONDS
    chance, moment, killed = random.Random(1), threading.Event(), 0
    while (time.monotonic() < until or killed < 2 * SECONDS) and (
            not shared.errors and time.monotonic() < most):
        target = shared.commands + chance.randint(1, 50)
        while shared.commands < target and time.monotonic() < most:
            moment.wait(0.001)
        victim = chance.choice(mortals).process
        if victim and victim.poll() is None:
            victim.kill()
            killed += 1
    for mortal in mortals:
        mortal.ended = True
    for mortal in mortals:
        mortal.join()
    assert not shared.errors, "\n".join(shared.errors[:10])
    assert killed >= 2 * SECONDS
    last = start()
    try:
        there = subjects(last, shared)
    finally:
        stop([last])
    saved = {uid: subject for m in mortals for subject, uid in m.saved.items()}
    assert len(saved) > 5
    assert {uid: there.get(uid) for uid in saved} == saved
    assert len(files(home)) == len(there)
