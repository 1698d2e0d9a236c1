"""A client that speaks line by line, for SMTP, LMTP and their like."""

import base64
import ssl


class Dialogue:
    """Wraps a connected socket. Lines are str in latin-1."""

    def __init__(self, socket, tls=False, greeting="220"):
        self.socket = socket
        self.peer_certificate = None  # DER, once TLS is on
        self.transcript = []
        if tls:
            self._wrap()
        else:
            self.stream = socket.makefile("rb")
        if greeting:
            self.expect(greeting)

    def _wrap(self):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self.socket = context.wrap_socket(self.socket)
        self.peer_certificate = self.socket.getpeercert(binary_form=True)
        self.stream = self.socket.makefile("rb")

    def send(self, line):
        self.transcript.append("> " + line)
        self.socket.sendall(line.encode("latin-1") + b"\r\n")

    def reply(self):
        """One reply, its lines joined with newlines; "" at the end."""
        lines = []
        while True:
            line = self.stream.readline().decode("latin-1")
            if not line:
                break
            assert line.endswith("\r\n"), f"bare line {line!r}"
            lines.append(line[:-2])
            self.transcript.append("< " + line[:-2])
            if line[3:4] != "-":
                break
        return "\n".join(lines)

    def expect(self, code):
        """Reads a reply that must begin so; returns it."""
        reply = self.reply()
        assert reply.startswith(str(code)), (
            f"expected {code}, got {reply!r} in\n" +
            "\n".join(self.transcript))
        return reply

    def ask(self, line, code="2"):
        self.send(line)
        return self.expect(code)

    def starttls(self):
        self.ask("STARTTLS", "220")
        self._wrap()

    def auth_plain(self, user, password, code="235"):
        token = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
        return self.ask(f"AUTH PLAIN {token}", code)

    def auth_login(self, user, password, code="235"):
        self.ask("AUTH LOGIN", "334")
        self.ask(base64.b64encode(user.encode()).decode(), "334")
        return self.ask(base64.b64encode(password.encode()).decode(), code)

    def deliver(self, sender, recipients, text="Subject: test\n\nHello.\n",
                code="250"):
        """A whole transaction after EHLO; returns the reply to the end."""
        self.ask(f"MAIL FROM:<{sender}>", "250")
        for recipient in recipients:
            self.ask(f"RCPT TO:<{recipient}>", "250")
        self.ask("DATA", "354")
        body = "".join("." + line if line.startswith(".") else line
                       for line in text.splitlines(keepends=True))
        self.socket.sendall(body.replace("\n", "\r\n").encode("latin-1"))
        return self.ask(".", code)

    def close(self):
        self.stream.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
