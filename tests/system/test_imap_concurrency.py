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


def stop(processes):
    for process in processes:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            stream.close()


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


class Mortal(threading.Thread):
    """Saves, flags, copies and expunges, in one process after another."""

    def __init__(self, number, start, shared):
        super().__init__()
        self.number, self.launch, self.shared = number, start, shared
        self.random = random.Random(number)
        self.saved = {}   # subject: uid, as acknowledged
        self.ended = False
        self.count = self.starts = 0
        self.process = None

    def run(self):
        while not self.ended and not self.shared.errors:
            self.process = self.launch()
            self.starts += 1
            client = Client(f"m{self.number}s{self.starts}",
                            self.process.stdout, self.process.stdin,
                            self.shared, self.number)
            try:
                client.begin()
                while not self.ended and not self.shared.errors:
                    self.step(client)
            except (EOFError, BrokenPipeError, AttributeError):
                pass
            stop([self.process])

    def step(self, client):
        what = self.random.random()
        if what < 0.5 or not self.saved:
            self.count += 1
            subject = f"m{self.number}n{self.count}"
            size = self.random.randint(1, 9000)
            line = client.ask(b"APPEND INBOX", b"Subject: %s\r\n\r\n%s\r\n" % (
                subject.encode(), b"x" * size))
            uid = int(re.search(rb"APPENDUID \d+ (\d+)", line)[1])
            self.saved[subject] = uid
            self.shared.give(uid, subject)
            return
        subject, uid = self.random.choice(list(self.saved.items()))
        if what < 0.7:
            client.ask(b"UID STORE %d +FLAGS (\\Seen kw)" % uid)
        elif what < 0.8:
            line = client.ask(b"UID COPY %d INBOX" % uid)
            copy = re.search(rb"COPYUID \d+ \d+ (\d+)\]", line)
            if copy:
                self.shared.give(int(copy[1]), "copy of " + subject)
        elif what < 0.9:
            client.ask(b"UID STORE %d +FLAGS (\\Deleted)" % uid)
            del self.saved[subject]
            client.ask(b"UID EXPUNGE %d" % uid)
        else:
            client.ask(b"NOOP")


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
    chance, moment = random.Random(1), threading.Event()
    while time.monotonic() < until and not shared.errors:
        target = shared.commands + chance.randint(1, 50)
        while shared.commands < target and time.monotonic() < until:
            moment.wait(0.001)
        victim = chance.choice(mortals).process
        if victim and victim.poll() is None:
            victim.kill()
    for mortal in mortals:
        mortal.ended = True
    for mortal in mortals:
        mortal.join()
    assert not shared.errors, "\n".join(shared.errors[:10])
    assert sum(m.starts for m in mortals) > len(mortals) + SECONDS
    last = start()
    try:
        there = subjects(last, shared)
    finally:
        stop([last])
    saved = {uid: subject for m in mortals for subject, uid in m.saved.items()}
    assert len(saved) > 5
    assert {uid: there.get(uid) for uid in saved} == saved
    assert len(files(home)) == len(there)
