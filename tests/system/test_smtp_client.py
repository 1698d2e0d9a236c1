"""The SMTP client: connections that are kept, addresses and headers that
change on the way out, sessions of TLS, filters of replies."""

import pytest
from postcote.sink import Sink

PEER = "192.0.2.80"


@pytest.fixture
def peer(network):
    network.dns.add("elsewhere.example", "MX", "10 mx.elsewhere.example")
    network.dns.add("other.example", "MX", "10 mx.elsewhere.example")
    network.dns.host("mx.elsewhere.example", network.add_address(PEER))
    sink = Sink(network.listen(PEER, 25))
    yield sink
    sink.close()


def send(site, recipient="to@elsewhere.example", text="Subject: t\n\nx\n",
         sender="alice@example.com"):
    """Sends one message and waits for its end; the log line."""
    mark = site.log.mark()
    site.run("sendmail", "-f", sender, recipient, input=text)
    return site.wait_for_log(r"smtp\[\d+\]: \w+: (to=<.*status=.*)",
                             since=mark).group(1)


def table(site, name, text):
    with open(f"{site.etc}/postfix/{name}", "w") as f:
        f.write(text)


@pytest.mark.parametrize("max_use", ["100", "1"])
def test_a_connection_serves_several_messages(site, peer, max_use):
    """With max_use=1 each delivery is another process's: scache(8) has it."""
    site.main.set("smtp_connection_cache_destinations = elsewhere.example "
                  "other.example", "smtp_connection_cache_time_limit = 20s")
    site.master.set_service(f"smtp unix - - y - - smtp -o max_use={max_use}")
    site.start()
    assert "conn_use=" not in send(site)
    assert "relay=mx.elsewhere.example[192.0.2.80]:25, conn_use=2, " in send(
        site)
    # The same server has another domain's mail, too.
    assert "conn_use=3, " in send(site, "to@other.example")
    assert peer.sessions == 1


def test_a_connection_is_used_no_more_than_allowed(site, peer):
    site.main.set("smtp_connection_cache_destinations = elsewhere.example",
                  "smtp_connection_cache_time_limit = 20s",
                  "smtp_connection_reuse_count_limit = 1")
    site.start()
    uses = ["conn_use=2" in send(site) for _ in range(4)]
    assert uses == [False, True, False, True]
    assert peer.sessions == 2


def test_a_server_that_hung_up_meanwhile_costs_nothing(site, peer):
    site.main.set("smtp_connection_cache_destinations = elsewhere.example",
                  "smtp_connection_cache_time_limit = 20s")
    site.start()
    # The server drops the connection after the message.
    peer.replies["."] = ["250 2.0.0 Taken"]
    peer.replies["RSET"] = None
    assert "status=sent" in send(site)
    assert "status=sent" in send(site)


def test_addresses_of_inside_do_not_leave(site, peer):
    table(site, "generic", "alice@example.com a.public@pub.example\n"
                           "@int.example @pub.example\n")
    site.run("postmap", "hash:/etc/postfix/generic")
    site.main.set("smtp_generic_maps = hash:/etc/postfix/generic")
    site.start()
    send(site, text="From: Alice <alice@example.com>\n"
                    "To: to@elsewhere.example, b@int.example\n"
                    "X-Note: alice@example.com\nSubject: t\n\n"
                    "alice@example.com\n")
    message = peer.wait_for()
    assert message.sender == "a.public@pub.example"
    assert "From: Alice <a.public@pub.example>\n" in message.text
    assert "To: to@elsewhere.example, b@pub.example\n" in message.text
    assert "X-Note: alice@example.com\n" in message.text
    assert message.text.endswith("\n\nalice@example.com\n")


def test_headers_and_lines_change_on_the_way_out(site, peer):
    table(site, "head", "/^X-Secret:/ IGNORE\n/^Subject: (.*)/ REPLACE "
                        "Subject: [out] $1\n/^X-Hold:/ HOLD\n")
    table(site, "body", "/^password/ REPLACE (removed)\n")
    site.main.set("smtp_header_checks = pcre:/etc/postfix/head",
                  "smtp_body_checks = pcre:/etc/postfix/body")
    site.start()
    mark = site.log.mark()
    send(site, text="Subject: t\nX-Secret: 1\nX-Hold: 2\n\npassword: x\n")
    message = peer.wait_for()
    assert "Subject: [out] t\n" in message.text
    assert "X-Secret" not in message.text
    assert message.text.endswith("\n\n(removed)\n")
    assert site.log.find(r"smtp\[\d+\]: \w+: replace: header Subject: t: "
                         r"Subject: \[out\] t$", mark)
    assert site.log.find(r"smtp\[\d+\]: \w+: replace: body password: x: "
                         r"\(removed\)$", mark)
    assert site.log.find(r"smtp\[\d+\]: warning: unsupported command in "
                         r"smtp_header_checks map: HOLD$", mark)


