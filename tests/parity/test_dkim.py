"""Our filter and Debian's opendkim: each verifies what the other has signed,
over many odd messages.

A bare LF never comes from Postfix; opendkim hashes it twice in a simple body.
It drops some bare CRs of a relaxed body, and takes a line of CR alone for an
empty one. No other verifier does: there ours keeps to RFC 6376, so such lines
are only given to ours and, by way of MTAs, to both."""

import os
import random
import re
import subprocess

import pytest
from postcote import tree
from postcote.milter_client import MilterClient, split_message
from postcote.sink import Sink
from postcote.wait import wait_until

COUNT = int(os.environ.get("POSTCOTE_DKIM_MESSAGES", "2000"))
CONF = """\
Syslog yes
Mode sv
Domain example.com
Selector sel
KeyFile {dir}/key
TestPublicKeys {dir}/keys
Canonicalization {canon}
OversignHeaders From,Subject
UMask 000
Background no
RequireSafeKeys no
Socket local:{dir}/{name}.sock
"""
CANONS = ["simple/simple", "simple/relaxed", "relaxed/simple",
          "relaxed/relaxed"]


class Filter:
    """One opendkim, run as it is, with a socket of its own."""

    def __init__(self, suite, directory, name, canon):
        self.path = f"{directory}/{name}.sock"
        conf = f"{directory}/{name}.conf"
        with open(conf, "w") as f:
            f.write(CONF.format(dir=directory, canon=canon, name=name))
        root = tree.find_root(suite)
        environment = dict(os.environ)
        if suite == "debian":
            environment["LD_LIBRARY_PATH"] = ":".join(
                [f"{root}/usr/lib/x86_64-linux-gnu", f"{root}/usr/lib"])
        self.process = subprocess.Popen(
            [f"{root}/usr/sbin/opendkim", "-x", conf], env=environment)
        wait_until(f"{name} to listen", self.listens, 20)

    def listens(self):
        assert self.process.poll() is None, "opendkim has ended"
        try:
            MilterClient(self.path).close()
            return True
        except OSError:
            return False

    def close(self):
        self.process.terminate()
        self.process.wait(20)


@pytest.fixture(scope="module")
def directory(tmp_path_factory, hosts):
    reason = tree.why_not("ours", ["opendkim"])
    if reason:
        pytest.skip(reason)
    path = str(tmp_path_factory.mktemp("dkim"))
    os.chmod(path, 0o755)
    subprocess.run(["openssl", "genrsa", "-out", f"{path}/key", "2048"],
                   check=True, capture_output=True)
    public = subprocess.run(["openssl", "rsa", "-in", f"{path}/key",
                             "-pubout"], check=True, capture_output=True,
                            text=True).stdout
    value = "".join(public.splitlines()[1:-1])
    with open(f"{path}/keys", "w") as f:
        f.write(f"sel._domainkey.example.com v=DKIM1; k=rsa; p={value}\n")
    return path


def odd_header(rng):
    name = rng.choice([b"Subject", b"To", b"Cc", b"X-Odd", b"subject",
                       b"References", b"List-Id", b"MIME-Version", b"Date",
                       b"Content-Type", b"Received", b"Comments"])
    value = rng.choice([
        b"", b" ", b" plain", b"  two blanks", b"\ttab\t", b" trailing   ",
        b" f\r\n\tolded\r\n  twice", b" \r\n empty first", b"none",
        b" caf\xe9 \xff\x80", b" " + b"x" * 990, b" =?utf-8?q?=C3=A4?=",
        b" a;b=c; \"quoted\"", b" \x01\x7f", b" " + b"y z " * 100])
    return name + b":" + value


BARE_CR, ANY_BARE = [b"bare\rcr"], [b"bare\rcr", b"bare\nlf", b"\r", b"\n"]


def odd_body(rng, bare):
    lines = []
    for _ in range(rng.choice([0, 0, 1, 3, 10, 60])):
        lines.append(rng.choice([
            b"", b"", b" ", b"\t \t", b"text", b"text  with   blanks \t",
            b"\xe4\xf6\xfc 8-bit \x80", b"x" * 998, b"y" * 5000,
            b"--boundary", b".", b"..", b"\x01\x1f", b" leading", b"=20",
            b"a" * rng.randrange(80), *bare]))
    return b"".join(line + b"\r\n" for line in lines)


def odd_message(rng, bare=()):
    fields = [odd_header(rng) for _ in range(rng.randrange(14))]
    fields.insert(rng.randrange(len(fields) + 1),
                  rng.choice([b"From: Alice <alice@example.com>",
                              b"FROM:alice@example.com",
                              b"From: \"A, B\"\r\n <alice@example.com>"]))
    return b"\r\n".join(fields) + b"\r\n\r\n" + odd_body(rng, bare)


def results_of(text):
    return re.findall(rb"dkim=(\w+)", split_message(text)[0][0][1])


