"""kill -9 of any daemon at any moment loses no acknowledged message, and
delivers twice only where SMTP itself allows it."""

import collections
import itertools
import os
import random
import re
import threading
import time
from dataclasses import dataclass, field

import pytest
from postcote.mailboxes import header, maildir_files, read_file
from postcote.sink import Sink
from postcote.wait import wait_until

MESSAGES = {"ours": 500, "debian": 60}  # Debian's masters start slowly
SENDERS = 4
PEER = "192.0.2.80"
# Where a message goes, and whose end at the wrong moment (after the delivery,
# before the queue file or the log says so) delivers it once more.
DESTINATIONS = {
    "alice@example.com": {"local"},
    "a@virtual.example": {"virtual"},
    "a@pipe.example": {"pipe"},
    "a@elsewhere.example": {"smtp"},
    "a@lmtp.example": {"lmtp"},
    "refused@elsewhere.example": {"bounce", "qmgr", "cleanup", "local"},
}
BY_COMMAND = {"pickup", "cleanup"}  # the same for what sendmail(1) took
VICTIMS = ["smtpd", "cleanup", "qmgr", "local", "virtual", "pipe", "smtp",
           "lmtp", "trivial-rewrite", "pickup", "bounce", "proxymap", "tlsmgr",
           "anvil", "postlogd", "master"]
KEEP = """\
#!/bin/sh
# The delivery is the rename.
cd /home/piped && file=$(mktemp .XXXXXXXX) && cat >"$file" && mv "$file" "${file#.}"
"""


@dataclass
class Traffic:
    """What was promised, and who was killed when."""
    acknowledged: set = field(default_factory=set)
    by_command: set = field(default_factory=set)
    kills: list = field(default_factory=list)  # (name, begin, end of kill)


class Lab:
    """The busy site and the peers that it sends to."""

    def __init__(self, site, network):
        self.site = site
        listen = network.listen
        network.dns.add("elsewhere.example", "MX", "10 mx.elsewhere.example")
        network.dns.host("mx.elsewhere.example", network.add_address(PEER))
        self.sinks = [
            Sink(listen(PEER, 25), replies={"RCPT": self._rcpt}),
            Sink(listen(PEER, 24), lmtp=True)]
        for name in ("alice", "bob"):
            site.add_user(name)
        for name, owner in (("piped", 5000), ("virtual", 5000)):
            os.makedirs(f"{site.home}/{name}")
            os.chown(f"{site.home}/{name}", owner, owner)
        with open(f"{site.home}/keep", "w") as f:
            f.write(KEEP)
        os.chmod(f"{site.home}/keep", 0o755)
        site.log_to_file()
        site.main.set(
            "home_mailbox = Maildir/", "service_throttle_time = 1s",
            "transport_retry_time = 1s", "queue_run_delay = 1s",
            "minimal_backoff_time = 1s", "maximal_backoff_time = 2s",
            "smtpd_client_event_limit_exceptions =",
            "virtual_mailbox_domains = virtual.example",
            "virtual_mailbox_base = /home/virtual",
            "virtual_mailbox_maps = static:box/",
            "virtual_uid_maps = static:5000", "virtual_gid_maps = static:5000",
            "transport_maps = inline:{lmtp.example=lmtp:inet:192.0.2.80:24, "
            "pipe.example=keep}")
        site.master.set_service(
            "keep unix - n n - - pipe\n  user=vmail argv=/home/keep\n")
        site.start()

    @staticmethod
    def _rcpt(line):
        return ("550 5.1.1 Refused" if "<refused@" in line else "250 2.1.5 Ok")

    def close(self):
        for sink in self.sinks:
            sink.close()

    def arrivals(self):
        """{number: times of its deliveries}"""
        found = collections.defaultdict(list)
        home = self.site.home
        files = [*maildir_files(f"{home}/alice/Maildir"),
                 *maildir_files(f"{home}/bob/Maildir"),
                 *maildir_files(f"{home}/virtual/box"),
                 *(f"{home}/piped/{name}" for name in
                   os.listdir(f"{home}/piped") if name[0] != ".")]
        for path in files:
            number = re.search(r"^Subject: number (\d+)", read_file(path), re.M)
            if number:
                found[int(number[1])].append(os.stat(path).st_mtime)
            else:  # its agent was killed while the command still read
                assert path.startswith(f"{home}/piped/"), path
        for sink in self.sinks:
            for message in sink.messages:
                found[int(header(message.text, "Subject").split()[1])].append(
                    message.time)
        return found


