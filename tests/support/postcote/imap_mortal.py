"""A client that may die at any moment and remembers what was acknowledged."""

import random
import re
import threading

from postcote.imap_checker import Client


def stop(processes):
    for process in processes:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            stream.close()


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
