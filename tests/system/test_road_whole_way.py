"""One message's whole way between two hosts: submitted with a password,
signed, sent by MX, judged by SPF and DKIM, delivered by LMTP, read in IDLE."""

import os
import re
import shutil

import dkim
import pytest
from postcote import dovecot, howto, tree
from postcote.mailboxes import header, maildir_files

MUA, NEAR, FAR = "192.0.2.98", "192.0.2.10", "192.0.2.20"
KEY_NAME = "mail._domainkey.example.com"
# What a careless filter or mailbox changes: blanks, dots, long and empty lines.
TEXT = """\
Date: Tue, 24 Nov 2026 12:00:00 +0100
From: Alice <alice@example.com>
To: Bob <bob@elsewhere.example>
Subject: the whole
\tway,  folded and  wide
Message-ID: <whole-way@example.com>
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

From here on: Grüße, 12 €.
.
..two dots
a tab\tand blanks at the end \t\x20

""" + "long " * 190 + """

the end
"""
SPF_SERVICE = """\
policyd-spf  unix  -       n       n       -       0       spawn
  user=nobody argv=/usr/bin/policyd-spf
"""
SPF_CONF = "postfix-policyd-spf-python/policyd-spf.conf"
FORGED = "v=1; a=rsa-sha256; d=example.com; s=mail; h=From; bh=YWJj; b=YWJj"
LMTP_NAMES = "protocol lmtp {\n  auth_username_format = %Ln\n}\n"


@pytest.fixture(params=["all ours", "postfix", "dovecot", "opendkim"])
def programs(suite, request):
    """The suites of both hosts: suite's, with one part from Debian."""
    if suite != "ours":
        pytest.skip("the road is ours; each part is Debian's in turn")
    reason = tree.why_not("ours", ["policyd-spf", *tree.DAEMONS])
    if reason:
        pytest.skip(reason)
    parts = {"postfix": "ours", "dovecot": "ours", "opendkim": "ours"}
    if request.param in parts:
        parts[request.param] = "debian"
    return parts


def near_host(network, new_site, programs):
    """alice's: mail is submitted with a password, and leaves signed."""
    site = new_site(tree.Tree(programs["postfix"], programs["dovecot"],
                              programs["opendkim"]))
    site.add_user("alice", dovecot.PASSWORD)
    howto.submission(site)
    howto.mail_server(site)
    record = howto.dkim(site, network)
    network.dns.add("example.com", "MX", "10 mx.example.com")
    network.dns.add("example.com", "TXT", "v=spf1 a mx -all")
    return site, record


def far_host(network, new_site, programs, record):
    """bob's: mail is judged by SPF and DKIM, and goes to his Maildir."""
    site = new_site(tree.Tree(programs["postfix"], programs["dovecot"],
                              programs["opendkim"]),
                    name="mx.elsewhere.example",
                    addresses=(FAR, "2001:db8::20"))
    network.dns.add("elsewhere.example", "MX", "10 mx.elsewhere.example")
    site.add_user("bob", dovecot.PASSWORD)
    howto.mail_server(site, "maildir:~/Maildir")
    with open(f"{site.etc}/dovecot/local.conf", "w") as f:
        f.write(LMTP_NAMES)
    site.opendkim.append("Mode v\nSocket inet:8891@localhost\n")
    if programs["opendkim"] == "debian":  # takes no answers of this server
        with open(f"{site.etc}/published", "w") as f:
            f.write(f"{KEY_NAME} {record}\n")
        site.opendkim.append("TestPublicKeys /etc/published\n")
    site.master.append(SPF_SERVICE)
    os.makedirs(os.path.dirname(f"{site.etc}/{SPF_CONF}"))
    shutil.copy(f"{tree.find_root('ours')}/etc/{SPF_CONF}",
                f"{site.etc}/{SPF_CONF}")
    site.main.set(
        *howto.MILTERS, "policyd-spf_time_limit = 3600",
        "mailbox_transport = lmtp:unix:private/dovecot-lmtp",
        "smtpd_recipient_restrictions = reject_unauth_destination, "
        "check_policy_service unix:private/policyd-spf")
    return site


def start(site):
    site.start_opendkim()
    site.start_dovecot()
    return site.start()


@pytest.fixture
def road(network, new_site, programs):
    network.dns.host("laptop.example.com", network.add_address(MUA))
    near, record = near_host(network, new_site, programs)
    far = far_host(network, new_site, programs, record)
    return start(near), start(far)


class Reader:
    """bob, who waits in IDLE with TLS."""

    def __init__(self, site):
        self.client = dovecot.imap(site, tls=True)
        self.client.login("bob", dovecot.PASSWORD)
        assert self.client.select("INBOX")[1] == [b"0"]
        self.client.send(b"i IDLE\r\n")
        assert self.client.readline().startswith(b"+ ")

    def wait(self):
        """Until the server says that there is a message."""
        while not (line := self.client.readline()).endswith(b" EXISTS\r\n"):
            assert line.startswith(b"* "), line
        self.client.send(b"DONE\r\n")
        while not (line := self.client.readline()).startswith(b"i "):
            assert line.startswith(b"* "), line
        assert line.startswith(b"i OK"), line

    def fetch(self):
        return self.client.fetch("1", "(BODY.PEEK[])")[1][0][1]


def submit(network):
    """alice's mail program; returns the queue id."""
    done = network.space.run(
        ["swaks", "--server", NEAR, "--port", "587", "--local-interface", MUA,
         "--ehlo", "laptop.example.com", "--tls", "--auth", "PLAIN",
         "--auth-user", "alice", "--auth-password", dovecot.PASSWORD,
         "--from", "alice@example.com", "--to", "bob@elsewhere.example",
         "--data", "-"], input=TEXT.removesuffix("\n").encode())
    return re.search(r"250 2\.0\.0 Ok: queued as (\w+)", done.stdout).group(1)


