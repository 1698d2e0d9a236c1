"""fail2ban's filter reads our log lines as it reads Debian's postfix's."""

import pytest
from postcote import fail2ban

CLIENT, LISTED = "192.0.2.99", "192.0.2.4"
IMPATIENT = """\
auth_failure_delay = 0
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
"""  # wrong passwords are answered at once


@pytest.fixture
def strict(site, network):
    """A site with the usual restrictions and logins, all on port 25."""
    reason = fail2ban.why_not()
    if reason:
        pytest.skip(reason)
    network.add_address(LISTED)
    network.add_address(CLIENT)
    network.dns.host("client.stranger.example", CLIENT)
    network.dns.add("stranger.example", "MX", "10 client.stranger.example")
    network.dns.add("4.2.0.192.bl.example", "A", "127.0.0.2")
    site.add_user("alice", password="secret")
    site.main.set(
        "smtpd_sasl_auth_enable = yes", "smtpd_sasl_type = dovecot",
        "smtpd_sasl_path = private/auth", "smtpd_hard_error_limit = 3",
        "smtpd_error_sleep_time = 0", "smtpd_helo_required = yes",
        "smtpd_client_restrictions = reject_rbl_client bl.example, "
        "check_client_access inline:{192.0.2.5=REJECT}",
        "smtpd_helo_restrictions = reject_non_fqdn_helo_hostname",
        "smtpd_sender_restrictions = reject_non_fqdn_sender, "
        "reject_unknown_sender_domain",
        "smtpd_data_restrictions = reject_unauth_pipelining")
    site.dovecot_file("conf.d/10-auth.conf").replace(
        r"^auth_mechanisms = plain", "auth_mechanisms = plain login")
    site.dovecot_file("conf.d/10-master.conf").replace(
        r"^service auth \{\n", """service auth {
  unix_listener /var/spool/postfix/private/auth {
    mode = 0666
  }
""")
    site.dovecot_file("conf.d/10-auth.conf").replace(
        r"^!include auth-system.conf.ext",
        "passdb {\n  driver = static\n  args = password=secret\n}")
    site.dovecot_file("local.conf").write(IMPATIENT)
    site.start_dovecot()
    site.start()
    return site


class Stranger:
    """Sessions of a stranger, each from the greeting to its end."""

    def __init__(self, site):
        self.site = site

    def session(self, *commands, source=CLIENT, end="disconnect from"):
        """commands: (line, beginning of the reply), or a line for a 250."""
        mark = self.site.log.mark()
        with self.site.connect_from_outside(source=source) as client:
            for command in commands:
                line, code = (command if isinstance(command, tuple)
                              else (command, "250"))
                client.ask(line, code)
        self.site.wait_for_log(rf"smtpd\[\d+\]: {end}", since=mark)

    def rejected(self, rcpt, code, helo="client.stranger.example",
                 sender="a@stranger.example", **options):
        self.session(f"EHLO {helo}", f"MAIL FROM:<{sender}>",
                     (f"RCPT TO:<{rcpt}>", code), ("QUIT", "221"), **options)


def play(site):
    """Everything that a scanner does."""
    stranger = Stranger(site)
    stranger.rejected("b@elsewhere.example", "454 4.7.1")
    stranger.rejected("ghost@example.com", "550 5.1.1")
    stranger.rejected("alice@example.com", "504 5.5.2", helo="short")
    stranger.rejected("alice@example.com", "504 5.5.2", sender="short")
    stranger.rejected("alice@example.com", "450 4.1.8",
                      sender="a@nowhere.example")
    stranger.rejected("alice@example.com", "554 5.7.1", source=LISTED)
    hello = "EHLO client.stranger.example"
    plain, wrong = "AUTH PLAIN AGFsaWNlAHdyb25n", "535 5.7.8"
    stranger.session(hello, (plain, wrong), ("QUIT", "221"))
    stranger.session(hello, ("AUTH LOGIN", "334"), ("YWxpY2U=", "334"),
                     ("d3Jvbmc=", wrong))
    stranger.session(hello, ("AUTH GSSAPI YQ==", wrong), ("QUIT", "221"))
    stranger.session(hello, ("AUTH PLAIN ====", "5"), ("QUIT", "221"))
    stranger.session(hello, ("AUTH LOGIN", "334"), ("*", "501 5.7.0"))
    stranger.session(hello, ("AUTH LOGIN", "334"))
    stranger.session(("X", "500 5.5.2"), ("Y", "500"), ("Z", "500"), ("Z", "421"),
                     end="too many errors after")
    stranger.session()
    stranger.session(hello)
    stranger.session(hello, "MAIL FROM:<a@stranger.example>")
    stranger.session(hello, "MAIL FROM:<a@stranger.example>",
                     "RCPT TO:<alice@example.com>")
    stranger.session(hello, "MAIL FROM:<a@stranger.example>",
                     "RCPT TO:<alice@example.com>", ("DATA", "354"))
    stranger.session(("GET / HTTP/1.1", "221"))
    pipelined = "\r\n".join([
        "MAIL FROM:<a@stranger.example>", "RCPT TO:<alice@example.com>",
        "DATA", "Subject: too early", "", "."])
    stranger.session("HELO client.stranger.example", (pipelined, "250"))


