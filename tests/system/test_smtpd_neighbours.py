"""smtpd and who stands beside it: proxies that say who the client is, the
postmaster who reads what went wrong, the client who reads a footer, other
smtpd processes that share TLS sessions."""

import ssl

import pytest

PROXY = "192.0.2.99"


@pytest.fixture
def proxy(site):
    """Connects as a proxy, after EHLO."""
    site.network.dns.host("proxy.example", site.network.add_address(PROXY))

    def connect():
        client = site.connect_from_outside(source=PROXY)
        client.capabilities = client.ask("EHLO proxy", "250")
        return client

    return connect


def test_xclient_makes_another_client(site, proxy):
    site.main.set(f"smtpd_authorized_xclient_hosts = {PROXY}",
                  "mynetworks = 127.0.0.0/8 10.1.1.0/24",
                  "smtpd_client_restrictions = check_client_access "
                  "inline:{{foo.example = 450 hmm}}")
    site.start()
    with proxy() as client:
        assert ("250-XCLIENT NAME ADDR PROTO HELO REVERSE_NAME PORT LOGIN "
                "DESTADDR DESTPORT\n") in client.capabilities
        client.ask("XCLIENT FOO=bar", "501 5.5.4 Bad XCLIENT attribute name: "
                   "FOO")
        client.ask("XCLIENT NAME", "501 5.5.4 Error: attribute=value expected")
        client.ask("XCLIENT NAME=foo.example ADDR=198.51.100.2",
                   "220 mx.example.com ESMTP")
        assert "XCLIENT" not in client.ask("EHLO after", "250")
        client.ask("MAIL FROM:<a@x.example>", "250")
        client.ask("RCPT TO:<root@example.com>", "450 4.7.1 "
                   "<foo.example[198.51.100.2]>: Client host rejected: hmm")
        client.ask("XCLIENT NAME=x", "503 5.5.1 Error: MAIL transaction in "
                   "progress")
        client.ask("QUIT", "221")
    site.wait_for_log(
        r"NOQUEUE: reject: RCPT from foo.example\[198.51.100.2\]: 450 4.7.1 .*"
        r" proto=ESMTP helo=<after>")
    site.wait_for_log(r"disconnect from foo.example\[198.51.100.2\] ehlo=2 "
                      r"xclient=0/4 mail=1 rcpt=0/1 quit=1 commands=4/9")


def test_xclient_lends_names_and_logins(site, proxy):
    site.main.set(f"smtpd_authorized_xclient_hosts = {PROXY}")
    site.start()
    with proxy() as client:
        client.ask("XCLIENT NAME=[UNAVAILABLE] ADDR=[UNAVAILABLE] "
                   "LOGIN=fred PROTO=SMTP HELO=[UNAVAILABLE]", "220")
        client.deliver("a@x.example", ["root@example.com"])
    site.wait_for_log(r": client=unknown\[unknown\], sasl_method=XCLIENT, "
                      r"sasl_username=fred$")


def test_xforward_is_for_the_log_alone(site, proxy):
    site.main.set(f"smtpd_authorized_xforward_hosts = {PROXY}",
                  "mynetworks = 127.0.0.0/8 1.2.3.0/24")
    site.start()
    with proxy() as client:
        assert ("250-XFORWARD NAME ADDR PROTO HELO SOURCE PORT IDENT\n"
                in client.capabilities)
        client.ask("XFORWARD NAME=orig.example ADDR=1.2.3.4 PORT=777",
                   "250 2.0.0 Ok")
        client.ask("XFORWARD PROTO=ESMTP HELO=orighelo IDENT=ABC123 "
                   "SOURCE=LOCAL", "250 2.0.0 Ok")
        client.ask("XFORWARD SOURCE=FOO", "501 5.5.4 Bad SOURCE syntax: FOO")
        client.ask("MAIL FROM:<a@x.example>", "250")
        client.ask("RCPT TO:<b@far.example>", "454 4.7.1 <b@far.example>: "
                   "Relay access denied")
        client.ask("RSET", "250")
        client.ask("XFORWARD NAME=orig.example ADDR=1.2.3.4 IDENT=ABC123",
                   "250 2.0.0 Ok")
        client.deliver("a@x.example", ["root@example.com"])
        client.deliver("a@x.example", ["root@example.com"])
    site.wait_for_log(r": client=proxy.example\[192.0.2.99\], "
                      r"orig_queue_id=ABC123, "
                      r"orig_client=orig.example\[1.2.3.4\]$")
    site.wait_for_log(r": client=proxy.example\[192.0.2.99\]$")


