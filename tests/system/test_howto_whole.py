"""The how-to from Debian's untouched configuration to its last step, in the
order in which its reader types it; after each part he looks whether it works."""

import re

import dkim
import pytest
from postcote import dovecot, howto, tree
from postcote.mailboxes import header
from postcote.sink import Sink

STRANGER, LAPTOP, PEER = "192.0.2.99", "192.0.2.98", "192.0.2.80"
MESSAGE = "From: Sue <sue@stranger.example>\nSubject: hello\n\nHow are you?\n"
DEFAULTS = "SOCKET=inet:8891@localhost  # where Postfix finds it\n"


@pytest.fixture
def site(suite, network, new_site):
    """A server as the three packages leave it, with two people."""
    site = new_site(tree.Tree(suite, dovecot=suite, opendkim=suite))
    for name in ("alice", "bob"):
        site.add_user(name, dovecot.PASSWORD)
    network.dns.host("mail.stranger.example", network.add_address(STRANGER))
    network.dns.host("laptop.example", network.add_address(LAPTOP))
    site.start()
    site.start_dovecot()
    return site


@pytest.fixture
def peer(network):
    network.dns.add("elsewhere.example", "MX", "10 mx.elsewhere.example",
                    "5 down.elsewhere.example")
    network.dns.host("mx.elsewhere.example", network.add_address(PEER))
    network.dns.host("down.elsewhere.example", "192.0.2.81")
    network.add_address("192.0.2.81")  # nobody listens there
    sink = Sink(network.listen(PEER, 25))
    yield sink
    sink.close()


def restart_postfix(site):
    site.stop()
    site.start()


def restart_dovecot(site):
    site.stop_dovecot()
    site.start_dovecot()


def stranger_writes(site, recipient, text=MESSAGE):
    with site.connect_from_outside(source=STRANGER) as client:
        client.ask("EHLO mail.stranger.example", "250")
        client.deliver("sue@stranger.example", [recipient], text)


def laptop_writes(site, mechanism="auth_plain", port=587):
    """bob's mail program, away from home."""
    with site.connect_from_outside(port, tls=port == 465,
                                   source=LAPTOP) as client:
        assert ("AUTH" in client.ask("EHLO laptop.example")) == (port == 465)
        if port != 465:
            client.starttls()
            client.ask("EHLO laptop.example")
        getattr(client, mechanism)("bob", dovecot.PASSWORD)
        client.deliver("bob@example.com", ["carol@elsewhere.example"],
                       "From: bob@example.com\nSubject: away\n\nHello Carol.\n")


# 1. MTA: receive and send
def part_1(site, network, peer):
    site.aliases.append("m: someone@elsewhere.example\n")
    site.run("postalias", "/etc/aliases")
    site.main.set(
        "myhostname = mx.example.com",
        "myorigin = /etc/mailname",
        "mydestination = example.com, example.org, mx.example.com, localhost",
        "mynetworks = 127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128",
        "inet_protocols = all",
        "smtpd_tls_security_level = may",
        "smtp_tls_security_level = may")
    for domain in ("example.com", "example.org"):
        network.dns.add(domain, "MX", "10 mx.example.com")
        network.dns.add(domain, "TXT", "v=spf1 a mx ~all")
    restart_postfix(site)

    stranger_writes(site, "root@example.com")
    stranger_writes(site, "root@example.org")
    site.wait_for_mbox("root", 2)
    stranger_writes(site, "m@example.com")
    assert peer.wait_for().recipients == ["someone@elsewhere.example"]
    with site.connect_from_outside(source=STRANGER) as client:
        client.ask("EHLO mail.stranger.example", "250-mx.example.com")
        client.ask("MAIL FROM:<sue@stranger.example>", "250")
        client.ask("RCPT TO:<x@elsewhere.example>", "454 4.7.1")
        client.ask("RCPT TO:<nobody.here@example.com>", "550 5.1.1")
        client.starttls()


# 2. DKIM
def part_2(site, network, peer):
    howto.dkim(site, network)  # genkey, DNS, opendkim.conf, main.cf
    with open(f"{site.etc}/default/opendkim", "a") as f:
        f.write(DEFAULTS)
    site.run("sh", "-c",
             "cd /tmp && /usr/lib/opendkim/opendkim.service.generate")
    with open(f"{site.etc}/systemd/system/opendkim.service.d/"
              "override.conf") as f:
        start = re.findall(r"(?m)^ExecStart=(\S+ .*)$", f.read())[-1]
    site.start_opendkim(*start.split()[1:])
    restart_postfix(site)

    assert ":8891" in site.run("ss", "-lnp").stdout
    site.sendmail("carol@elsewhere.example", user="alice",
                  text="Subject: signed\n\nHello.\n")
    check_signed(network, peer.wait_for())
    site.wait_for_log(r"opendkim\[\d+\]: \w+: DKIM-Signature field added "
                      r"\(s=mail, d=example.com\)")


