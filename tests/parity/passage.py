"""One message of each kind through a site: what every transplant must bear."""

import contextlib
import os

from postcote.mailboxes import header
from postcote.sink import Sink
from postcote.wait import wait_until

PEER, LMTP_PEER = "192.0.2.80", "192.0.2.81"
PIPE = """\
keep      unix  -       n       n       -       -       pipe
  flags=DRhu user=alice argv=/bin/sh -c {{cat >>{}; echo "$$0" >>{}}} ${{recipient}}
"""


def furnish(site):
    """Users, peers and routes, before the start. Returns the sinks."""
    net = site.network
    site.add_user("alice")
    site.add_user("bob")
    site.aliases.append("m: someone@elsewhere.example\nteam: alice, bob")
    site.piped = f"{site.home}/alice/piped"
    site.master.append(PIPE.format(site.piped, site.piped))
    transports = f"{site.etc}/postfix/transport"
    with open(transports, "w") as f:
        f.write("lmtp.example lmtp:inet:[192.0.2.81]:24\n"
                "pipe.example keep:\n"
                "discard.example discard:\n"
                "error.example error:5.1.2 nobody lives here\n"
                "retry.example retry:4.3.0 come again\n")
    os.makedirs(f"{site.mail}/vhosts", exist_ok=True)
    os.chown(f"{site.mail}/vhosts", 5000, 5000)
    with open(f"{site.etc}/postfix/vmailbox", "w") as f:
        f.write("info@virtual.example vhosts/info/\n")
    site.main.set("transport_maps = hash:/etc/postfix/transport",
                  "virtual_mailbox_domains = virtual.example",
                  "virtual_mailbox_maps = hash:/etc/postfix/vmailbox",
                  "virtual_mailbox_base = /var/mail",
                  "virtual_uid_maps = static:5000",
                  "virtual_gid_maps = static:5000",
                  "smtp_connection_cache_destinations = elsewhere.example",
                  "fast_flush_domains = elsewhere.example",
                  "smtpd_recipient_restrictions = check_recipient_access "
                  "inline:{ {gone@elsewhere.example = "
                  "reject_unverified_recipient} }")
    site.run("postmap", "hash:/etc/postfix/transport",
             "hash:/etc/postfix/vmailbox")
    net.dns.add("elsewhere.example", "MX", "10 mx.elsewhere.example")
    net.dns.host("mx.elsewhere.example", net.add_address(PEER))
    net.add_address(LMTP_PEER)


@contextlib.contextmanager
def peers(site):
    certificate = site.certificate("mx.elsewhere.example")
    smtp = Sink(site.network.listen(PEER, 25), certificate=certificate)
    lmtp = Sink(site.network.listen(LMTP_PEER, 24), lmtp=True)
    try:
        yield smtp, lmtp
    finally:
        smtp.close()
        lmtp.close()


def walk(site):
    """Sends a message of each kind and follows it to its end."""
    with peers(site) as (smtp, lmtp):
        from_network_to_mailbox(site)
        from_command_to_two_mailboxes(site)
        by_alias_to_a_peer(site, smtp)
        to_a_peer_by_tls(site, smtp)
        over_lmtp(site, lmtp)
        to_a_program_and_a_virtual_mailbox(site)
        discarded(site)
        bounced(site, smtp)
        probed_by_command(site)
        refused_by_probe(site, smtp)
        deferred_and_flushed(site, smtp)
    assert not site.log.grep("panic:|fatal:|bad command startup|"
                             "exit status|killed by signal")


def from_network_to_mailbox(site):
    queue_id = site.send("alice@example.com", text="Subject: one\n\n.dot\n")
    message = site.wait_for_mbox("alice", 1)
    assert header(message, "Subject") == "one"
    assert header(message, "Message-Id")
    assert f"ESMTP id {queue_id}" in message
    assert "\n\n.dot\n" in message
    site.wait_for_log(rf"local\[\d+\]: {queue_id}: to=<alice@example.com>, "
                      r"relay=local, .*dsn=2.0.0, status=sent "
                      r"\(delivered to mailbox\)")
    site.wait_for_log(rf"qmgr\[\d+\]: {queue_id}: removed")


def from_command_to_two_mailboxes(site):
    site.sendmail("team", user="bob", options=["-F", "Bob"],
                  text="Subject: two\n\nBoth.\n")
    assert header(site.wait_for_mbox("alice", 2), "Subject") == "two"
    message = site.wait_for_mbox("bob", 1)
    assert header(message, "From") == "Bob <bob@example.com>"
    assert header(message, "X-Original-To") == "team"
    assert "userid 1001" in header(message, "Received")


