"""Holds what an IMAP server tells to the rules of sequence numbers, UIDs and
MODSEQs (RFC 3501, 4315, 7162), while many connections change one mailbox."""

import random
import re
import threading
import time

FETCH = re.compile(rb"\* (\d+) FETCH \((.*)")
UID = re.compile(rb"(?:^| )UID (\d+)")
MODSEQ = re.compile(rb"MODSEQ \((\d+)\)")


class Shared:
    """What holds for all connections together."""

    def __init__(self):
        self.lock = threading.Lock()
        self.given = {}       # uid: the tag that got it
        self.expunged = set()
        self.errors = []
        self.commands = 0

    def give(self, uid, why):
        with self.lock:
            if uid in self.given:
                self.errors.append(f"uid {uid} given to {self.given[uid]} "
                                   f"and {why}")
            self.given[uid] = why


class Client:
    """One connection with a model of its view. `stream` has readline(),
    write(), flush() of bytes."""

    def __init__(self, name, reader, writer, shared, seed):
        self.name, self.reader, self.writer = name, reader, writer
        self.shared = shared
        self.random = random.Random(seed)
        self.view = []     # uid, or None while it is not known
        self.modseq = {}
        self.count = 0
        self.logged_in = False  # "* PREAUTH" is still to come
        self.before_end = None

    def fail(self, text):
        self.shared.errors.append(f"{self.name}: {text}")

    def line(self):
        line = self.reader.readline()
        if not line:
            raise EOFError(self.name)
        while True:
            literal = re.search(rb"\{(\d+)\}\r\n$", line)
            if not literal:
                return line
            line += self.reader.read(int(literal[1])) + self.reader.readline()

    def untagged(self, line):
        number = re.match(rb"\* (\d+) (EXISTS|EXPUNGE)", line)
        if number and number[2] == b"EXISTS":
            n = int(number[1])
            if n < len(self.view):
                self.fail(f"EXISTS {n} below {len(self.view)}")
            self.view += [None] * (n - len(self.view))
        elif number:
            n = int(number[1])
            if not 1 <= n <= len(self.view):
                self.fail(f"EXPUNGE {n} of {len(self.view)}")
            else:
                del self.view[n - 1]
        fetch = FETCH.match(line)
        if fetch:
            self.fetched(int(fetch[1]), fetch[2])

    def fetched(self, seq, items):
        if not 1 <= seq <= len(self.view):
            self.fail(f"FETCH of {seq} among {len(self.view)}")
            return
        uid = UID.search(items)
        if not uid:
            return
        uid = int(uid[1])
        if self.view[seq - 1] not in (None, uid):
            self.fail(f"{seq} is uid {self.view[seq - 1]}, told {uid}")
        self.view[seq - 1] = uid
        known = [u for u in self.view if u]
        if known != sorted(set(known)):
            self.fail("uids do not ascend")
        modseq = MODSEQ.search(items)
        if modseq:
            value = int(modseq[1])
            if value < self.modseq.get(uid, 0):
                self.fail(f"modseq of {uid} fell to {value}")
            self.modseq[uid] = value

    def ask(self, text, body=None, wanted=b"OK", plain=True):
        self.count += 1
        tag = f"{self.name}.{self.count}".encode()
        data = tag + b" " + text
        if body is not None:
            data += b" {%d+}\r\n" % len(body) + body
        self.writer.write(data + b"\r\n")
        self.writer.flush()
        before = len(self.view)
        while True:
            line = self.line()
            if line.startswith(tag):
                break
            if plain and b" EXPUNGE\r\n" in line and re.match(
                    rb"(FETCH|STORE|SEARCH)", text):
                self.fail(f"EXPUNGE during {text!r}")
            self.untagged(line)
        self.shared.commands += 1
        status = line.split()[1]
        if status != b"OK" and b"EXPUNGEISSUED" not in line:
            self.fail(f"{text[:60]!r} of {before}: {line!r}")
        return line

    def begin(self):
        if not self.logged_in:
            self.line()
        self.ask(b"ENABLE CONDSTORE")
        self.ask(b"SELECT INBOX")

    def range(self):
        n = len(self.view)
        first = self.random.randint(1, n)
        return b"%d:%d" % (first, min(n, first + self.random.randint(0, 4)))

    def append(self):
        text = b"Subject: %s\r\n\r\n%s\r\n" % (
            self.name.encode(), b"x" * self.random.randint(1, 3000))
        line = self.ask(b"APPEND INBOX", text)
        got = re.search(rb"APPENDUID \d+ (\d+)", line)
        if got:
            self.shared.give(int(got[1]), line.split()[0].decode())

    def copy(self):
        line = self.ask(b"COPY " + self.range() + b" INBOX")
        got = re.search(rb"COPYUID \d+ \S+ (\S+)\]", line)
        for piece in got[1].split(b",") if got else []:
            first, _, last = piece.partition(b":")
            for uid in range(int(first), int(last or first) + 1):
                self.shared.give(uid, line.split()[0].decode())

    def store(self):
        sign = self.random.choice([b"+", b"-", b""])
        flag = self.random.choice([b"\\Seen", b"\\Flagged", b"\\Deleted", b"kw"])
        self.ask(b"STORE " + self.range() + b" " + sign + b"FLAGS (" + flag +
                 b")")

    def idle(self):
        self.writer.write(b"idle IDLE\r\n")
        self.writer.flush()
        while not self.line().startswith(b"+"):
            pass
        self.writer.write(b"DONE\r\n")
        self.writer.flush()
        while True:
            line = self.line()
            if line.startswith(b"idle "):
                break
            self.untagged(line)

    def step(self):
        if not self.view:
            self.append()
            self.ask(b"NOOP")
            return
        what = self.random.random()
        if what < 0.2:
            self.append()
        elif what < 0.4:
            self.store()
        elif what < 0.5:
            self.ask(b"EXPUNGE")
        elif what < 0.57:
            self.copy()
        elif what < 0.85:
            self.ask(b"FETCH " + self.range() + b" (UID FLAGS MODSEQ "
                     b"BODY.PEEK[])")
        elif what < 0.92:
            self.idle()
        else:
            self.ask(b"NOOP")
        if len(self.view) > 200:
            self.ask(b"UID STORE 1:* +FLAGS.SILENT (\\Deleted)")
            self.ask(b"EXPUNGE")

    def run(self, until):
        try:
            self.begin()
            while time.monotonic() < until and not self.shared.errors:
                self.step()
        except Exception as e:
            self.fail(f"{type(e).__name__}: {e}")

    def end(self):
        """All that is there, as this client sees it at last."""
        self.ask(b"NOOP")
        if self.view:
            self.ask(b"FETCH 1:* (UID FLAGS MODSEQ)")
        if None in self.view:
            self.fail("a message without uid")
        return list(self.view)


def check(clients, seconds):
    """Runs all clients, then compares their views."""
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=c.run, args=(until,)) for c in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for client in clients:
        if client.before_end:
            client.before_end()
    shared = clients[0].shared
    if not shared.errors:
        views = {tuple(c.end()) for c in clients}
        if len(views) != 1:
            shared.errors.append(f"{len(views)} different views at the end")
    assert not shared.errors, "\n".join(shared.errors[:10])
    return shared.commands
