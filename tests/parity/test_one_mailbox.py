"""Ours and Debian's imap and dovecot-lda at work in one mailbox at the same
time, as where one daemon was swapped under a running site: nothing is lost,
no uid is given twice, at last both see the same."""

import os
import re
import threading

import pytest
from postcote import imap
from postcote.imap_checker import Client, Shared, check
from postcote.imap_mortal import Mortal, stop
from postcote.wait import wait_until

SECONDS = float(os.environ.get("POSTCOTE_IMAP_SECONDS", "5"))
SUITES = ("ours", "debian")
LOCATIONS = {"maildir": "maildir:~/Maildir",
             "mbox": "mbox:~/mail:INBOX=~/inbox"}


@pytest.fixture(params=LOCATIONS)
def place(request, tmp_path):
    """(home, configuration, kind of mailbox)"""
    for suite in SUITES:
        imap.need(suite, tmp_path)
    home = imap.make_home(str(tmp_path))
    configuration = f"{tmp_path}/dovecot.conf"
    with open(configuration, "w") as f:
        f.write(f"mail_location = {LOCATIONS[request.param]}\nssl = no\n"
                f"log_path = {home}/log\npostmaster_address = p@example.com\n"
                # Debian's looks at an mbox that grew from its old end on.
                "mbox_dirty_syncs = no\n")
    return home, configuration, request.param


class Lda(threading.Thread):
    """Delivers by the two suites' dovecot-lda in turn until end()."""

    def __init__(self, place):
        super().__init__()
        self.place = place
        self.delivered, self.failed = [], []
        self.ended = threading.Event()

    def run(self):
        while not self.ended.wait(0.02):
            n = len(self.delivered)
            process = imap.launch(SUITES[n % 2], *self.place[:2],
                                  program="dovecot-lda")
            text = f"Subject: lda{n}\n\n" + "x" * (n * 37 % 5000) + "\n"
            _, errors = process.communicate(text.encode(), 60)
            if process.returncode:
                self.failed.append((SUITES[n % 2], process.returncode, errors))
                return
            self.delivered.append(f"lda{n}")

    def end(self):
        self.ended.set()
        self.join()


def look(suite, place):
    """{uid: (subject, flags)} as a new process sees it."""
    process = imap.launch(suite, *place[:2])
    try:
        client = Client(suite, process.stdout, process.stdin, Shared(), 0)
        client.begin()
        found = {}
        client.writer.write(b"f FETCH 1:* (UID FLAGS BODY.PEEK[HEADER.FIELDS "
                            b"(SUBJECT)])\r\n")
        client.writer.flush()
        while not (line := client.line()).startswith(b"f "):
            uid = re.search(rb"UID (\d+)", line)
            subject = re.search(rb"Subject: (\S+)", line)
            flags = re.search(rb"FLAGS \(([^)]*)", line)
            if uid and subject:
                found[int(uid[1])] = (subject[1].decode(), frozenset(
                    flags[1].decode().split()) - {"\\Recent"})
        return found
    finally:
        stop([process])


def log_of(place):
    with open(f"{place[0]}/log") as f:
        # Debian's warn of their own scans, without ours as well.
        return [line for line in f
                if re.search("(Error|Warning|Panic|Fatal): ", line)
                and "Duplicate file entry" not in line]


def compare(place):
    seen = [look(suite, place) for suite in SUITES]
    assert seen[0] == seen[1]
    return seen[0]


@pytest.mark.parametrize("place", ["maildir"], indirect=True)
def test_clients_of_both(place):
    """Whose commands are at random. In an mbox Debian's alone end or wait."""
    shared = Shared()
    processes = [imap.launch(SUITES[i % 2], *place[:2]) for i in range(6)]
    clients = [Client(f"{SUITES[i % 2]}{i}", p.stdout, p.stdin, shared, i)
               for i, p in enumerate(processes)]
    lda = Lda(place)
    lda.start()
    try:
        clients[0].before_end = lda.end
        assert check(clients, SECONDS) > 100
        assert not lda.failed and len(lda.delivered) > 1
    finally:
        lda.end()
        stop(processes)
    compare(place)
    assert log_of(place) == []


def test_nothing_is_lost(place):
    """Each client deletes what is its own."""
    shared = Shared()
    def start_of(suite):
        return lambda: imap.launch(suite, *place[:2])

    mortals = [Mortal(i, start_of(SUITES[i % 2]), shared) for i in range(4)]
    # Who waits for an mbox's lock beside four busy clients waits long.
    lda = Lda(place)
    threads = [*mortals, lda] if place[2] == "maildir" else mortals
    for thread in threads:
        thread.start()
    wait_until("many commands of all", lambda: shared.errors or lda.failed or (
        sum(m.count for m in mortals) > 60 and shared.commands > 200), 60)
    for mortal in mortals:
        mortal.ended = True
    lda.ended.set()
    for thread in threads:
        thread.join()
    assert not shared.errors, "\n".join(shared.errors[:10])
    assert not lda.failed
    there = compare(place)
    saved = {uid: subject for m in mortals for subject, uid in m.saved.items()}
    assert {uid: there.get(uid, ("",))[0] for uid in saved} == saved
    subjects = [subject for subject, _ in there.values()]
    assert [s for s in lda.delivered if subjects.count(s) != 1] == []
