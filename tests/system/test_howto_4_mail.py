"""The how-to's fourth part: system users read their mail by IMAP and POP3,
wherever it lies; Postfix asks Dovecot for passwords and delivers by LMTP."""

import pytest
from postcote import dovecot, howto, tree
from postcote.mailboxes import header
from postcote.sink import Sink

MESSAGE = "Subject: hello\n\nHow are you?\n"
PASSWORD = dovecot.PASSWORD
MUA, PEER = "192.0.2.98", "192.0.2.80"


@pytest.fixture(params=["ours", "debian"])
def mail(suite, new_site, request):
    """suite is Dovecot's; the parameter is Postfix's."""
    postfix = request.param
    reason = tree.why_not(postfix)
    if reason:
        pytest.skip(f"{postfix}: {reason}")

    def make(location=None, conf=""):
        site = dovecot.dovecot_site(new_site, suite, conf=conf,
                                    maildir=False, postfix=postfix)
        howto.mail_server(site, location)
        howto.submission(site)
        site.run("usermod", "-a", "-G", "mail", "alice")
        return site
    return make


def start(site):
    site.start_dovecot()
    site.start()
    return site


def test_mbox_as_debian_has_it(mail):
    site = start(mail())
    site.send("alice@example.com", text=MESSAGE)
    site.wait_for_mbox("alice")
    howto.read_everywhere(site)


def test_maildir_in_the_home_directory(mail):
    site = mail("maildir:~/Maildir")
    site.main.set("home_mailbox = Maildir/")
    start(site)
    site.send("alice@example.com", text=MESSAGE)
    site.wait_for_log(r"local\[\d+\]: \w+: to=<alice@example.com>.*status=sent")
    howto.read_everywhere(site)


def test_lmtp_to_maildir(mail):
    site = mail("maildir:~/Maildir",
                "protocol lmtp {\n  auth_username_format = %Ln\n}\n")
    site.main.set("mailbox_transport = lmtp:unix:private/dovecot-lmtp")
    start(site)
    site.send("alice@example.com", text=MESSAGE)
    site.wait_for_log(r"lmtp\[\d+\]: \w+: to=<alice@example.com>, relay=mx."
                      r"example.com\[private/dovecot-lmtp\], .*dsn=2.0.0, "
                      r"status=sent \(250 2.0.0 <alice@example.com> \S+ Saved\)")
    [text] = site.maildir("alice")
    assert header(text, "Delivered-To") == "alice@example.com"
    howto.read_everywhere(site)


def test_virtual_users_under_vhosts(mail):
    site = mail(
        "maildir:/var/mail/vhosts/%d/%n",
        "passdb {\n  driver = passwd-file\n"
        "  args = scheme=PLAIN /etc/dovecot/users\n}\n"
        "userdb {\n  driver = static\n  args = uid=vmail gid=vmail "
        "home=/var/mail/vhosts/%d/%n\n}\n")
    site.dovecot_file("conf.d/10-auth.conf").replace(
        r"^!include auth-system", "#!include auth-system")
    with open(f"{site.etc}/dovecot/users", "w") as f:
        f.write(f"info@virtual.example:{PASSWORD}\n")
    site.run("install", "-d", "-o", "vmail", "-g", "vmail", "/var/mail/vhosts")
    site.main.set("virtual_mailbox_domains = virtual.example",
                  "virtual_transport = lmtp:unix:private/dovecot-lmtp")
    start(site)
    site.send("info@virtual.example", text=MESSAGE)
    site.wait_for_log(r"to=<info@virtual.example>, .*status=sent")
    howto.read_everywhere(site, "info@virtual.example")


@pytest.mark.parametrize("port", [25, 587])
def test_swaks_in_and_read_by_imap_and_pop3(mail, port):
    """The whole road: SMTP, queue, LMTP, Maildir, IMAP and POP3."""
    site = mail("maildir:~/Maildir",
                "protocol lmtp {\n  auth_username_format = %Ln\n}\n")
    site.main.set("mailbox_transport = lmtp:unix:private/dovecot-lmtp")
    start(site)
    site.swaks("--port", str(port), "--from", "bob@example.com", "--to",
               "alice@example.com", "--header", "Subject: hello", "--tls",
               *(("--auth", "PLAIN", "--auth-user", "bob", "--auth-password",
                  PASSWORD) if port == 587 else ()))
    site.wait_for_log(r"to=<alice@example.com>, .*status=sent .*Saved\)")
    site.wait_for_log(r"dovecot: lmtp\(alice\S*\)<\d+><\S+>: msgid=<\S+>: "
                      r"saved mail to INBOX")
    howto.read_everywhere(site)


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_passwords_for_submission(mail, network, mechanism):
    site = start(mail())
    network.dns.add("elsewhere.example", "MX", "10 mx.elsewhere.example")
    network.dns.host("mx.elsewhere.example", network.add_address(PEER))
    network.add_address(MUA)
    sink = Sink(network.listen(PEER, 25))
    try:
        for port in (25, 587, 465):
            with site.connect_from_outside(port, tls=port == 465,
                                           source=MUA) as client:
                client.ask("EHLO laptop")
                if port != 465:
                    client.starttls()
                    client.ask("EHLO laptop")
                login = {"PLAIN": client.auth_plain,
                         "LOGIN": client.auth_login}[mechanism]
                login("alice", PASSWORD)
                client.deliver("alice@example.com", ["b@elsewhere.example"])
            assert "with ESMTPSA id" in sink.wait_for().text
    finally:
        sink.close()
    assert len(site.log.grep(rf"sasl_method={mechanism}, sasl_username=alice")
               ) == 3
