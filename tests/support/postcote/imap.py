"""Conversations with imap, logged in already, over its standard input."""

import os
import re
import select
import subprocess
import time

import pytest
from postcote import namespaces, tree
from postcote.tree import find_root

CONFIGURATION = """protocols = imap
mail_location = maildir:~/Maildir
ssl = no
"""
LITERAL = re.compile(rb"~?\{(\d+)(\+?)\}$")


def need(suite, tmp_path):
    """Skips a test that cannot run a suite's imap alone; else makes the way
    to tmp_path passable for the user it will run as."""
    reason = namespaces.why_not() or tree.why_not(
        suite, ["imap"] if suite == "ours" else None)
    if reason:
        pytest.skip(reason)
    for part in tmp_path.parents[:2]:
        os.chmod(part, 0o755)


def launch(suite, home, configuration, user=1000, program="imap", options=""):
    """Starts a suite's program as a command of `user`; returns the process."""
    lower = f"{find_root(suite)}/usr:/usr"
    script = (f"mount --make-rprivate / && mount -t overlay o -o "
              f"lowerdir={lower} /usr && exec setpriv --reuid={user} "
              f"--regid={user} --clear-groups /usr/lib/dovecot/{program} "
              f"-c {configuration} {options}")
    return subprocess.Popen(
        ["unshare", "-m", "sh", "-c", script], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={"HOME": home, "USER": "alice", "TZ": "UTC",
             "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})


def make_home(directory, messages=None, user=1000):
    """A home with a Maildir that holds the files of `messages`."""
    os.chmod(directory, 0o755)
    home = f"{directory}/home"
    for name in ("cur", "new", "tmp"):
        os.makedirs(f"{home}/Maildir/{name}")
    for i, name in enumerate(sorted(os.listdir(messages) if messages else [])):
        path = f"{home}/Maildir/new/{1790000000 + i}.M{i}P1.host"
        with open(f"{messages}/{name}", "rb") as source:
            content = source.read()
        with open(path, "wb") as target:
            target.write(content)
        os.utime(path, (1790000000 + i,) * 2)
    subprocess.run(["chown", "-R", f"{user}:{user}", home], check=True)
    with open(f"{directory}/dovecot.conf", "w") as f:
        f.write(CONFIGURATION)
    return home


def normal(line):
    """A line of a server without what differs from run to run."""
    line = re.sub(rb" \(\d+\.\d+ \+ \d+\.\d+( \+ \d+\.\d+)? secs\)", b"", line)
    line = re.sub(rb"(UIDVALIDITY|APPENDUID|COPYUID) \d{8,}", rb"\1 V", line)
    line = re.sub(rb"(SAVEDATE|X-SAVEDATE) \"[^\"]*\"", rb"\1 NOW", line)
    line = re.sub(rb"X-GUID [0-9a-f]{32}", b"X-GUID G", line)
    # How much a change adds is the server's affair.
    line = re.sub(rb"MODSEQ \(\d+\)|MODSEQ \d+", b"MODSEQ M", line)
    return line.decode("utf-8", "backslashreplace").replace("\0", "\\0")


class Player:
    """Says the lines of a dialogue and notes the answers."""

    def __init__(self, process, limit=20):
        self.process, self.limit = process, limit
        self.buffer = b""
        self.transcript = []

    def say(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def line(self, limit=None):
        """The next line of the server; None at the end."""
        until = time.monotonic() + (limit or self.limit)
        while b"\r\n" not in self.buffer:
            rest = max(0, until - time.monotonic())
            ready, _, _ = select.select([self.process.stdout], [], [], rest)
            if not ready:
                raise TimeoutError("\n".join(self.transcript[-20:]))
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                return None
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        self.transcript.append("S: " + normal(line))
        return line

    def until(self, *starts):
        while True:
            line = self.line()
            if line is None or line.startswith(starts):
                return line

    def play(self, lines):
        """lines: what the client says. Returns the transcript."""
        self.line()
        self.transcript.clear()
        tag, index = b"", 0
        while index < len(lines):
            text = lines[index]
            index += 1
            self.transcript.append("C: " + text.decode("utf-8"))
            if text != b"DONE":
                tag = text.split(b" ")[0] or b"*"
            self.say(text + b"\r\n")
            literal = LITERAL.search(text)
            while literal:
                size = int(literal[1])
                if not literal[2] and not self.until(b"+", tag + b" "):
                    break
                body = b""
                while len(body) < size:
                    self.transcript.append("C: " + lines[index].decode("utf-8"))
                    body += lines[index] + b"\r\n"
                    index += 1
                self.say(body)
                literal = LITERAL.search(body[size:].rstrip(b"\r\n"))
            if text.upper().endswith(b" IDLE"):
                self.until(b"+")
            elif self.until(tag + b" ", b"* BAD") is None:
                break
        return self.transcript


def play(suite, directory, lines, messages=None):
    """Runs a dialogue against a suite's imap; returns the transcript."""
    home = make_home(directory, messages)
    process = launch(suite, home, f"{directory}/dovecot.conf")
    try:
        return Player(process).play(lines)
    finally:
        process.stdin.close()
        process.wait(20)