def hops(site, *patterns):
    """Each is on a line of the log. (Two programs' lines may change places.)"""
    for pattern in patterns:
        site.wait_for_log(pattern)


def check_near_log(site, queue_id):
    """Every station that the message passes on alice's host."""
    hops(site,
         rf"postfix/smtpd\[\d+\]: connect from laptop.example.com\[{MUA}\]",
         rf"postfix/smtpd\[\d+\]: {queue_id}: client=laptop.example.com"
         rf"\[{MUA}\], sasl_method=PLAIN, sasl_username=alice",
         rf"postfix/cleanup\[\d+\]: {queue_id}: message-id=<whole-way@example.",
         rf"opendkim\[\d+\]: {queue_id}: DKIM-Signature field added \(s=mail, "
         r"d=example.com\)",
         rf"postfix/qmgr\[\d+\]: {queue_id}: from=<alice@example.com>, "
         r"size=\d+, nrcpt=1 \(queue active\)")
    sent = site.wait_for_log(
        rf"postfix/smtp\[\d+\]: {queue_id}: to=<bob@elsewhere.example>, relay="
        r"mx.elsewhere.example\[\S+\]:25, delay=[\d.]+, delays=\S+, dsn=2.0.0,"
        r" status=sent \(250 2.0.0 Ok: queued as (\w+)\)").group(1)
    site.wait_for_log(rf"postfix/qmgr\[\d+\]: {queue_id}: removed")
    return sent


def check_far_log(site, queue_id):
    """And on bob's."""
    hops(site,
         r"postfix/smtpd\[\d+\]: connect from mx.example.com\[\S+\]",
         r"policyd-spf\[\d+\]: .*Pass.*envelope-from=alice@example.com",
         rf"postfix/smtpd\[\d+\]: {queue_id}: client=mx.example.com\[\S+\]$",
         rf"postfix/cleanup\[\d+\]: {queue_id}: message-id=<whole-way@example.",
         rf"opendkim\[\d+\]: {queue_id}: DKIM verification successful",
         rf"postfix/qmgr\[\d+\]: {queue_id}: from=<alice@example.com>, size=",
         r"dovecot: lmtp\(bob\)<\d+><\S+>: msgid=<whole-way@example.com>: "
         r"saved mail to INBOX",
         rf"postfix/lmtp\[\d+\]: {queue_id}: to=<bob@elsewhere.example>, relay="
         r"mx.elsewhere.example\[private/dovecot-lmtp\], .*dsn=2.0.0, status="
         r"sent \(250 2.0.0 <bob@elsewhere.example> \S+ Saved\)",
         rf"postfix/qmgr\[\d+\]: {queue_id}: removed")
    assert site.log.grep(r"imap-login: Login: user=<bob>, method=PLAIN, .*TLS")


def check_message(network, got, stored):
    """What bob reads is what was signed, and that is what alice wrote."""
    written = TEXT.replace("\n", "\r\n").encode()
    assert got.endswith(written)
    assert stored.replace(b"\r\n", b"\n") == got.replace(b"\r\n", b"\n")
    key = network.dns.records[KEY_NAME, "TXT"][0].encode()
    assert dkim.verify(got, dnsfunc=lambda name, timeout=5: key)
    assert not dkim.verify(got.replace(b"two dots", b"two dot"),
                           dnsfunc=lambda name, timeout=5: key)
    text = got.decode("utf-8")
    assert header(text, "Return-Path") == "<alice@example.com>"
    assert header(text, "Delivered-To") == "bob@elsewhere.example"
    assert header(text, "Received-SPF").startswith("Pass ")
    assert re.search(r"dkim=pass \(1024-bit key[^)]*\) header.d=example.com",
                     header(text, "Authentication-Results"))
    assert re.search(r"with ESMTPSA id \w+\r\n", text)  # from alice
    assert re.search(r"with ESMTPS id \w+\r\n", text)   # between the hosts
    assert re.search(r"with LMTP\r\n", text)


def test_one_message_from_submission_to_idle(network, road):
    near, far = road
    reader = Reader(far)
    queue_id = submit(network)
    reader.wait()
    check_far_log(far, check_near_log(near, queue_id))
    [file] = maildir_files(f"{far.home}/bob/Maildir")
    with open(file, "rb") as f:
        check_message(network, reader.fetch(), f.read())
    for site in road:
        assert not site.queue_files()
        assert not site.log.grep(r"(fatal|panic|Fatal|Panic|error|Error): ")


def test_a_stranger_cannot_send_in_her_name(network, road):
    """The other verdict of the same judges."""
    _, far = road
    stranger = network.add_address("192.0.2.66")
    with far.connect_from_outside(source=stranger) as client:
        client.ask("EHLO stranger.example", "250")
        client.ask("MAIL FROM:<alice@example.com>", "250")
        client.ask("RCPT TO:<bob@elsewhere.example>",
                   "550 5.7.23 <bob@elsewhere.example>: Recipient address "
                   "rejected: Message rejected due to: SPF fail")
    with far.connect_from_outside(source=stranger) as client:
        client.ask("EHLO stranger.example", "250")
        forged = f"DKIM-Signature: {FORGED}\n" + TEXT.replace(
            "Grüße", "Gruesse").replace("€", "EUR")
        client.deliver("x@stranger.example", ["bob@elsewhere.example"], forged)
    far.wait_for_log(r"saved mail to INBOX")
    [text] = far.maildir("bob")
    assert header(text, "Received-SPF").startswith("None ")
    assert re.search("dkim=(fail|permerror)", text)
    assert "dkim=pass" not in text
