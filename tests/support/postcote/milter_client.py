"""The MTA's side of the milter conversation, as Postfix holds it: gives a
filter one message after another and applies what the filter answers."""

import socket
import struct

V6 = (6, 0x1ff, 0x1fffff)  # what Postfix offers: version, actions, protocol
V2 = (2, 0x3f, 0x7f)       # milter_protocol = 2
SKIP, LEADING_SPACE, NO_HEADER_REPLY = 0x400, 0x100000, 0x80
NO_REPLY = {"C": 0x1000, "H": 0x2000, "M": 0x4000, "R": 0x8000, "T": 0x10000,
            "L": 0x80, "N": 0x40000, "B": 0x80000}
LEFT_OUT = {"C": 0x1, "H": 0x2, "M": 0x4, "R": 0x8, "T": 0x200, "L": 0x20,
            "N": 0x40, "B": 0x10}


class Refused(Exception):
    """reply: the filter's final answer: its letter, or the text of "y"."""

    def __init__(self, reply):
        super().__init__(reply)
        self.reply = reply


def split_message(text):
    """[(name, all behind the colon)], body. text: CRLF bytes."""
    head, _, body = text.partition(b"\r\n\r\n")
    if not head.endswith(b"\r\n"):
        head += b"\r\n"
    fields = []
    for line in head.split(b"\r\n")[:-1]:
        if line[:1] in (b" ", b"\t") and fields:
            fields[-1] = (fields[-1][0], fields[-1][1] + b"\r\n" + line)
        elif line:
            name, _, value = line.partition(b":")
            fields.append((name, value))
    return fields, body


def join_message(fields, body):
    return b"".join(b"%s:%s\r\n" % field for field in fields) + b"\r\n" + body


class MilterClient:
    """address: ("host", port) or a Unix socket's path."""

    def __init__(self, address, offer=V6, timeout=20, connect=None):
        if connect:
            self.socket = connect()
        elif isinstance(address, str):
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.connect(address)
        else:
            self.socket = socket.create_connection(address)
        self.socket.settimeout(timeout)
        if self.socket.family != socket.AF_UNIX:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.stream = self.socket.makefile("rb")
        self.send("O", struct.pack("!III", *offer))
        code, data = self.receive()
        assert code == "O", code
        self.version, self.actions, self.protocol = struct.unpack(
            "!III", data[:12])
        self.symbols = data[12:]
        self.leading_space = bool(self.protocol & LEADING_SPACE)

    def send(self, code, data=b""):
        self.socket.sendall(struct.pack("!Ic", len(data) + 1, code.encode())
                            + data)

    def receive(self):
        head = self.stream.read(5)
        if len(head) < 5:
            raise ConnectionError("the filter has closed the connection")
        size, code = struct.unpack("!Ic", head)
        return code.decode(), self.stream.read(size - 1)

    def macros(self, stage, values):
        data = b"".join(f"{name}\0{value}\0".encode()
                        for name, value in values.items())
        self.send("D", stage.encode() + data)

    def event(self, code, data=b""):
        """The reply: c, s or, of an accepted message, a; else Refused."""
        if self.protocol & LEFT_OUT.get(code, 0):
            return "c"
        self.send(code, data)
        if self.protocol & NO_REPLY.get(code, 0):
            return "c"
        return self.reply()

    def reply(self):
        while True:
            code, data = self.receive()
            if code == "p":
                continue
            if code in "csa":
                return code
            raise Refused(data.rstrip(b"\0").decode() if code == "y" else code)

    def connect(self, host="client.example.net", address="192.0.2.7",
                macros=None):
        self.macros("C", {"j": "mx.example.org", **(macros or {})})
        family = b"6" if ":" in address else b"4"
        return self.event("C", host.encode() + b"\0" + family
                          + struct.pack("!H", 4711) + address.encode() + b"\0")

    def message(self, text, queue_id="4Q1234", sender="<a@example.com>",
                recipients=("<b@example.org>",), macros=None,
                before_end=lambda: None):
        """Gives a message (CRLF bytes); returns it as the filter left it.
        before_end: called when all but its end has been given."""
        fields, body = split_message(text)
        given = {"i": queue_id, **(macros or {})}
        self.macros("M", given)
        if self.event("M", sender.encode() + b"\0") == "a":
            return text
        for recipient in recipients:
            if self.event("R", recipient.encode() + b"\0") == "a":
                return text
        self.macros("T", given)
        for name, value in fields:
            if not self.leading_space and value[:1] == b" ":
                value = value[1:]
            self.macros("L", given)
            reply = self.event("L", name + b"\0"
                               + value.replace(b"\r\n", b"\n") + b"\0")
            if reply == "a":
                return text
        self.macros("N", given)
        if self.event("N") == "a":
            return text
        while body:
            reply = self.event("B", body[:65535])
            if reply == "a":
                return text
            if reply == "s":
                break
            body = body[65535:]
        before_end()
        self.macros("E", given)
        self.send("E")
        return self._finish(fields, text.partition(b"\r\n\r\n")[2])

    def abort(self):
        self.send("A")

    def _finish(self, fields, body):
        self.edits = []
        while True:
            code, data = self.receive()
            if code == "p":
                continue
            if code in "ac":
                return join_message(fields, body)
            if code in "ryt4d":
                raise Refused(data.rstrip(b"\0").decode() if code == "y"
                              else code)
            self._edit(code, data, fields)

    def _edit(self, code, data, fields):
        self.edits.append((code, data))
        blank = b"" if self.leading_space else b" "
        if code == "i":
            index, = struct.unpack("!I", data[:4])
            name, value = data[4:].split(b"\0")[:2]
            fields.insert(index, (name, blank + value.replace(b"\n", b"\r\n")))
        elif code == "h":
            name, value = data.split(b"\0")[:2]
            fields.append((name, blank + value.replace(b"\n", b"\r\n")))
        elif code == "m":
            index, = struct.unpack("!I", data[:4])
            name, value = data[4:].split(b"\0")[:2]
            places = [i for i, (n, _) in enumerate(fields)
                      if n.lower() == name.lower()]
            at = places[max(index, 1) - 1]
            if value:
                fields[at] = (fields[at][0], blank + value)
            else:
                del fields[at]

    def close(self):
        try:
            self.send("Q")
        except OSError:
            pass
        self.stream.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
