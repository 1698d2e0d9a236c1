"""The how-to's first part: receive and send mail, step by step."""

import os

import pytest
from postcote.mailboxes import header
from postcote.sink import Sink
from postcote.wait import wait_until

STRANGER = "192.0.2.99"
PEER, SECOND = "192.0.2.80", "192.0.2.81"


@pytest.fixture
def peer(network):
    """elsewhere.example with its MX: a function that starts it."""
    network.dns.add("elsewhere.example", "MX", "10 mx.elsewhere.example")
    network.dns.host("mx.elsewhere.example", PEER)
    network.add_address(PEER)
    made = []

    def start(address=PEER, **options):
        made.append(Sink(network.listen(address, 25), **options))
        return made[-1]

    yield start
    for sink in made:
        sink.close()


@pytest.fixture
def stranger(network, site):
    """A function that connects from a host that nobody trusts."""
    network.add_address(STRANGER)
    network.dns.host("client.stranger.example", STRANGER)

    def connect(**options):
        return site.connect_from_outside(source=STRANGER, **options)

    return connect


def test_alias_forwards_to_another_domain(site, peer, stranger):
    site.aliases.append("m: someone@elsewhere.example")
    site.run("postalias", "/etc/aliases")
    assert os.path.exists(f"{site.etc}/aliases.db")
    sink = peer()
    site.start()
    with stranger() as client:
        client.ask("EHLO client.stranger.example", "250")
        client.deliver("a@stranger.example", ["m@example.com"])
    message = sink.wait_for()
    assert message.recipients == ["someone@elsewhere.example"]
    assert message.sender == "a@stranger.example"
    assert header(message.text, "Delivered-To") == "m@example.com"
    assert "client.stranger.example [192.0.2.99]" in message.text
    site.wait_for_empty_queue()
    site.wait_for_log(r"smtp\[\d+\]: \w+: to=<someone@elsewhere.example>, "
                      r"orig_to=<m@example.com>, "
                      r"relay=mx.elsewhere.example\[192.0.2.80\]:25, .*"
                      r"status=sent \(250 2.0.0 Taken\)")


def test_only_domains_of_mydestination_are_accepted(site, stranger):
    site.add_user("alice")
    site.main.set("mydestination = domain1.example, domain2.example")
    site.start()
    with stranger() as client:
        client.ask("EHLO client.stranger.example", "250")
        client.ask("MAIL FROM:<a@stranger.example>", "250")
        client.ask("RCPT TO:<alice@domain1.example>", "250 2.1.5 Ok")
        client.ask("RCPT TO:<alice@DOMAIN2.example>", "250 2.1.5 Ok")
        client.ask("RCPT TO:<alice@elsewhere.example>",
                   "454 4.7.1 <alice@elsewhere.example>: Relay access denied")
        client.ask("RCPT TO:<nobody-here@domain1.example>",
                   "550 5.1.1 <nobody-here@domain1.example>: Recipient "
                   "address rejected: User unknown in local recipient table")
    site.wait_for_log(
        r": [0-9A-F]+: reject: RCPT from client.stranger.example\[192.0.2.99\]: "
        r"454 4.7.1 <alice@elsewhere.example>: Relay access denied; "
        r"from=<a@stranger.example> to=<alice@elsewhere.example> "
        r"proto=ESMTP helo=<client.stranger.example>")


def test_root_of_two_domains_is_one_user(site):
    site.main.set("mydestination = domain1.example, domain2.example, localhost")
    site.start()
    site.send("root@domain1.example")
    site.send("root@domain2.example")
    site.wait_for_mbox("root", 2)
    names = {header(m, "X-Original-To") for m in site.mbox("root")}
    assert names == {"root@domain1.example", "root@domain2.example"}