def test_a_table_that_fails_defers_the_message(site, peer):
    site.main.set("smtp_header_checks = hash:/etc/postfix/none")
    site.start()
    line = send(site)
    assert ("dsn=4.3.0, status=deferred (local data error while talking to "
            "mx.elsewhere.example[192.0.2.80])") in line
    assert not peer.messages


def test_replies_and_statuses_can_be_changed(site, peer):
    table(site, "reply", "/^250 2.0.0 Taken/ 250 2.9.9 Filed\n")
    table(site, "status", "/^4.2.0 (.*)/ 5.2.0 $1\n/^5.1.1/ 2.0.0 no\n")
    site.main.set("smtp_reply_filter = pcre:/etc/postfix/reply",
                  "smtp_delivery_status_filter = pcre:/etc/postfix/status")
    site.start()
    assert "dsn=2.9.9, status=sent (250 2.9.9 Filed)" in send(site)
    assert site.log.find(
        r'smtp\[\d+\]: mx.elsewhere.example\[192.0.2.80\]:25: replacing server '
        r'reply "250 2.0.0 Taken" with "250 2.9.9 Filed"$')
    peer.replies["RCPT"] = "450 4.2.0 later"
    assert "dsn=5.2.0, status=bounced (host mx" in send(site)
    peer.replies["RCPT"] = "550 5.1.1 gone"
    assert "dsn=5.1.1, status=bounced (host mx" in send(site)
    assert site.log.find("warning: smtp_delivery_status_filter: bad status "
                         "code: 2.0.0 no$")


def test_a_filter_learns_who_the_client_was(site, peer):
    peer.replies["EHLO"] = ("250-sink\n250-XFORWARD NAME ADDR PORT PROTO HELO "
                            "IDENT SOURCE\n250 PIPELINING")
    peer.replies["XFORWARD"] = "250 2.0.0 Ok"
    site.main.set("smtp_send_xforward_command = yes",
                  "mynetworks = 127.0.0.0/8 192.0.2.0/24")
    net = site.network
    net.dns.host("client.example", net.add_address("192.0.2.99"))
    site.start()
    send(site)
    assert "XFORWARD SOURCE=LOCAL" in peer.commands
    peer.commands.clear()
    with site.connect_from_outside(source="192.0.2.99") as client:
        client.ask("EHLO a+b.example", "250")
        client.deliver("s@x.example", ["to@elsewhere.example"])
        port = client.socket.getsockname()[1]
    peer.wait_for(lambda m: m.sender == "s@x.example")
    name, proto = [c for c in peer.commands if c.startswith("XFORWARD")]
    assert name == f"XFORWARD NAME=client.example ADDR=192.0.2.99 PORT={port}"
    assert proto.startswith("XFORWARD PROTO=ESMTP HELO=a+2Bb.example IDENT=")
    assert proto.endswith(" SOURCE=REMOTE")


def test_a_probe_sends_no_message(site, peer):
    site.start()
    mark = site.log.mark()
    site.run("sendmail", "-bv", "-f", "root@example.com",
             "to@elsewhere.example")
    site.wait_for_log(r"smtp\[\d+\]: \w+: to=<to@elsewhere.example>, .*"
                      r"dsn=2.1.5, status=deliverable \(250 2.1.5 Ok\)",
                      since=mark)
    site.wait_for_log(r"qmgr\[\d+\]: \w+: removed", since=mark)
    assert "DATA" not in peer.commands
    assert not peer.messages


def test_a_server_with_our_own_name_is_a_loop(site, peer):
    peer.replies["EHLO"] = "250 mx.example.com"
    site.start()
    assert ("dsn=5.4.6, status=bounced (mail for elsewhere.example loops back "
            "to myself)") in send(site)
    assert site.log.find(
        r"warning: host mx.elsewhere.example\[192.0.2.80\]:25 replied to "
        r"HELO/EHLO with my own hostname mx.example.com$")


def test_a_tls_session_is_resumed(site, network):
    network.dns.add("elsewhere.example", "MX", "10 mx.elsewhere.example")
    network.dns.host("mx.elsewhere.example", network.add_address(PEER))
    sink = Sink(network.listen(PEER, 25),
                certificate=site.certificate("mx.elsewhere.example"))
    site.main.set("smtp_tls_security_level = may", "smtp_tls_loglevel = 1",
                  "smtp_tls_session_cache_database = "
                  "btree:${data_directory}/smtp_scache",
                  "smtp_connection_cache_on_demand = no")
    site.start()
    for _ in range(3):
        assert "status=sent" in send(site)
    reused = [session.session_reused for session in sink.tls_sessions]
    sink.close()
    assert reused == [False, True, True]
