"""A name server that knows what a test tells it: authoritative for
everything, with the failures that real ones have."""

import socket
import struct
import threading

from dnslib import (AAAA, CNAME, MX, NS, PTR, QTYPE, RCODE, RR, SOA, TXT, A,
                    DNSRecord)


def _data(kind, value):
    if kind == "MX":
        preference, name = value.split()
        return MX(name, int(preference))
    if kind == "TXT":
        data = value.encode()  # strings of at most 255 bytes
        return TXT([data[i:i + 255] for i in range(0, len(data), 255)])
    return {"A": A, "AAAA": AAAA, "PTR": PTR, "CNAME": CNAME,
            "NS": NS}[kind](value)


def reverse_name(address):
    if ":" not in address:
        return ".".join(reversed(address.split("."))) + ".in-addr.arpa"
    digits = socket.inet_pton(socket.AF_INET6, address).hex()
    return ".".join(reversed(digits)) + ".ip6.arpa"


class FakeDns:
    """Names are case-insensitive; what was not added is NXDOMAIN, or no data
    if the name has other records."""

    def __init__(self, space, address, port=53):
        self.records = {}    # (name, type): values
        self.rcodes = {}     # name: RCODE name, e.g. "SERVFAIL"
        self.delays = {}     # name: seconds until the answer
        self.silent = set()  # names that get no answer
        self.truncated = set()  # names answered by TCP alone
        self.authentic = False  # sets the AD bit of all answers
        self.ttl = 300
        self.queries = []    # (name, type, "udp" or "tcp")
        self.udp = space.listen(address, port, socket.SOCK_DGRAM)
        self.tcp = space.listen(address, port)
        for target in (self._serve_udp, self._serve_tcp):
            threading.Thread(target=target, daemon=True).start()

    def add(self, name, kind, *values):
        self.records.setdefault((name.lower(), kind), []).extend(values)

    def set(self, name, kind, *values):
        self.records[name.lower(), kind] = list(values)

    def remove(self, name, kind):
        self.records.pop((name.lower(), kind), None)

    def host(self, name, *addresses):
        """A host's addresses, with the names of these addresses."""
        for address in addresses:
            self.add(name, "AAAA" if ":" in address else "A", address)
            self.add(reverse_name(address), "PTR", name)

    def _exists(self, name):
        return any(known == name or known.endswith("." + name)
                   for known, _ in self.records)

    def answer(self, request, transport):
        """The reply to a DNSRecord, or None for silence."""
        asked = str(request.q.qname).rstrip(".").lower()
        kind = QTYPE[request.q.qtype]
        self.queries.append((asked, kind, transport))
        if asked in self.silent:
            return None
        reply = request.reply(ra=1, aa=1)
        reply.header.ad = int(self.authentic)
        if asked in self.rcodes:
            reply.header.rcode = getattr(RCODE, self.rcodes[asked])
            return reply
        if asked in self.truncated and transport == "udp":
            reply.header.tc = 1
            return reply
        name = asked
        for _ in range(8):
            alias = self.records.get((name, "CNAME"))
            if not alias or kind == "CNAME":
                break
            reply.add_answer(RR(name, QTYPE.CNAME, rdata=CNAME(alias[0]),
                                ttl=self.ttl))
            name = alias[0].rstrip(".").lower()
        for value in self.records.get((name, kind), ()):
            reply.add_answer(RR(name, getattr(QTYPE, kind),
                                rdata=_data(kind, value), ttl=self.ttl))
        if not reply.rr:
            reply.add_auth(RR(name, QTYPE.SOA, ttl=60, rdata=SOA(
                "ns.invalid", "root.invalid", (1, 3600, 600, 86400, 60))))
            if not self._exists(name):
                reply.header.rcode = RCODE.NXDOMAIN
        return reply

    def _later(self, request, send):
        delay = self.delays.get(str(request.q.qname).rstrip(".").lower(), 0)
        if delay:
            timer = threading.Timer(delay, send)
            timer.daemon = True
            timer.start()
        else:
            send()

    def _serve_udp(self):
        while True:
            try:
                packet, peer = self.udp.recvfrom(65535)
                request = DNSRecord.parse(packet)
            except OSError:
                return
            except Exception:  # not a query: dnslib raises what it likes
                continue
            reply = self.answer(request, "udp")
            if reply:
                data = reply.pack()
                self._later(request,
                            lambda data=data, peer=peer: self._send(data, peer))

    def _send(self, data, peer):
        try:
            self.udp.sendto(data, peer)
        except OSError:
            pass  # closed, or the host is gone

    def _serve_tcp(self):
        while True:
            try:
                client, _ = self.tcp.accept()
            except OSError:
                return
            threading.Thread(target=self._one_tcp, args=(client,),
                             daemon=True).start()

    def _one_tcp(self, client):
        with client, client.makefile("rwb") as stream:
            while len(head := stream.read(2)) == 2:
                request = DNSRecord.parse(stream.read(*struct.unpack("!H", head)))
                reply = self.answer(request, "tcp")
                if reply is None:
                    return
                data = reply.pack()
                stream.write(struct.pack("!H", len(data)) + data)
                stream.flush()

    def close(self):
        for s in (self.udp, self.tcp):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()
