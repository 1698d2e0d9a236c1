"""The how-to's third part: submission with passwords from Dovecot."""

import pytest
from postcote.sink import Sink
from postcote.wait import wait_until

MUA, PEER = "192.0.2.98", "192.0.2.80"
SASL = ["smtpd_sasl_auth_enable = yes", "smtpd_tls_auth_only = yes",
        "smtpd_sasl_security_options = noanonymous",
        "smtpd_sasl_type = dovecot", "smtpd_sasl_path = private/auth"]
LISTENER = """\
  unix_listener /var/spool/postfix/private/auth {
    mode = 0666
    user = postfix
    group = postfix
  }
"""


@pytest.fixture
def submission(site, network):
    """The site with everything that the how-to says, not started."""
    site.add_user("alice", password="secret")
    site.master.uncomment("submission inet n")
    site.master.uncomment("submissions inet n")
    site.master.replace(r"^(submissions +inet.*)$",
                        r"\1\n  -o smtpd_tls_wrappermode=yes")
    cert, key = site.certificate("mx.example.com")
    site.main.set(*SASL, f"smtpd_tls_cert_file = {cert}",
                  f"smtpd_tls_key_file = {key}",
                  "smtpd_tls_security_level = may")
    auth = site.dovecot_file("conf.d/10-auth.conf")
    auth.replace(r"^#disable_plaintext_auth = yes",
                 "disable_plaintext_auth = no")
    auth.replace(r"^auth_mechanisms = plain", "auth_mechanisms = plain login")
    site.dovecot_file("conf.d/10-master.conf").replace(
        r"^service auth \{\n", "service auth {\n" + LISTENER)
    network.add_address(MUA)
    return site


@pytest.fixture
def running(submission):
    submission.start_dovecot()
    submission.start()
    return submission


@pytest.fixture
def peer(network):
    network.dns.add("elsewhere.example", "MX", "10 mx.elsewhere.example")
    network.dns.host("mx.elsewhere.example", network.add_address(PEER))
    sink = Sink(network.listen(PEER, 25))
    yield sink
    sink.close()


def mua(site, port=587, tls=False):
    return site.connect_from_outside(port, tls=tls, source=MUA)


def test_auth_is_offered_after_tls_only(running):
    with mua(running) as client:
        assert "AUTH" not in client.ask("EHLO laptop")
        client.auth_plain("alice", "secret", "503 5.5.1 Error: authentication "
                          "not enabled")
    with mua(running) as client:
        client.ask("EHLO laptop")
        client.starttls()
        reply = client.ask("EHLO laptop")
        assert "250-AUTH PLAIN LOGIN" in reply.split("\n")


@pytest.mark.parametrize("port", [25, 587, 465])
def test_user_sends_to_the_world_after_login(running, peer, port):
    with mua(running, port, tls=port == 465) as client:
        client.ask("EHLO laptop")
        if port != 465:
            client.starttls()
            client.ask("EHLO laptop")
        client.auth_plain("alice", "secret",
                          "235 2.7.0 Authentication successful")
        client.deliver("alice@example.com", ["b@elsewhere.example"])
    message = peer.wait_for()
    assert message.recipients == ["b@elsewhere.example"]
    assert "with ESMTPSA id" in message.text
    running.wait_for_log(
        r"smtpd\[\d+\]: \w+: client=\S+\[192.0.2.98\], sasl_method=PLAIN, "
        r"sasl_username=alice")


def test_login_mechanism_of_old_clients(running):
    with mua(running, 465, tls=True) as client:
        client.ask("EHLO laptop")
        client.auth_login("alice", "secret")


def test_without_login_nothing_is_relayed(running):
    with mua(running, 465, tls=True) as client:
        client.ask("EHLO laptop")
        client.ask("MAIL FROM:<alice@example.com>", "250")
        client.ask("RCPT TO:<b@elsewhere.example>",
                   "454 4.7.1 <b@elsewhere.example>: Relay access denied")


def test_wrong_password_is_refused_and_logged(running):
    with mua(running, 465, tls=True) as client:
        client.ask("EHLO laptop")
        client.auth_plain("alice", "wrong",
                          "535 5.7.8 Error: authentication failed")
        client.ask("NOOP", "250")
    running.wait_for_log(
        r"smtpd\[\d+\]: warning: \S+\[192.0.2.98\]: SASL PLAIN "
        r"authentication failed")


def test_anonymous_and_unknown_mechanisms_are_refused(running):
    with mua(running, 465, tls=True) as client:
        client.ask("EHLO laptop")
        client.ask("AUTH ANONYMOUS YQ==",
                   "535 5.7.8 Error: authentication failed: "
                   "Invalid authentication mechanism")


def test_without_dovecot_the_log_says_what_is_missing(submission, suite):
    submission.start()
    with mua(submission) as client:
        client.ask("EHLO laptop", "250")
        client.starttls()
        client.send("EHLO laptop")
        assert "AUTH" not in client.reply()
    submission.wait_for_log(
        r"warning: SASL: Connect to Dovecot auth socket 'private/auth' failed: No such file")
    if suite == "debian":  # ours stays up, and asks again: see DEVIATIONS.md
        submission.wait_for_log(r"fatal: no SASL authentication mechanisms")


def test_sasl_types_are_listed(site, suite):
    types = {"debian": "cyrus\ndovecot\n", "ours": "dovecot\n"}
    assert site.run("postconf", "-a").stdout == types[suite]


def test_a_renewed_certificate_is_used(running):
    def served():
        with mua(running, 465, tls=True) as client:
            return client.peer_certificate

    before = served()
    assert served() == before
    running.certificate("mx.example.com")  # in place, as ACME clients do
    running.run("postfix", "reload")
    wait_until("the new certificate", lambda: served() != before)
