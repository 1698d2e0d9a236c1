"""The system logger of a host: receives /dev/log, keeps lines as rsyslog
writes them to /var/log/mail.log, and lets tests wait for them."""

import os
import re
import socket
import threading
import time

from postcote.wait import Timeout


class Log:
    """path: the file, which a program may also write itself (then follow()
    is called, and the file is read while tests wait)."""

    def __init__(self, hostname, path, sockets):
        self.followed = None
        self.lines = []
        self.hostname = hostname.split(".")[0]
        self.changed = threading.Condition()
        self.file = open(path, "a", buffering=1, errors="surrogateescape")
        self.sockets = []
        for name in sockets:
            if os.path.lexists(name):
                os.unlink(name)
            s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            s.bind(name)
            os.chmod(name, 0o666)
            self.sockets.append(s)
            threading.Thread(target=self._receive, args=(s,),
                             daemon=True).start()

    def _receive(self, s):
        while True:
            try:
                data = s.recv(65536)
            except OSError:
                return
            if not data:
                return
            self.add(data)

    def add(self, data):
        """data: <PRI>Mon DD HH:MM:SS ident[pid]: text"""
        text = data.decode(errors="surrogateescape").rstrip("\n\0")
        match = re.match(r"<\d+>(\w{3} [ \d]\d [\d:]{8} )?(.*)", text, re.S)
        stamp, rest = match.groups() if match else (None, text)
        stamp = stamp or time.strftime("%b %e %H:%M:%S ", time.gmtime())
        with self.changed:
            line = f"{stamp}{self.hostname} {rest}"
            self.lines.append(line)
            self.file.write(line + "\n")
            self.changed.notify_all()

    def follow(self, path):
        """Takes lines from a log file that the programs write."""
        self.followed = open(path, errors="surrogateescape")

    def _read_followed(self):
        while line := self.followed and self.followed.readline():
            self.lines.append(line.rstrip("\n"))

    def mark(self):
        """A position: what is logged from now on."""
        self._read_followed()
        return len(self.lines)

    def find(self, pattern, since=0):
        for line in self.lines[since:]:
            match = re.search(pattern, line)
            if match:
                return match
        return None

    def grep(self, pattern, since=0):
        return [line for line in self.lines[since:] if re.search(pattern, line)]

    def wait_for(self, pattern, limit=20.0, since=0):
        """The match of the first line that has the pattern."""
        end = time.monotonic() + limit
        with self.changed:
            self._read_followed()
            while not (match := self.find(pattern, since)):
                left = end - time.monotonic()
                if left <= 0:
                    tail = "\n".join(self.lines[since:][-30:])
                    raise Timeout(f"no log line with {pattern!r} in "
                                  f"{limit:.0f} s; the log:\n{tail}")
                self.changed.wait(min(left, 0.05) if self.followed else left)
                self._read_followed()
            return match

    def close(self):
        for s in self.sockets:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()
        self.file.close()