def test_myorigin_takes_the_first_line_of_mailname(site):
    site.add_user("alice")
    with open(f"{site.etc}/mailname", "w") as f:
        f.write("origin.example\nnot this line\n")
    site.main.set("mydestination = origin.example, localhost")
    site.start()
    site.sendmail("alice")
    message = site.wait_for_mbox("alice")
    assert header(message, "From") == "root <root@origin.example>"
    assert header(message, "Return-Path") == "<root@origin.example>"
    assert header(message, "To") is None


def test_hosts_of_mynetworks_may_relay(site, peer, stranger):
    site.main.set("mynetworks = 127.0.0.0/8 192.0.2.99")
    sink = peer()
    site.start()
    with stranger() as client:
        client.ask("EHLO client.stranger.example", "250")
        client.deliver("a@example.com", ["b@elsewhere.example"])
    assert sink.wait_for().recipients == ["b@elsewhere.example"]


def test_inet_interfaces_and_protocols(site):
    site.start()
    with site.connect_from_outside(address="2001:db8::10"):
        pass
    site.stop()
    site.main.set("inet_protocols = ipv4")
    site.start()
    with site.connect_from_outside(), site.connect():
        pass
    with pytest.raises(OSError):
        site.connect_from_outside(address="2001:db8::10")
    site.stop()
    site.main.set("inet_interfaces = loopback-only")
    site.start()
    with site.connect():
        pass
    with pytest.raises(OSError):
        site.connect_from_outside()


def use_certificate(site, name="mx.example.com"):
    cert, key = site.certificate(name)
    site.main.set("smtpd_tls_security_level = may",
                  f"smtpd_tls_cert_file = {cert}",
                  f"smtpd_tls_key_file = {key}")
    return cert, key


def test_tls_from_clients_is_offered_and_not_required(site, stranger):
    site.add_user("alice")
    use_certificate(site)
    site.start()
    with stranger() as client:
        assert "STARTTLS" in client.ask("EHLO client.stranger.example")
        client.starttls()
        assert "STARTTLS" not in client.ask("EHLO client.stranger.example")
        client.deliver("a@stranger.example", ["alice@example.com"])
    with stranger() as client:
        client.ask("EHLO client.stranger.example", "250")
        client.deliver("a@stranger.example", ["alice@example.com"])
    site.wait_for_mbox("alice", 2)
    encrypted, plain = site.mbox("alice")
    assert "with ESMTPS id" in header(encrypted, "Received")
    assert "with ESMTP id" in header(plain, "Received")


@pytest.mark.parametrize("trouble", ["missing", "garbage"])
def test_bad_certificate_does_not_lock_clients_out(site, stranger, trouble):
    site.add_user("alice")
    cert, _ = use_certificate(site)
    if trouble == "missing":
        os.unlink(cert)
    else:
        with open(cert, "w") as f:
            f.write("no certificate\n")
    site.start()
    with stranger() as client:
        client.ask("EHLO client.stranger.example", "250")
        client.ask("STARTTLS",
                   "454 4.7.0 TLS not available due to local problem")
        client.deliver("a@stranger.example", ["alice@example.com"])
    site.wait_for_mbox("alice")
    site.wait_for_log(rf'smtpd\[\d+\]: warning: cannot get RSA certificate '
                      rf'from file "{cert}": disabling TLS support')


@pytest.mark.parametrize("level", ["none", "may", "encrypt"])
@pytest.mark.parametrize("offered", [True, False])
def test_tls_to_servers(site, peer, level, offered):
    certificate = site.certificate("mx.elsewhere.example") if offered else None
    sink = peer(certificate=certificate)
    site.main.set(f"smtp_tls_security_level = {level}")
    site.start()
    site.send("b@elsewhere.example")
    if level == "encrypt" and not offered:
        site.wait_for_log(
            r"to=<b@elsewhere.example>, .*dsn=4.7.4, status=deferred \(TLS "
            r"is required, but was not offered by host "
            r"mx.elsewhere.example\[192.0.2.80\]\)")
        assert "TLS is required" in site.mailq()
        assert not sink.messages
    else:
        assert sink.wait_for().tls == (offered and level != "none")