def by_alias_to_a_peer(site, smtp):
    site.send("m@example.com", sender="a@other.example")
    message = smtp.wait_for(lambda m: m.sender == "a@other.example")
    assert message.recipients == ["someone@elsewhere.example"]


def to_a_peer_by_tls(site, smtp):
    site.sendmail("b@elsewhere.example", "c@elsewhere.example",
                  text="Subject: out\nTo: b@elsewhere.example\n\nOut.\n")
    message = smtp.wait_for(lambda m: "Subject: out" in m.text)
    assert sorted(message.recipients) == ["b@elsewhere.example",
                                          "c@elsewhere.example"]
    assert message.tls
    site.wait_for_log(r"to=<c@elsewhere.example>, relay=mx.elsewhere.example"
                      r"\[192.0.2.80\]:25, .*status=sent")


def over_lmtp(site, lmtp):
    site.send("z@lmtp.example")
    assert lmtp.wait_for().recipients == ["z@lmtp.example"]
    site.wait_for_log(r"lmtp\[\d+\]: \w+: to=<z@lmtp.example>, relay=192.0.2.81"
                      r"\[192.0.2.81\]:24, .*dsn=2.0.0, status=sent")


def to_a_program_and_a_virtual_mailbox(site):
    site.send("job@pipe.example")
    wait_until("the program's output", lambda: os.path.exists(site.piped) and
               open(site.piped).read().endswith("job@pipe.example\n"))
    site.wait_for_log(r"pipe\[\d+\]: \w+: to=<job@pipe.example>, relay=keep, .*"
                      r"status=sent \(delivered via keep service\)")
    site.send("info@virtual.example")
    new = f"{site.mail}/vhosts/info/new"
    wait_until("the virtual mailbox",
               lambda: os.path.isdir(new) and os.listdir(new))
    site.wait_for_log(r"virtual\[\d+\]: \w+: to=<info@virtual.example>, "
                      r"relay=virtual, .*status=sent \(delivered to maildir\)")


def discarded(site):
    site.send("x@discard.example")
    site.wait_for_log(r"discard\[\d+\]: \w+: to=<x@discard.example>, "
                      r"relay=none, .*status=sent \(discard.example\)")


def bounced(site, smtp):
    site.sendmail("y@error.example", user="bob")
    notice = site.wait_for_mbox("bob", 2)
    assert header(notice, "Subject") == "Undelivered Mail Returned to Sender"
    assert "<y@error.example>: nobody lives here" in notice
    assert "Status: 5.1.2" in notice
    smtp.replies["RCPT"] = ["550 5.1.1 No such person"]
    site.send("nobody@elsewhere.example", sender="bob@example.com")
    notice = site.wait_for_mbox("bob", 3)
    assert "550 5.1.1 No such person" in notice
    assert "Final-Recipient: rfc822; nobody@elsewhere.example" in notice


def probed_by_command(site):
    site.run("sendmail", "-bv", "alice")
    report = site.wait_for_mbox("root", 1)
    assert header(report, "Subject") == "Mail Delivery Status Report"
    assert "Action: deliverable" in report


def refused_by_probe(site, smtp):
    """verify(8) has the peer asked before smtpd answers."""
    smtp.replies["RCPT"] = ["550 5.1.1 Gone"] * 2
    with site.connect() as client:
        client.ask("EHLO client.example", "250")
        client.ask("MAIL FROM:<a@other.example>", "250")
        client.ask("RCPT TO:<gone@elsewhere.example>",
                   "450 4.1.1 <gone@elsewhere.example>: Recipient address "
                   "rejected: unverified address: host ")
    smtp.replies["RCPT"] = []


def deferred_and_flushed(site, smtp):
    smtp.replies["RCPT"] = ["450 4.2.0 Not now"]
    queue_id = site.send("late@elsewhere.example")
    wait_until("the message in deferred",
               lambda: queue_id in site.queue_files("deferred"))
    assert "450 4.2.0 Not now" in site.mailq()
    [entry] = site.queue_list()
    assert (entry["queue_name"], entry["queue_id"]) == ("deferred", queue_id)
    site.run("postqueue", "-s", "elsewhere.example")
    message = smtp.wait_for(lambda m: "late@elsewhere.example" in m.recipients)
    assert message.sender == "sender@elsewhere.example"
    site.wait_for_empty_queue()
    assert site.mailq() == "Mail queue is empty\n"