def test_strangers_may_say_nothing_of_others(site):
    site.start()
    with site.connect() as client:
        assert "XCLIENT" not in client.ask("EHLO x", "250")
        for verb in ("XCLIENT", "XFORWARD"):
            client.ask(f"{verb} NAME=a", "550 5.7.0 Error: insufficient "
                       "authorization")


def test_refusals_have_a_footer(site, proxy):
    with open(f"{site.etc}/postfix/footers", "w") as f:
        f.write("/Relay access/ No relay for $$client_address\\nsorry\n")
    site.main.set(r"smtpd_reject_footer = \c. Ask $server_name about $client",
                  "smtpd_reject_footer_maps = pcre:/etc/postfix/footers")
    site.start()
    with proxy() as client:
        assert client.ask("FOO", "500") == (
            "500 5.5.2 Error: command not recognized. Ask mx.example.com about "
            "proxy.example[192.0.2.99]")
        client.ask("MAIL FROM:<a@x.example>", "250 2.1.0 Ok")
        assert client.ask("RCPT TO:<b@far.example>", "454") == (
            "454-4.7.1 <b@far.example>: Relay access denied\n"
            "454-4.7.1 No relay for 192.0.2.99\n454 4.7.1 sorry")
    site.wait_for_log(r"reject: RCPT from .*: Relay access denied; from=")


def test_the_postmaster_reads_what_went_wrong(site, proxy):
    site.add_user("err")
    site.main.set("notify_classes = policy protocol",
                  "error_notice_recipient = err@example.com")
    site.start()
    with proxy() as client:
        client.ask("MAIL FROM:<a@x.example>", "250")
        client.ask("RCPT TO:<b@far.example>", "454")
    letter = site.wait_for_mbox("err")
    assert "From: Mail Delivery System <MAILER-DAEMON@mx.example.com>\n" in letter
    assert "To: Postmaster <err@example.com>\n" in letter
    assert ("Subject: Postfix SMTP server: errors from "
            "proxy.example[192.0.2.99]\n") in letter
    assert "Transcript of session follows.\n\n Out: 220 mx.exam" in letter
    assert (" In:  RCPT TO:<b@far.example>\n Out: 454 4.7.1 <b@far.example>: "
            "Relay access denied\n\nSession aborted, reason: lost connection\n"
            "\nFor other details, see the local mail logfile\n") in letter
    # What ends well is forgiven.
    with proxy() as client:
        client.ask("FOO", "500")
        client.deliver("a@x.example", ["root@example.com"])
        client.ask("QUIT", "221")
    site.wait_for_mbox("root")
    site.wait_for_log("disconnect from .* unknown=0/1 ")
    assert len(site.mbox("err")) == 1


def test_vrfy_in_a_transaction_logs_its_sender(site, proxy):
    site.start()
    with proxy() as client:
        client.ask("MAIL FROM:<a@x.example>", "250")
        client.ask("VRFY b@far.example", "454")
    site.wait_for_log(r"reject: VRFY from .*; from=<a@x.example> "
                      r"to=<b@far.example> proto=ESMTP helo=<proxy>")


def tls_session(site, context, session):
    """One session with STARTTLS; the TLS session, and whether it was
    resumed."""
    client = site.connect()
    client.ask("EHLO x", "250")
    client.ask("STARTTLS", "220")
    sock = context.wrap_socket(client.socket, session=session)
    stream = sock.makefile("rwb")
    stream.write(b"QUIT\r\n")
    stream.flush()
    assert stream.readline().startswith(b"221")
    result = sock.session, sock.session_reused
    sock.close()
    client.close()
    return result


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_tls_sessions_outlive_a_process(site, version):
    """Each connection is another process's; tlsmgr has the ticket keys."""
    site.main.set("smtpd_tls_loglevel = 1")
    site.master.replace(r"^(smtp +inet.* smtpd)$", r"\1 -o max_use=1")
    site.start()
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = getattr(ssl.TLSVersion, version)
    session, reused = tls_session(site, context, None)
    assert not reused
    _, reused = tls_session(site, context, session)
    assert reused
    pids = {line.split("smtpd[")[1].split("]")[0]
            for line in site.log.grep(r"smtpd\[\d+\]: connect from")}
    assert len(pids) == 2
