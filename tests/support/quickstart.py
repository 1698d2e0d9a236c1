"""The second half of ./quickstart, as root: runs the suite and shows mail.

A host of its own in network and mount namespaces, with the configuration that
a fresh installation has; a peer that is found by MX; a stranger who writes.
Mail comes home by LMTP to a Maildir, and is read back by curl over IMAP."""

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
from postcote.wait import wait_until  # noqa: E402

PEER, STRANGER = "192.0.2.80", "192.0.2.99"
DOORS = {2525: 25, 2993: 993}  # ports of this machine: of the host inside
PASSWORD = "secret"
# All else is what the programs have built in.
DOVECOT = """\
protocols = imap lmtp
ssl_cert = <{cert}
ssl_key = <{key}
mail_location = maildir:~/Maildir
passdb {{
  driver = pam
}}
userdb {{
  driver = passwd
}}
service lmtp {{
  unix_listener /var/spool/postfix/private/dovecot-lmtp {{
    mode = 0600
    user = postfix
  }}
}}
protocol lmtp {{
  auth_username_format = %Ln
}}
"""


def say(text):
    print(f"== {text}", flush=True)


def show(title, text, lines=24):
    say(title)
    for line in text.splitlines()[:lines]:
        print(f"   | {line}")


def set_up_dkim(network, site):
    """A key, its record in DNS, and the filter at the MTA's side."""
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


def set_up_dovecot(site):
    """Mail goes home by LMTP, and is read by IMAP with TLS."""
    cert, key = site.certificate(site.name)
    with open(f"{site.etc}/dovecot/dovecot.conf", "w") as f:
        f.write(DOVECOT.format(cert=cert, key=key))
    site.main.set("mailbox_transport = lmtp:unix:private/dovecot-lmtp")
    site.add_user("alice", PASSWORD)
    return cert


def read_back(site, number):
    """Alice's message of that number, as curl reads it by IMAP."""
    wait_until(f"{number} messages in alice's Maildir",
               lambda: len(site.maildir("alice")) >= number)
    text = site.run("curl", "--silent", "--show-error", "--cacert",
                    f"{site.dir}/certificates/{site.name}.crt", "--user",
                    f"alice:{PASSWORD}", f"imaps://{site.name}/INBOX;"
                    f"MAILINDEX={number}").stdout.replace("\r\n", "\n")
    assert re.search(r"(?m)^Delivered-To: <?alice@example.com", text), text
    return text


def come_back(site, text):
    """What has left signed is received, and verified."""
    with site.connect_from_outside(source=STRANGER) as client:
        client.ask("EHLO client.stranger.example", "250")
        client.deliver("alice@example.com", ["alice@example.com"], text)
        client.ask("QUIT", "221")
    message = read_back(site, 3)
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
    site = Site(network, Tree("ours", dovecot="ours", opendkim="ours"),
                bare=True)
    set_up_dovecot(site)
    set_up_dkim(network, site)
    return network, site, Sink(network.listen(PEER, 25))


def walk(site, sink):
    """One message each way. Raises what did not come."""
    with site.connect_from_outside(source=STRANGER) as client:
        client.ask("EHLO client.stranger.example", "250")
        client.deliver("bob@stranger.example", ["alice@example.com"],
                       "From: Bob <bob@stranger.example>\n"
                       "Subject: by SMTP\n\nHello Alice.\n")
        client.ask("QUIT", "221")
    text = read_back(site, 1)
    assert "Subject: by SMTP\n" in text and "\nHello Alice.\n" in text, text
    show("a stranger's message by SMTP on port 25, delivered by LMTP to "
         f"alice's Maildir,\n   read back by curl imaps://{site.name}/INBOX:",
         text)
    site.sendmail("alice", text="Subject: by sendmail\n\nHello again.\n")
    text = read_back(site, 2)
    assert "Subject: by sendmail\n" in text, text
    show("a message by sendmail(1), read the same way:", text)
    site.sendmail("carol@peer.example", options=["-f", "alice@example.com"],
                  text="From: alice@example.com\nSubject: to a peer\n\nHello Carol.\n")
    message = sink.wait_for()
    assert message.recipients == ["carol@peer.example"], message.recipients
    show(f"a message that left for mx.peer.example [{PEER}], found by MX:",
         message.text)
    assert "DKIM-Signature" in message.text
    come_back(site, message.text)
    site.wait_for_empty_queue()


def copy(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def forward(site, port, inside):
    """127.0.0.1's port of this machine is that of the host inside."""
    door = socket.create_server(("127.0.0.1", port))

    def serve():
        while True:
            client, _ = door.accept()
            server = site.space.connect("127.0.0.1", inside)
            for pair in ((client, server), (server, client)):
                threading.Thread(target=copy, args=pair, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()


def stay(site):
    for port, inside in DOORS.items():
        forward(site, port, inside)
    say("it runs: 127.0.0.1 ports 2525 and 2993 are its ports 25 and 993. "
        "For example:")
    print("   swaks --server 127.0.0.1:2525 --to alice@example.com\n"
          f"   curl -k -u alice:{PASSWORD} 'imaps://127.0.0.1:2993/INBOX;"
          "MAILINDEX=*'\n"
          f"   configuration {site.etc}/postfix and {site.etc}/dovecot")
    say("Ctrl-C ends it")
    try:
        signal.pause()
    except KeyboardInterrupt:
        print()


def main():
    once = "--once" in sys.argv or not sys.stdout.isatty()
    say("starting the suite on a host of its own (mx.example.com)")
    network, site, sink = make_world()
    try:
        site.start_dovecot()
        site.start()
        walk(site, sink)
        show("its log:", "\n".join(site.log.lines), 60)
        say(f"log {site.dir}/mail.log, queue {site.queue}, "
            f"mailboxes {site.home}")
        if not once:
            stay(site)
        site.stop()
        site.stop_dovecot()
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
