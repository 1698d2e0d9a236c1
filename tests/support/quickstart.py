"""The second half of ./quickstart, as root: runs the MTA and shows mail.

A host of its own in network and mount namespaces, with the configuration that
a fresh installation has; a peer that is found by MX; a stranger who writes."""

import os
import re
import signal
import socket
import sys
import threading

sys.path.insert(0, os.path.dirname(__file__))
from postcote.network import Network  # noqa: E402
from postcote.sink import Sink  # noqa: E402
from postcote.site import Site  # noqa: E402
from postcote.tree import Tree  # noqa: E402

PEER, STRANGER, PORT = "192.0.2.80", "192.0.2.99", 2525


def say(text):
    print(f"== {text}", flush=True)


def show(title, text, lines=14):
    say(title)
    for line in text.splitlines()[:lines]:
        print(f"   | {line}")


def set_up_dkim(network, site):
    """A key, its record in DNS, and the filter at the MTA's side."""
    if not site.tree.suites["opendkim"]:
        return
    site.run("opendkim-genkey", "-D", "/etc/dkimkeys", "-s", "mail", "-d",
             "example.com")
    with open(f"{site.etc}/dkimkeys/mail.txt") as f:
        record = f.read()
    network.dns.set("mail._domainkey.example.com", "TXT",
                    "".join(re.findall(r'"([^"]*)"', record)))
    site.opendkim.append("Domain example.com\nSelector mail\n"
                         "KeyFile /etc/dkimkeys/mail.private\n"
                         "Socket inet:8891@localhost\n")
    site.main.set("milter_default_action = accept",
                  "smtpd_milters = inet:localhost:8891",
                  "non_smtpd_milters = inet:localhost:8891")
    site.start_opendkim()


def come_back(site, text):
    """What has left signed is received, and verified."""
    with site.connect_from_outside(source=STRANGER) as client:
        client.ask("EHLO client.stranger.example", "250")
        client.deliver("alice@example.com", ["alice@example.com"], text)
        client.ask("QUIT", "221")
    message = site.wait_for_mbox("alice", 3)
    assert "dkim=pass" in message, message
    show("the same message coming back from a stranger, its signature "
         "verified:", message[message.index("Authentication-Results"):], 3)


def make_world():
    network = Network()
    network.dns.add("peer.example", "MX", "10 mx.peer.example")
    network.dns.host("mx.peer.example", PEER)
    network.add_address(PEER)
    network.add_address(STRANGER)
    network.dns.host("client.stranger.example", STRANGER)
    site = Site(network, Tree("ours", dovecot=None, opendkim="ours"))
    site.add_user("alice")
    set_up_dkim(network, site)
    return network, site, Sink(network.listen(PEER, 25))


def walk(site, sink):
    """One message each way. Raises what did not come."""
    with site.connect_from_outside(source=STRANGER) as client:
        client.ask("EHLO client.stranger.example", "250")
        client.deliver("bob@stranger.example", ["alice@example.com"],
                       "Subject: by SMTP\n\nHello Alice.\n")
        client.ask("QUIT", "221")
    show("a stranger's message by SMTP on port 25, in alice's mailbox:",
         site.wait_for_mbox("alice", 1))
    site.sendmail("alice", text="Subject: by sendmail\n\nHello again.\n")
    show("a message by sendmail(1), in the same mailbox:",
         site.wait_for_mbox("alice", 2))
    site.sendmail("carol@peer.example", options=["-f", "alice@example.com"],
                  text="From: alice@example.com\nSubject: to a peer\n\nHello Carol.\n")
    message = sink.wait_for()
    assert message.recipients == ["carol@peer.example"], message.recipients
    show(f"a message that left for mx.peer.example [{PEER}], found by MX:",
         message.text)
    assert "DKIM-Signature" in message.text
    come_back(site, message.text)
    site.wait_for_empty_queue()


def forward(site):
    """127.0.0.1:2525 of this machine is port 25 of the host inside."""
    door = socket.create_server(("127.0.0.1", PORT))

    def copy(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def serve():
        while True:
            client, _ = door.accept()
            server = site.space.connect("127.0.0.1", 25)
            for pair in ((client, server), (server, client)):
                threading.Thread(target=copy, args=pair, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()


def stay(site):
    forward(site)
    say(f"it runs: 127.0.0.1 port {PORT} is its port 25. For example:")
    print(f"   swaks --server 127.0.0.1:{PORT} --to alice@example.com")
    print(f"   mailbox {site.mail}/alice, configuration {site.etc}/postfix")
    say("Ctrl-C ends it")
    try:
        signal.pause()
    except KeyboardInterrupt:
        print()


def main():
    once = "--once" in sys.argv or not sys.stdout.isatty()
    say("starting the MTA on a host of its own (mx.example.com)")
    network, site, sink = make_world()
    try:
        site.start()
        walk(site, sink)
        show("its log:", "\n".join(site.log.lines), 40)
        say(f"log {site.dir}/mail.log, queue {site.queue}, "
            f"mailboxes {site.mail}")
        if not once:
            stay(site)
        site.stop()
    except (AssertionError, OSError) as problem:
        show("FAILED", str(problem), 60)
        show("the log:", "\n".join(site.log.lines[-40:]), 40)
        return 1
    finally:
        sink.close()
        site.close()
        network.close()
    say("all seen")
    return 0


if __name__ == "__main__":
    sys.exit(main())
