"""Clients of Dovecot's auth sockets, by hand: what is said, line by line."""

import base64
import re
import socket


def root_of(site):
    """Where the site's files are seen from outside."""
    return f"/proc/{site.space.pid}/root"


class Lines:
    """A connection to a Unix socket of the site; path as inside."""

    def __init__(self, site, path, greeting, limit=30):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(limit)
        self.socket.connect(root_of(site) + path)
        self.file = self.socket.makefile("rwb", buffering=0)
        self.greeting = []
        last = greeting
        while not self.greeting or not self.greeting[-1].startswith(last):
            self.greeting.append(self.read())

    def read(self):
        line = self.file.readline()
        return line.decode("latin-1").rstrip("\n") if line else "<EOF>"

    def write(self, *fields):
        self.file.write("\t".join(fields).encode("latin-1") + b"\n")

    def ask(self, *fields):
        self.write(*fields)
        return self.read()

    def close(self):
        self.file.close()
        self.socket.close()


def client(site, path="/run/dovecot/auth-client"):
    """The client protocol, with its handshake done."""
    out = Lines(site, path, "DONE")
    out.write("VERSION", "1", "2")
    out.write("CPID", "4711")
    return out


def master(site, path="/run/dovecot/auth-master"):
    out = Lines(site, path, "SPID")
    out.write("VERSION", "1", "1")
    return out


def encode(*parts):
    """base64 of the parts, NULs between."""
    return base64.b64encode("\0".join(parts).encode("latin-1")).decode()


def decode(text):
    return base64.b64decode(text).decode("latin-1")


INFO = ("service=imap", "no-penalty", "lip=127.0.0.1", "rip=127.0.0.1",
        "session=abc")


def plain(connection, number, user, password, *info, authzid=""):
    return connection.ask("AUTH", str(number), "PLAIN", *(info or INFO),
                          "resp=" + encode(authzid, user, password))


def steady(text):
    """Without what differs from run to run."""
    text = re.sub(r"(SPID|CUID|COOKIE)\t\w+", r"\1", text)
    return re.sub(r"auth_token=\w{40}", "auth_token=", text)