@pytest.fixture
def lab(site, network):
    one = Lab(site, network)
    yield one
    one.close()


def destination(number):
    return list(DESTINATIONS)[number % len(DESTINATIONS)]


def send_one(site, number):
    """True: acknowledged. What is not is forgotten here; it may arrive, as
    the promise may have been lost on its way."""
    text = f"Subject: number {number}\n\nHello.\n"
    if number % 10 == 0:
        return site.run("sendmail", "-f", "bob@example.com",
                        destination(number), input=text,
                        check=False).returncode == 0
    try:
        site.send(destination(number), "bob@example.com", text)
    except (AssertionError, OSError, EOFError):
        return False
    return True


def kill_all(lab, name, traffic):
    """kill -9 of every process of this name."""
    now = time.time()
    if name == "master" and [k[0] for k in traffic.kills].count(name) == 2:
        return  # twice is enough: Debian's takes seconds to come back
    done = lab.site.run("pkill", "-KILL", "-x", name, check=False)
    if done.returncode == 0:
        traffic.kills.append((name, now, time.time()))
        if name == "master":  # what follows is the service manager's part
            wait_until("the end of master", lambda: lab.site.run(
                "postfix", "status", check=False).returncode != 0)
            lab.site.run("postfix", "start")


def excuses(traffic, number, times):
    """The kills that let a message come more than once: of its agent, soon
    after a delivery; of who handed it on, some time before that."""
    agents = DESTINATIONS[destination(number)]
    upstream = set(BY_COMMAND) if number in traffic.by_command else set()
    if len(agents) > 1:  # the message that came is bounce's
        agents, upstream = set(), upstream | agents
    return [name for name, begin, end in traffic.kills
            if any(name in agents and begin - 3 <= when <= end + 0.1 or
                   name in upstream and begin - 3 <= when <= end + 5
                   for when in times)]


def unexplained(lab, traffic):
    """What came more often than there are excuses for."""
    return {number: [(destination(number), when) for when in times] +
            [kill for kill in traffic.kills if abs(kill[1] - times[0]) < 4]
            for number, times in lab.arrivals().items()
            if len(times) - 1 > len(excuses(traffic, number, times))}


def test_no_acknowledged_message_is_lost_and_none_comes_twice(lab, suite):
    pick, traffic = random.Random(1), Traffic()
    numbers, stop = itertools.count(), threading.Event()

    def send():
        while (len(traffic.acknowledged) < MESSAGES[suite] and
               not stop.is_set()):
            number = next(numbers)
            if number % 10 == 0:
                traffic.by_command.add(number)
            if send_one(lab.site, number):
                traffic.acknowledged.add(number)
            else:
                stop.wait(0.1)  # as a client that was turned away

    senders = [threading.Thread(target=send) for _ in range(SENDERS)]
    for sender in senders:
        sender.start()
    try:
        while any(s.is_alive() for s in senders):
            for name in pick.sample(VICTIMS, len(VICTIMS)):
                kill_all(lab, name, traffic)
                stop.wait(pick.uniform(0, 0.15))
    finally:
        stop.set()
        for sender in senders:
            sender.join()
    if suite == "ours":  # in which nothing asks tlsmgr yet
        assert {kill[0] for kill in traffic.kills} | {"tlsmgr"} == set(VICTIMS)
    lab.site.run("postqueue", "-f")  # or the next wake-up of a killed qmgr
    wait_until("all acknowledged messages",
               lambda: not traffic.acknowledged - lab.arrivals().keys(), 60)
    wait_until("nothing to be listed",
               lambda: not lab.site.queue_list(), 60)
    bad = unexplained(lab, traffic)
    assert not bad, "\n".join(f"{n}: {why}" for n, why in bad.items())


def test_after_its_master_was_killed_the_site_starts_at_once(new_site):
    site = new_site("ours")  # Debian's cannot bind while clients are connected
    site.add_user("alice")
    site.start()
    with site.connect() as old:
        old.ask("EHLO client.example")
        site.run("pkill", "-KILL", "-x", "master")
        site.run("postfix", "start")
        site.send("alice@example.com")
        old.deliver("b@elsewhere.example", ["alice@example.com"])
    site.wait_for_mbox("alice", 2)
