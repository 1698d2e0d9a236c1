"""The how-to's fourth part: system users read their mail over IMAP and POP3,
wherever it lies, and Postfix delivers by LMTP."""

import base64

import pytest
from postcote import dovecot, mailclient, tree
from postcote.mailboxes import header

AUTH = {"conf.d/10-auth.conf": lambda editor: (
    editor.replace(r"^#disable_plaintext_auth = yes",
                   "disable_plaintext_auth = no"),
    editor.replace(r"^auth_mechanisms = plain", "auth_mechanisms = plain login"))}
LISTENER = """\
service lmtp {
  unix_listener /var/spool/postfix/private/dovecot-lmtp {
    mode = 0600
    user = postfix
    group = postfix
  }
}
"""
MESSAGE = "Subject: hello\n\nHow are you?\n"
PASSWORD = dovecot.PASSWORD


@pytest.fixture
def mail(suite, new_site):
    def make(conf, postfix="debian", maildir=False, **options):
        reason = tree.why_not(postfix)
        if reason:
            pytest.skip(f"{postfix}: {reason}")
        site = dovecot.dovecot_site(new_site, suite, conf=LISTENER + conf,
                                    edits=AUTH, maildir=maildir,
                                    postfix=postfix, **options)
        cert, key = site.certificate("mx.example.com")
        with open(f"{site.etc}/dovecot/local.conf", "a") as f:
            f.write(f"ssl = yes\nssl_cert = <{cert}\nssl_key = <{key}\n")
        site.run("usermod", "-a", "-G", "mail", "alice", check=False)
        return site
    return make


def encoded(text):
    return base64.b64encode(text.encode()).decode()


def read_everywhere(site, user="alice", subject=b"hello"):
    """By each port and each mechanism: the one message of the user."""
    for tls in (False, True):
        client = dovecot.imap(site, tls=tls)
        client.login(user, PASSWORD)
        assert client.select("INBOX", readonly=True)[1] == [b"1"]
        got = client.fetch("1", "(BODY.PEEK[])")[1][0][1]
        assert b"Subject: " + subject in got
        client.logout()
        socket = site.space.connect("127.0.0.1", 995 if tls else 110)
        socket = mailclient.wrap(socket) if tls else socket
        mailclient.until(socket, b"ready.\r\n")
        socket.sendall(b"AUTH LOGIN\r\n")
        mailclient.until(socket, b"\r\n")
        socket.sendall(encoded(user).encode() + b"\r\n")
        mailclient.until(socket, b"\r\n")
        got = mailclient.ask(
            socket, f"{encoded(PASSWORD)}\r\nRETR 1\r\nQUIT\r\n")
        assert b"Subject: " + subject in got, got
        socket.close()
    site.wait_for_log(rf"imap-login: Login: user=<{user}>, method=PLAIN, .*TLS")
    site.wait_for_log(rf"pop3-login: Login: user=<{user}>, method=LOGIN, .*TLS")


def test_mbox_as_debian_has_it(mail):
    site = mail("")
    site.start_dovecot()
    site.start()
    site.send("alice@example.com", text=MESSAGE)
    site.wait_for_mbox("alice")
    try:
        read_everywhere(site)
    except AssertionError:
        if site.log.grep("mbox mailboxes cannot be opened yet"):
            pytest.skip("ours reads no mbox yet")
        raise


def test_maildir_in_the_home_directory(mail):
    site = mail("", maildir=True)
    site.main.set("home_mailbox = Maildir/")
    site.start_dovecot()
    site.start()
    site.send("alice@example.com", text=MESSAGE)
    site.wait_for_log(r"local\[\d+\]: \w+: to=<alice@example.com>.*status=sent")
    read_everywhere(site)


@pytest.mark.parametrize("postfix", ["debian", "ours"])
def test_lmtp_to_maildir(mail, postfix):
    site = mail("protocol lmtp {\n  auth_username_format = %Ln\n}\n", postfix,
                maildir=True)
    site.main.set("mailbox_transport = lmtp:unix:private/dovecot-lmtp")
    site.start_dovecot()
    site.start()
    site.send("alice@example.com", text=MESSAGE)
    site.wait_for_log(r"lmtp\[\d+\]: \w+: to=<alice@example.com>, relay=mx."
                      r"example.com\[private/dovecot-lmtp\], .*dsn=2.0.0, "
                      r"status=sent \(250 2.0.0 <alice@example.com> \S+ Saved\)")
    [text] = site.maildir("alice")
    assert header(text, "Delivered-To") == "alice@example.com"
    read_everywhere(site)


def test_virtual_users_under_vhosts(mail):
    site = mail(
        "mail_location = maildir:/var/mail/vhosts/%d/%n\n"
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
    site.start_dovecot()
    site.start()
    site.send("info@virtual.example", text=MESSAGE)
    site.wait_for_log(r"to=<info@virtual.example>, .*status=sent")
    read_everywhere(site, "info@virtual.example")