def check_signed(network, message):
    key = network.dns.records["mail._domainkey.example.com", "TXT"][0]
    assert dkim.verify(message.text.replace("\n", "\r\n").encode("latin-1"),
                       dnsfunc=lambda name, timeout=5: key.encode())


# 3. Submission
def part_3(site):
    howto.submission(site)  # master.cf, and SASL and the certificate in main.cf
    assert "dovecot\n" in site.run("postconf", "-a").stdout
    restart_postfix(site)
    assert re.search(r":587\b.*\n(.*\n)*.*:465\b|:465\b.*\n(.*\n)*.*:587\b",
                     site.run("ss", "-ltn").stdout)


# 4. IMAP, POP3, SASL
def part_4(site, network, peer):
    howto.mail_server(site)
    site.run("usermod", "-a", "-G", "mail", "alice")
    restart_dovecot(site)

    for mechanism in ("auth_plain", "auth_login"):
        for port in (25, 587, 465):
            laptop_writes(site, mechanism, port)
            check_signed(network, peer.wait_for())
    stranger_writes(site, "alice@example.com")  # Debian's mbox
    site.wait_for_mbox("alice")
    howto.read_everywhere(site)

    location = site.dovecot_file("conf.d/10-mail.conf")
    location.replace(r"^mail_location = .*",
                     "mail_location = maildir:~/Maildir")
    site.main.set("home_mailbox = Maildir/")
    restart_dovecot(site)
    restart_postfix(site)
    stranger_writes(site, "alice@example.com")
    site.wait_for_log(r"local\[\d+\]: \w+: to=<alice@example.com>, .*"
                      r"status=sent \(delivered to maildir\)")
    howto.read_everywhere(site)

    site.main.set("mailbox_transport = lmtp:unix:private/dovecot-lmtp")
    with open(f"{site.etc}/dovecot/local.conf", "w") as f:
        f.write("protocol lmtp {\n  auth_username_format = %Ln\n}\n")
    restart_dovecot(site)
    restart_postfix(site)
    stranger_writes(site, "bob@example.org")
    site.wait_for_log(r"lmtp\[\d+\]: \w+: to=<bob@example.org>, .*status=sent"
                      r" \(250 2.0.0 <bob@example.org> \S+ Saved\)")
    howto.read_everywhere(site, "bob")


# 5. Webmail: what SquirrelMail and Roundcube ask of a server
def part_5(site):
    client = dovecot.imap(site)
    client.login("alice", dovecot.PASSWORD)
    assert client.list('""', "*")[1] == [b'(\\HasNoChildren) "." INBOX']
    for name in ("Sent", "Trash"):
        assert client.create(name)[0] == client.subscribe(name)[0] == "OK"
    assert client.append("Sent", "(\\Seen)", None, MESSAGE.replace(
        "\n", "\r\n").encode())[0] == "OK"
    assert client.status("Sent", "(MESSAGES UNSEEN)")[1] == [
        b"Sent (MESSAGES 1 UNSEEN 0)"]
    client.select()
    assert client.sort("(REVERSE DATE)", "US-ASCII", "ALL")[1] == [b"1"]
    assert client.thread("REFERENCES", "US-ASCII", "ALL")[1] == [b"(1)"]
    client.literal = b"hello"
    assert client.search("UTF-8", "SUBJECT")[1] == [b"1"]
    part = client.fetch("1", "(BODY.PEEK[TEXT]<0.7>)")[1][0]
    assert part == (b"1 (BODY[TEXT]<0> {7}", b"How are")
    assert b"\\Flagged" in client.store("1", "+FLAGS", "(\\Flagged)")[1][0]
    assert client.uid("COPY", "1", "Trash")[0] == "OK"
    client.store("1", "+FLAGS", "(\\Deleted)")
    assert client.expunge()[1] == [b"1"]
    client.logout()
    # The owner is wrong: webmail loses its connection, and the log says why.
    site.run("chown", "-R", "root:root", "/home/alice/Maildir")
    site.run("chmod", "700", "/home/alice/Maildir")
    client = dovecot.imap(site)
    client.login("alice", dovecot.PASSWORD)
    assert client.select()[0] == "NO"
    client.shutdown()
    site.wait_for_log(r"imap\(alice\).*/home/alice/Maildir.*Permission denied")


def test_every_step(site, network, peer):
    part_1(site, network, peer)
    part_2(site, network, peer)
    part_3(site)
    part_4(site, network, peer)
    part_5(site)
    site.wait_for_empty_queue()
    text = site.mbox("root")[0]
    assert header(text, "Subject") == "hello"
    assert not site.log.grep(r"(fatal|panic|Fatal|Panic): ")
