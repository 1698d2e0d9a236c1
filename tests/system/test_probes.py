"""Address verification: smtpd asks verify, which sends probes."""

import time

import pytest
from postcote.sink import Sink

DAY = 86400
CACHE = "btree:/var/lib/postfix/verify_cache"


def answer(command):
    if "bad" in command:
        return "550 5.1.1 No such"
    if "later" in command:
        return "450 4.2.0 Not now"
    return "250 2.1.5 Ok"


@pytest.fixture
def peer(network, site):
    network.dns.add("elsewhere.example", "MX", "10 mx.elsewhere.example")
    network.dns.host("mx.elsewhere.example", network.add_address("192.0.2.80"))
    sink = Sink(network.listen("192.0.2.80", 25), replies={"RCPT": answer})
    site.main.set("relay_domains = elsewhere.example",
                  "smtpd_recipient_restrictions = reject_unverified_recipient",
                  "address_verify_poll_delay = 1s")
    yield sink
    sink.close()


def replies(site, recipients, sender=""):
    with site.connect_from_outside() as client:
        client.ask("EHLO client.example", "250")
        client.ask(f"MAIL FROM:<{sender}>", "250")
        return [client.ask(f"RCPT TO:<{r}@elsewhere.example>", "")
                for r in recipients]


def refused(name, text, code="450 4.1.1"):
    return (f"{code} <{name}@elsewhere.example>: Recipient address rejected: "
            f"{text}")


def said(reply):
    return (f"host mx.elsewhere.example[192.0.2.80] said: {reply} "
            "(in reply to RCPT TO command)")


def cache(site):
    """What verify has stored, once it has ended."""
    site.run("postfix", "stop")
    lines = site.run("postmap", "-s", CACHE).stdout.splitlines()
    return dict(line.split("\t", 1) for line in lines)


def test_recipients_are_probed_once(site, peer):
    site.main.set("unverified_recipient_reject_code = 550")
    site.start()
    expected = ["250 2.1.5 Ok",
                refused("bad", "undeliverable address: " +
                        said("550 5.1.1 No such"), "550 5.1.1"),
                refused("later", "unverified address: " +
                        said("450 4.2.0 Not now"))]
    for _ in range(2):
        assert replies(site, ["good", "bad", "later"]) == expected
    assert len([c for c in peer.commands if c.startswith("RCPT")]) == 3
    assert "MAIL FROM:<double-bounce@example.com>" in peer.commands[1]
    assert "DATA" not in peer.commands
    assert site.log.find(r"smtp\[\d+\]: \w+: to=<good@elsewhere.example>, .*"
                         r"dsn=2.1.5, status=deliverable \(250 2.1.5 Ok\)")
    assert site.log.find(r"verify\[\d+\]: cache " + CACHE + " full cleanup: "
                         r"retained=0 dropped=0 entries")
    known = cache(site)
    assert known["good@elsewhere.example"].startswith("0:0:")
    assert known["bad@elsewhere.example"].endswith(
        ":" + said("550 5.1.1 No such"))


def test_a_probe_has_no_text(site, peer):
    site.main.set("address_verify_sender_ttl = 1h",
                  "address_verify_poll_count = 1",
                  "address_verify_transport_maps = inline:{"
                  "elsewhere.example=smtp:[192.0.2.81]:26}")
    probes = Sink(site.network.listen(
        site.network.add_address("192.0.2.81"), 26))
    site.start()
    assert replies(site, ["new"]) == [
        refused("new", "unverified address: Address verification in progress")]
    site.wait_for_log(r"status=deliverable")
    # The routing of probes is their own.
    assert not peer.commands
    mail = next(c for c in probes.commands if c.startswith("MAIL"))
    assert mail.startswith("MAIL FROM:<double-bounce")
    assert mail.partition("@")[0] != "MAIL FROM:<double-bounce"
    assert replies(site, ["new"]) == ["250 2.1.5 Ok"]
    probes.close()


def test_what_is_known_grows_old(site, peer):
    now = int(time.time())
    site.run("sh", "-c", f"postmap -i {CACHE}; "
             "chown postfix /var/lib/postfix/verify_cache.db", input=f"""\
bad1@elsewhere.example 0:0:{now - 8 * DAY}:fine once
bad2@elsewhere.example 0:0:{now - 32 * DAY}:fine long ago
good1@elsewhere.example 2:0:{now - 4 * 3600}:was bad
good2@elsewhere.example 2:0:{now - 4 * DAY}:was bad long ago
good3@elsewhere.example 3:{now - 500}:0:Address verification in progress
good4@elsewhere.example 3:{now - 1001}:0:Address verification in progress
""")
    site.start()
    assert replies(site, ["bad1", "bad2", "good1", "good2", "good3",
                          "good4"]) == [
        "250 2.1.5 Ok",
        refused("bad2", "unverified address: " + said("550 5.1.1 No such")),
        refused("good1", "unverified address: was bad"),
        "250 2.1.5 Ok",
        refused("good3",
                "unverified address: Address verification in progress"),
        "250 2.1.5 Ok"]
    site.wait_for_log("to=<good1@elsewhere.example>, .*status=deliverable")
    assert site.log.find("full cleanup: retained=3 dropped=3 entries")
    known = cache(site)
    # Bad news do not replace good ones that still count.
    assert known["bad1@elsewhere.example"].endswith(":fine once")
    assert known["good1@elsewhere.example"].startswith("0:0:")
    assert known["good3@elsewhere.example"].startswith("3:")


def test_reasons_codes_and_actions_of_our_own(site, peer):
    site.main.set("smtpd_recipient_restrictions = reject_unverified_recipient, "
                  "check_recipient_access "
                  "inline:{{later2@elsewhere.example = REJECT}}",
                  "unverified_recipient_reject_reason = Our own",
                  "unverified_recipient_defer_code = 451",
                  "unverified_recipient_reject_code = 250")
    site.start()
    assert replies(site, ["bad", "later1", "later2"]) == [
        "250 2.1.5 Ok",
        refused("later1", "unverified address: Our own", "451 4.1.1"),
        refused("later2", "Access denied", "554 5.7.1")]


def test_senders_are_probed(site, peer):
    site.main.set("smtpd_sender_restrictions = reject_unverified_sender",
                  "smtpd_recipient_restrictions = permit")
    site.start()
    assert replies(site, ["x"], "good@elsewhere.example") == ["250 2.1.5 Ok"]
    assert replies(site, ["x"], "bad@elsewhere.example") == [
        "450 4.1.7 <bad@elsewhere.example>: Sender address rejected: "
        "unverified address: " + said("550 5.1.1 No such")]
    assert replies(site, ["x"]) == ["250 2.1.5 Ok"]
