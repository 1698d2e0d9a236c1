"""The how-to's second part: outgoing mail is signed."""

import os
import re

import dkim
import pytest
from postcote import tree
from postcote.sink import Sink

PEER, STRANGER = "192.0.2.80", "192.0.2.99"
KEYS = "/etc/opendkim/keys"
MILTERS = ["milter_default_action = accept", "milter_protocol = 2",
           "smtpd_milters = inet:localhost:8891",
           "non_smtpd_milters = inet:localhost:8891"]
DEFAULTS = "SOCKET=inet:8891@localhost  # comment\n"


@pytest.fixture
def peer(network):
    network.dns.add("elsewhere.example", "MX", "10 mx.elsewhere.example")
    network.dns.host("mx.elsewhere.example", network.add_address(PEER))
    sink = Sink(network.listen(PEER, 25))
    yield sink
    sink.close()


def published_value(zone_text):
    """The TXT record's value out of what opendkim-genkey has written."""
    return "".join(re.findall(r'"([^"]*)"', zone_text))


def make_key(site, network, bits="1024", selector="mail"):
    """As the how-to says: a key, its owner, its record in DNS."""
    os.makedirs(site.etc + KEYS.removeprefix("/etc"), exist_ok=True)
    site.run("sh", "-c", f"cd {KEYS} && opendkim-genkey -b {bits} "
             f"-s {selector} -d example.com")
    site.run("chown", "-R", "opendkim:opendkim", "/etc/opendkim")
    directory = site.etc + KEYS.removeprefix("/etc")
    for name in ("private", "txt"):
        status = os.stat(f"{directory}/{selector}.{name}")
        assert status.st_mode & 0o777 == 0o600
    with open(f"{directory}/{selector}.txt") as f:
        network.dns.set(f"{selector}._domainkey.example.com", "TXT",
                        published_value(f.read()))


def signing(site, network, bits="1024"):
    """The site with all of the how-to's steps done, not started."""
    make_key(site, network, bits)
    site.opendkim.append("Domain example.com\n"
                         f"KeyFile {KEYS}/mail.private\n"
                         "Selector mail\nSocket inet:8891@localhost\n")
    site.main.set(*MILTERS)
    site.master.uncomment("submission inet n")
    return site


@pytest.fixture
def dkim_site(suite, new_site):
    reason = tree.why_not(suite, ["opendkim", "opendkim-genkey"])
    if reason:
        pytest.skip(reason)
    return new_site(tree.Tree(suite, opendkim=suite))


def verify(message, network):
    """Debian's python3-dkim, asking the test's name server."""
    def txt(name, timeout=5):
        values = network.dns.records.get(
            (name.decode().rstrip(".").lower(), "TXT"))
        return values[0].encode() if values else None
    text = message.text.replace("\n", "\r\n").encode("latin-1")
    return dkim.verify(text, dnsfunc=txt)


@pytest.mark.parametrize("bits", ["1024", "2048"])
def test_mail_leaves_signed(dkim_site, network, peer, bits):
    site = signing(dkim_site, network, bits)
    site.start_opendkim()
    site.start()
    listening = site.run("ss", "-lnp").stdout
    assert re.search(r"127\.0\.0\.1:8891\b.*opendkim", listening), listening
    site.swaks("--port", "587", "--from", "alice@example.com", "--to",
               "bob@elsewhere.example", "--body", "Hello\n\n  there \n\n")
    by_network = peer.wait_for()
    site.sendmail("bob@elsewhere.example", options=["-f", "alice@example.com"],
                  text="From: Alice <alice@example.com>\nTo: Bob "
                  "<bob@elsewhere.example>\nSubject: odd  blanks\n"
                  "Subject: again\n\n.\nA line.\n..\n")
    by_command = peer.wait_for()
    for message in (by_network, by_command):
        assert "DKIM-Signature: v=1; a=rsa-sha256;" in message.text
        assert "d=example.com; s=mail;" in message.text
        assert verify(message, network), message.text
    site.wait_for_log(r"opendkim\[\d+\]: \w+: DKIM-Signature field added "
                      r"\(s=mail, d=example.com\)")


def test_mail_flows_with_the_filter_down(dkim_site, network, peer):
    site = signing(dkim_site, network)
    site.start()
    site.swaks("--port", "587", "--from", "alice@example.com", "--to",
               "bob@elsewhere.example")
    assert "DKIM-Signature" not in peer.wait_for().text
    site.wait_for_log(r"warning: connect to Milter service "
                      r"inet:localhost:8891: Connection refused")
    site.start_opendkim()
    site.swaks("--port", "587", "--from", "alice@example.com", "--to",
               "bob@elsewhere.example")
    assert verify(peer.wait_for(), network)