REJECTED = "postfix/smtpd: NOQUEUE: reject: RCPT from "
HOST = "client.stranger.example[192.0.2.99]"
FROM_A = "from=<a@stranger.example> to="
HELO = "proto=ESMTP helo=<client.stranger.example>"
FAILED = f"postfix/smtpd: warning: {HOST}: SASL"
LISTED_REJECTED = (
    f"{REJECTED}unknown[{LISTED}]: 554 5.7.1 Service unavailable; Client host "
    f"[{LISTED}] blocked using bl.example; {FROM_A}<alice@example.com> {HELO}")
TOO_MANY = f"postfix/smtpd: too many errors after UNKNOWN from {HOST}"
NORMAL = [
    f"{REJECTED}{HOST}: 454 4.7.1 <b@elsewhere.example>: Relay access denied; "
    f"{FROM_A}<b@elsewhere.example> {HELO}",
    f"{REJECTED}{HOST}: 550 5.1.1 <ghost@example.com>: Recipient address "
    "rejected: User unknown in local recipient table; "
    f"{FROM_A}<ghost@example.com> {HELO}",
    f"{REJECTED}{HOST}: 504 5.5.2 <short>: Helo command rejected: need "
    f"fully-qualified hostname; {FROM_A}<alice@example.com> proto=ESMTP "
    "helo=<short>",
    f"{REJECTED}{HOST}: 450 4.1.8 <a@nowhere.example>: Sender address "
    "rejected: Domain not found; from=<a@nowhere.example> "
    f"to=<alice@example.com> {HELO}",
    LISTED_REJECTED,
    TOO_MANY,
    f"postfix/smtpd: improper command pipelining after MAIL from {HOST}: "
    r"RCPT TO:<alice@example.com>\r\nDATA\r\nSubject: too early\r\n\r\n.\r\n",
]
AUTH = [
    f"{FAILED} PLAIN authentication failed: (reason unavailable), "
    "sasl_username=alice",
    f"{FAILED} LOGIN authentication failed: (reason unavailable), "
    "sasl_username=alice",
    f"{FAILED} PLAIN authentication failed: Invalid base64 data in initial "
    "response, sasl_username=(unavailable)",
]
LOST = f"postfix/smtpd: lost connection after {{}} from {HOST}"
LEFT = f"postfix/smtpd: disconnect from {HOST} ehlo=1 auth=0/1 {{}}"
DDOS = [LOST.format(verb) for verb in (
    "AUTH", "AUTH", "AUTH", "CONNECT", "EHLO", "MAIL", "RCPT")] + [
    LEFT.format("quit=1 commands=2/3")] * 3 + [
    LEFT.format("commands=1/2")] * 3
EXPECTED = {"normal": NORMAL, "more": NORMAL, "auth": AUTH, "ddos": DDOS,
            "rbl": [LISTED_REJECTED], "errors": [TOO_MANY],
            "extra": NORMAL + AUTH, "aggressive": NORMAL + AUTH + DDOS}


def test_every_mode_of_the_filter_sees_what_it_shall(strict):
    play(strict)
    for mode, expected in EXPECTED.items():
        seen = fail2ban.matches(strict.log.lines, mode, strict.dir)
        assert sorted(line for _, line in seen) == sorted(expected), mode
        assert all(address == (LISTED if line == LISTED_REJECTED else CLIENT)
                   for address, line in seen)