def test_mail_goes_to_the_mx_of_lowest_preference(site, network, peer):
    network.dns.set("elsewhere.example", "MX", "20 mx2.elsewhere.example",
                    "10 mx.elsewhere.example")
    network.dns.host("mx2.elsewhere.example", SECOND)
    network.add_address(SECOND)
    first, second = peer(), peer(SECOND)
    site.start()
    site.send("b@elsewhere.example")
    first.wait_for()
    first.replies["CONNECT"] = "421 4.3.2 Closed for lunch"
    site.send("b@elsewhere.example")
    second.wait_for()


@pytest.mark.parametrize("address", ["192.0.2.82", "2001:db8::82"])
def test_without_mx_mail_goes_to_the_address(site, network, peer, address):
    network.dns.host("direct.example", address)
    sink = peer(network.add_address(address))
    site.start()
    site.send("b@direct.example")
    assert sink.wait_for().recipients == ["b@direct.example"]


def test_unknown_domain_bounces_and_dns_failure_defers(site, network):
    site.add_user("alice")
    network.dns.rcodes["failing.example"] = "SERVFAIL"
    site.start()
    site.send("b@nowhere.example", sender="alice@example.com")
    notice = site.wait_for_mbox("alice")
    assert header(notice, "Subject") == (
        "Undelivered Mail Returned to Sender")
    assert "Host or domain name not found. Name service error for" in notice
    assert "name=nowhere.example type=AAAA: Host not found" in notice
    site.send("b@failing.example", sender="alice@example.com")
    site.wait_for_log(
        r"to=<b@failing.example>, relay=none, .*dsn=4.4.3, status=deferred "
        r"\(Host or domain name not found. Name service error for "
        r"name=failing.example type=MX: Host not found, try again\)")
    wait_until("one deferred message",
               lambda: len(site.queue_files("deferred")) == 1)


def test_mail_is_kept_while_the_peer_is_down_and_then_sent(site, peer):
    site.start()
    queue_id = site.send("b@elsewhere.example")
    site.wait_for_log(
        r"to=<b@elsewhere.example>, relay=none, .*dsn=4.4.1, status=deferred "
        r"\(connect to mx.elsewhere.example\[192.0.2.80\]:25: "
        r"Connection refused\)")
    wait_until("the message in deferred",
               lambda: queue_id in site.queue_files("deferred"))
    assert "Connection refused" in site.mailq()
    [entry] = site.queue_list()
    assert entry["queue_id"] == queue_id
    assert entry["recipients"][0]["address"] == "b@elsewhere.example"
    sink = peer()
    site.run("postqueue", "-f")
    assert sink.wait_for().recipients == ["b@elsewhere.example"]
    site.wait_for_empty_queue()
    site.wait_for_log(rf"qmgr\[\d+\]: {queue_id}: removed")


def test_banner_and_helo_of_a_fresh_installation(site, stranger):
    site.start()
    with stranger(greeting=None) as client:
        client.expect("220 mx.example.com ESMTP Postfix (Debian/GNU)")
        assert client.ask("EHLO client.stranger.example").split("\n") == [
            "250-mx.example.com", "250-PIPELINING", "250-SIZE 10240000",
            "250-VRFY", "250-ETRN", "250-STARTTLS",
            "250-ENHANCEDSTATUSCODES", "250-8BITMIME", "250-DSN",
            "250-SMTPUTF8", "250 CHUNKING"]
        client.ask("QUIT", "221 2.0.0 Bye")


def test_configuration_of_a_fresh_installation_is_read_back(site):
    listed = site.run("postconf", "-n").stdout.splitlines()
    assert "myorigin = /etc/mailname" in listed
    assert "relayhost =" in listed
    assert site.run("postconf", "-h", "mail_version").stdout == "3.7.11\n"