def test_received_mail_is_verified(suite, dkim_site, network, peer):
    """What we have signed comes back from a stranger."""
    site = signing(dkim_site, network)
    if suite == "debian":  # its libunbound takes no answers of this server
        name = "mail._domainkey.example.com"
        with open(f"{site.etc}/opendkim/published", "w") as f:
            f.write(f"{name} {network.dns.records[name, 'TXT'][0]}\n")
        site.opendkim.append("TestPublicKeys /etc/opendkim/published\n")
    site.add_user("bob")
    site.start_opendkim()
    site.start()
    site.swaks("--port", "587", "--from", "alice@example.com", "--to",
               "bob@elsewhere.example")
    text = peer.wait_for().text
    network.add_address(STRANGER)
    forged = "Authentication-Results: mx.example.com; dkim=pass\n"
    for changed in (text, forged + text.replace("Subject: ", "Subject: x")):
        with site.connect_from_outside(source=STRANGER) as client:
            client.ask("EHLO client.stranger.example", "250")
            client.deliver("alice@example.com", ["bob@example.com"], changed)
    site.wait_for_mbox("bob", 2)
    results = [re.findall(r"dkim=\w+", m) for m in site.mbox("bob")]
    assert results == [["dkim=pass"], ["dkim=fail"]]
    site.wait_for_log("DKIM verification successful")
    site.wait_for_log("bad signature data")


def test_default_file_reaches_systemd(dkim_site):
    """opendkim.service.generate with a comment behind a value."""
    site = dkim_site
    with open(f"{site.etc}/default/opendkim", "a") as f:
        f.write(DEFAULTS)
    site.run("sh", "-c", "cd /tmp && /usr/lib/opendkim/"
             "opendkim.service.generate")
    with open(f"{site.etc}/systemd/system/opendkim.service.d/"
              "override.conf") as f:
        text = f.read()
    starts = re.findall(r"(?m)^ExecStart=(.*)$", text)
    assert starts[0] == ""
    assert starts[1].split() == [
        "/usr/sbin/opendkim", "-P", "/run/opendkim/opendkim.pid", "-p",
        "inet:8891@localhost"]
    site.start_opendkim(*starts[1].split()[1:])
    assert ":8891" in site.run("ss", "-ln").stdout
    with open(f"{site.etc}/systemd/system/opendkim.service.d/"
              "override.conf") as f:
        assert "comment" not in f.read()


def only_ours(suite):
    if suite != "ours":
        pytest.skip("the original does not do so")


def test_key_that_others_can_read_stops_the_start(suite, dkim_site, network):
    only_ours(suite)
    site = signing(dkim_site, network)
    key = f"{KEYS}/mail.private"
    site.run("chmod", "644", key)
    done = site.run("opendkim", check=False)
    assert done.returncode == 78
    assert f"{key} can be read or written by other users" in done.stderr
    remedy = re.search(r"to mend: (chmod [^)]+)\)", done.stderr).group(1)
    site.run("sh", "-c", remedy)
    site.start_opendkim()


def test_unsigned_mail_of_ours_says_why(suite, dkim_site, network, peer):
    only_ours(suite)
    site = signing(dkim_site, network)
    site.opendkim.append("InternalHosts 10.0.0.0/8\n")
    site.start_opendkim()
    site.start()
    site.swaks("--port", "587", "--from", "alice@example.com", "--to",
               "bob@elsewhere.example")
    assert "DKIM-Signature" not in peer.wait_for().text
    site.wait_for_log(r"opendkim\[\d+\]: \w+: not signed: localhost "
                      r"\[127.0.0.1\] is not in InternalHosts "
                      r"\(10.0.0.0/8\), and has not authenticated")


MANGLED = {  # what a DNS panel makes of the value: what is said of it
    "cut": (lambda v: v[:255], 65, "ends at byte 255"),
    "quotes": (lambda v: f'"{v[:200]}" "{v[200:]}"', None, "literal quotes"),
    "backslash": (lambda v: v.replace(";", "\\;"), None, "backslashes"),
    "other": (lambda v: None, 65, "private key is a different one"),
    "lower": (lambda v: v.lower(), None, "upper and lower case"),
    "no p": (lambda v: v.split("p=")[0], 69, "no p= tag"),
    "revoked": (lambda v: "v=DKIM1; p=", 69, "Revoked key"),
    "absent": (lambda v: "", 69, "not yet there"),
    "twice": (lambda v: [v, v], 69, "remove all but one"),
    "misplaced": (lambda v: "", 69, "wants the name without the domain"),
    "good": (lambda v: v, 0, ""),
}


@pytest.mark.parametrize("kind", MANGLED)
def test_testkey_says_what_the_panel_did(suite, dkim_site, network, kind):
    only_ours(suite)
    site, name = dkim_site, "mail._domainkey.example.com"
    make_key(site, network, "2048", "other")
    other = network.dns.records["other._domainkey.example.com", "TXT"]
    make_key(site, network, "2048")
    value, = network.dns.records[name, "TXT"]
    mangle, status, said = MANGLED[kind]
    mangled = other[0] if kind == "other" else mangle(value)
    network.dns.remove(name, "TXT")
    if mangled:
        network.dns.set(name, "TXT", *([mangled] if isinstance(mangled, str)
                                       else mangled))
    if kind == "misplaced":
        network.dns.set(f"{name}.example.com", "TXT", value)
    done = site.run("opendkim-testkey", "-d", "example.com", "-s", "mail",
                    "-k", f"{KEYS}/mail.private", check=False)
    assert said in done.stderr, done.stderr
    assert (done.returncode == status if status is not None
            else done.returncode in (65, 69)), done
