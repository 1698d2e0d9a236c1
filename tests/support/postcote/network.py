"""A private network: a bridge that sites are plugged into.

Strangers and peers have addresses on the bridge itself, so that a test makes
their sockets with connect() and listen(). Addresses: 192.0.2.0/24 and
2001:db8::/64; the name server is 192.0.2.53.
"""

import subprocess

from postcote.dns import FakeDns
from postcote.namespaces import Namespace

DNS_ADDRESS = "192.0.2.53"


class Network:
    def __init__(self):
        self.space = Namespace("outside")
        self.plugs = 0
        run = self.space.run
        run(["ip", "link", "add", "br0", "type", "bridge"])
        run(["ip", "link", "set", "br0", "up"])
        self.add_address(DNS_ADDRESS)
        self.add_address("2001:db8::53")
        self.dns = FakeDns(self.space, DNS_ADDRESS)

    def add_address(self, address):
        """Gives the outside world an address; returns it."""
        self._assign(self.space, "br0", address)
        return address

    @staticmethod
    def _assign(space, device, address):
        more = ["nodad"] if ":" in address else []
        length = 64 if ":" in address else 24
        space.run(["ip", "addr", "add", f"{address}/{length}", "dev", device,
                   *more])

    def plug(self, space, addresses):
        """Connects a host by eth0 with these addresses."""
        self.plugs += 1
        port = f"port{self.plugs}"
        self.space.run(["ip", "link", "add", port, "type", "veth",
                        "peer", "name", f"peer{self.plugs}"])
        # The peer moves by descriptor: process ids inside are not ours.
        subprocess.run(
            ["nsenter", f"--net=/proc/{self.space.pid}/ns/net", "ip", "link",
             "set", f"peer{self.plugs}", "netns", str(space.pid), "name",
             "eth0"], check=True)
        self.space.run(["ip", "link", "set", port, "master", "br0", "up"])
        for address in addresses:
            self._assign(space, "eth0", address)
        space.run(["ip", "link", "set", "eth0", "up"])

    def listen(self, address, port, **options):
        return self.space.listen(address, port, **options)

    def connect(self, address, port, source=None, **options):
        return self.space.connect(address, port, source, **options)

    def close(self):
        self.dns.close()
        self.space.close()