@pytest.mark.parametrize("signer,verifier", [("ours", "debian"),
                                             ("debian", "ours"),
                                             ("ours", "ours")])
def test_one_verifies_what_the_other_signs(directory, signer, verifier):
    rng = random.Random(f"{signer} {verifier}")
    for canon in CANONS:
        bare = (ANY_BARE if signer == verifier else
                BARE_CR if canon.endswith("simple") else ())
        source = Filter(signer, directory, "signer", canon)
        target = Filter(verifier, directory, "verifier", canon)
        try:
            with MilterClient(source.path) as sign, \
                    MilterClient(target.path) as check:
                sign.connect("localhost", "127.0.0.1")
                check.connect()
                for _ in range(COUNT // len(CANONS)):
                    message = odd_message(rng, bare)
                    signed = sign.message(message)
                    assert signed.startswith(b"DKIM-Signature:"), message
                    assert signed.endswith(message)
                    seen = check.message(signed)
                    assert results_of(seen) == [b"pass"], (canon, message)
        finally:
            source.close()
            target.close()


def test_both_find_the_same_changes(directory):
    """One byte of a signed message is another: both give the same verdict."""
    rng = random.Random(7)
    pair = [Filter(suite, directory, suite, "relaxed/relaxed")
            for suite in ("ours", "debian")]
    try:
        clients = [MilterClient(f.path) for f in pair]
        signer = MilterClient(pair[0].path)
        signer.connect("localhost", "127.0.0.1")
        for client in clients:
            client.connect()
        for _ in range(min(COUNT, 300)):
            signed = bytearray(signer.message(odd_message(rng)))
            start = signed.index(b"\r\n", signed.index(b"b="))
            at = rng.randrange(start, len(signed))
            if signed[at] in b"\r\n:\t " or signed[at] >= 128:
                continue
            signed[at] = ord("q")
            verdicts = [results_of(c.message(bytes(signed))) for c in clients]
            assert verdicts[0] == verdicts[1], bytes(signed)
        for client in [*clients, signer]:
            client.close()
    finally:
        for one in pair:
            one.close()


@pytest.mark.parametrize("host,donor", [("debian", "ours"),
                                        ("ours", "debian")])
def test_filter_under_the_other_mta(new_site, network, host, donor):
    """Our filter under Debian's Postfix, Debian's under ours; version 6 and
    the jail's socket."""
    reason = tree.why_not("ours", ["opendkim"])
    if reason:
        pytest.skip(reason)
    network.dns.add("elsewhere.example", "MX", "10 mx.elsewhere.example")
    network.dns.host("mx.elsewhere.example", network.add_address("192.0.2.80"))
    peer = Sink(network.listen("192.0.2.80", 25))
    site = new_site(tree.Tree(host, opendkim=donor))
    site.run("opendkim-genkey", "-D", "/etc/dkimkeys", "-s", "mail", "-d",
             "example.com")
    site.run("chown", "-R", "opendkim:opendkim", "/etc/dkimkeys")
    site.opendkim.append("Domain example.com\nSelector mail\n"
                         "KeyFile /etc/dkimkeys/mail.private\n"
                         "Socket local:/var/spool/postfix/opendkim/s.sock\n")
    os.makedirs(f"{site.queue}/opendkim")
    site.run("chown", "opendkim:postfix", "/var/spool/postfix/opendkim")
    site.run("chmod", "2750", "/var/spool/postfix/opendkim")
    site.opendkim.append("UMask 000\n")
    site.main.set("smtpd_milters = unix:opendkim/s.sock",
                  "non_smtpd_milters = $smtpd_milters")
    with open(f"{site.etc}/dkimkeys/mail.txt") as f:
        value = "".join(re.findall(r'"([^"]*)"', f.read()))
    network.dns.set("mail._domainkey.example.com", "TXT", value)
    if donor == "debian":  # its libunbound takes no answers of this server
        with open(f"{site.etc}/dkimkeys/published", "w") as f:
            f.write(f"mail._domainkey.example.com {value}\n")
        site.opendkim.append("TestPublicKeys /etc/dkimkeys/published\n")
        site.run("chown", "-R", "opendkim:opendkim", "/etc/dkimkeys")
    site.start_opendkim()
    site.start()
    site.sendmail("bob@elsewhere.example", options=["-f", "a@example.com"],
                  text="From: a@example.com\nSubject:  x \n\nHello\n \n\n")
    text = peer.wait_for().text
    assert "DKIM-Signature: v=1;" in text
    site.add_user("bob")
    with site.connect_from_outside(
            source=network.add_address("192.0.2.99")) as client:
        client.ask("EHLO c.example", "250")
        client.deliver("a@example.com", ["bob@example.com"], text)
    assert "dkim=pass" in site.wait_for_mbox("bob")
    peer.close()
