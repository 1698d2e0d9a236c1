"""A peer that takes mail by SMTP or LMTP, and answers as it is told."""

import socket
import ssl
import threading
import time
from dataclasses import dataclass, field

from postcote.wait import Timeout


def serve_each(listener, serve):
    """Calls serve(client) in a thread of its own for each connection, until
    the listener is closed."""
    def accept():
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(client,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


@dataclass
class Received:
    """One message: the envelope and the text as it came, with newlines."""
    helo: str = ""
    sender: str = ""
    recipients: list = field(default_factory=list)
    options: str = ""  # after the address of MAIL
    text: str = ""
    tls: bool = False
    time: float = 0.0  # when all of it was here


def _address(argument):
    inner, _, rest = argument.partition("<")[2].partition(">")
    return inner, rest.strip()


class Sink:
    """listener: a listening socket. replies: {verb: reply, list of replies
    to be used up, or function of the command line}; verbs are CONNECT, EHLO,
    HELO, LHLO, MAIL, RCPT, DATA, ".", QUIT. A reply of None drops the
    connection. certificate: (cert, key) offers STARTTLS."""

    def __init__(self, listener, lmtp=False, replies=None, certificate=None):
        self.listener, self.lmtp = listener, lmtp
        self.replies = dict(replies or {})
        self.tls = None
        if certificate:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(*certificate)
        self.messages = []
        self.sessions = 0
        self.commands = []
        self.tls_sessions = []  # ssl sockets, in their order
        self.changed = threading.Condition()
        serve_each(self.listener, self._session)

    def wait_for(self, check=lambda message: True, limit=20.0):
        """The first message that passes the check, taken off the list."""
        end = time.monotonic() + limit
        with self.changed:
            while True:
                for message in self.messages:
                    if check(message):
                        self.messages.remove(message)
                        return message
                left = end - time.monotonic()
                if left <= 0:
                    raise Timeout(f"no message at the sink in {limit:.0f} s")
                self.changed.wait(left)

    def _reply(self, verb, line, default):
        scripted = self.replies.get(verb)
        if callable(scripted):
            return scripted(line)
        if isinstance(scripted, list):
            return scripted.pop(0) if scripted else default
        return scripted if verb in self.replies else default

    def _session(self, client):
        self.sessions += 1
        try:
            _Session(self, client).run()
        except (OSError, EOFError, ValueError):
            pass
        finally:
            client.close()

    def close(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()


class _Session:
    def __init__(self, sink, client):
        self.sink, self.socket = sink, client
        self.stream = client.makefile("rb")
        self.message = Received()
        self.helo, self.secure = "", False

    def say(self, verb, line, default):
        reply = self.sink._reply(verb, line, default)
        if reply is None:
            raise EOFError
        self.socket.sendall(reply.replace("\n", "\r\n").encode() + b"\r\n")
        return reply

    def run(self):
        self.say("CONNECT", "", "220 sink ESMTP")
        while True:
            line = self.stream.readline().decode("latin-1")
            if not line:
                return
            line = line.rstrip("\r\n")
            self.sink.commands.append(line)
            verb = line.split(" ")[0].upper()
            handler = getattr(self, "do_" + verb.lower(), None)
            if handler:
                handler(line)
            else:
                self.say(verb, line, "500 5.5.2 What?")
            if verb == "QUIT":
                return

    def do_ehlo(self, line):
        self.helo = line[5:]
        offers = ["sink", "PIPELINING", "8BITMIME", "SMTPUTF8", "DSN",
                  "SIZE 50000000", "ENHANCEDSTATUSCODES"]
        if self.sink.tls and not self.secure:
            offers.append("STARTTLS")
        text = [f"250-{offer}" for offer in offers[:-1]]
        self.say(line[:4].upper(), line,
                 "\n".join(text + [f"250 {offers[-1]}"]))

    do_lhlo = do_ehlo

    def do_helo(self, line):
        self.helo = line[5:]
        self.say("HELO", line, "250 sink")

    def do_starttls(self, line):
        if not self.sink.tls:
            self.say("STARTTLS", line, "502 5.5.1 No TLS")
            return
        self.say("STARTTLS", line, "220 2.0.0 Go ahead")
        self.socket = self.sink.tls.wrap_socket(self.socket, server_side=True)
        self.sink.tls_sessions.append(self.socket)
        self.stream = self.socket.makefile("rb")
        self.secure = True

    def do_mail(self, line):
        reply = self.say("MAIL", line, "250 2.1.0 Ok")
        if reply.startswith("2"):
            sender, options = _address(line)
            self.message = Received(self.helo, sender, [], options,
                                    tls=self.secure)

    def do_rcpt(self, line):
        if self.say("RCPT", line, "250 2.1.5 Ok").startswith("2"):
            self.message.recipients.append(_address(line)[0])

    def do_rset(self, line):
        self.message = Received()
        self.say("RSET", line, "250 2.0.0 Ok")

    def do_noop(self, line):
        self.say("NOOP", line, "250 2.0.0 Ok")

    def do_quit(self, line):
        self.say("QUIT", line, "221 2.0.0 Bye")

    def do_data(self, line):
        ready = "354 Go on" if self.message.recipients else "554 No recipients"
        if not self.say("DATA", line, ready).startswith("3"):
            return
        lines = []
        while (data := self.stream.readline()) != b".\r\n":
            if not data:
                raise EOFError
            lines.append(data[1:] if data.startswith(b".") else data)
        self.message.time = time.time()
        self.message.text = b"".join(lines).decode("latin-1").replace(
            "\r\n", "\n")
        count = len(self.message.recipients) if self.sink.lmtp else 1
        taken = [self.sink._reply(".", ".", "250 2.0.0 Taken")
                 for _ in range(count)]
        if any(reply and reply.startswith("2") for reply in taken):
            with self.sink.changed:
                self.sink.messages.append(self.message)
                self.sink.changed.notify_all()
        self.message = Received()
        for reply in taken:
            if reply is None:
                raise EOFError
            self.socket.sendall(reply.encode() + b"\r\n")
