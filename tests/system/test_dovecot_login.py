"""Login processes, POP3, LMTP and dovecot-lda of ours, each in Debian's Dovecot
where the rest of ours is not built."""

import os
import re

import pytest
from postcote import dovecot, mailclient, tree
from postcote.mailboxes import header, read_maildir
from postcote.wait import wait_until

LMTP = """\
service lmtp {
  inet_listener lmtp {
    port = 24
  }
}
"""
TLS = "ssl = yes\nssl_cert = <{}\nssl_key = <{}\n"
FAIL2BAN = re.compile(  # the shape of Debian's filter.d/dovecot.conf
    r"dovecot: (?:imap|pop3)-login: (?:Aborted login|Disconnected)"
    r"(?::? [^\(]*)? ?\((?:auth failed, \d+ attempts(?: in \d+ secs)?"
    r"|tried to use (?:disabled|disallowed) \S+ auth)\):(?: user=<[^>]*>,)?"
    r"(?: method=\S+,)? rip=[0-9.]+(?:[^>]*(?:, session=<\S+>)?)\s*$")


@pytest.fixture
def site(suite, new_site):
    return dovecot.dovecot_site(new_site, suite, conf=LMTP)


def with_tls(site):
    cert, key = site.certificate("mx.example.com")
    with open(f"{site.etc}/dovecot/local.conf", "a") as f:
        f.write(TLS.format(cert, key))
    return cert, key


def put(site, user, text, name="new/1700000000.M1P1.mx"):
    path = f"{site.home}/{user}/Maildir/{name}"
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", newline="") as f:
        f.write(text)
    site.run("chown", "-R", f"{user}:{user}", f"/home/{user}")


def test_tls_is_relayed_whole(site):
    with_tls(site)
    text = "Subject: large\n\n" + "0123456789" * 7 * 30000 + "\n"
    put(site, "bob", text)
    site.start_dovecot()
    for start in ("implicit", "stls"):
        socket = site.space.connect("127.0.0.1",
                                    995 if start == "implicit" else 110)
        if start == "stls":
            mailclient.until(socket, b"ready.\r\n")
            socket.sendall(b"STLS\r\n")
            mailclient.until(socket, b"now.\r\n")
        socket = mailclient.wrap(socket)
        got = mailclient.ask(
            socket, "USER bob\r\nPASS secret\r\nRETR 1\r\nQUIT\r\n")
        assert b"+OK Logged in.\r\n" in got
        body = got.split(b" octets\r\n", 1)[1]
        assert body.startswith(text.replace("\n", "\r\n").encode())
        assert got.endswith(b"\r\n.\r\n+OK Logging out.\r\n")
        socket.close()
    site.wait_for_log(r"pop3-login: Login: user=<bob>, method=PLAIN, rip=127"
                      r"\.0\.0\.1, lip=127\.0\.0\.1, mpid=\d+, TLS, session=<")
    site.wait_for_log(r"pop3\(bob\)<\d+><[^>]+>: Disconnected: Logged out "
                      r"top=0/0, retr=1/\d+, del=0/1, size=\d+")


def test_a_renewed_certificate_is_served(site, suite):
    if suite == "debian" or not tree.find_program("ours", "dovecot"):
        pytest.skip("Debian's config service needs a reload")
    with_tls(site)
    site.start_dovecot()

    def served():
        socket = mailclient.wrap(site.space.connect("127.0.0.1", 995))
        der = socket.getpeercert(binary_form=True)
        socket.close()
        return der

    before = served()
    with open(f"{site.dir}/certificates/mx.example.com.key", "a") as f:
        f.write("\n")  # another file, the same key
    assert served() == before
    site.certificate("mx.example.com")
    wait_until("the new certificate", lambda: served() != before, limit=60,
               pause=1)


def test_fail2ban_reads_our_lines(site):
    with_tls(site)
    site.start_dovecot()
    socket = site.network.connect(site.addresses[0], 993)
    socket = mailclient.wrap(socket)
    mailclient.until(socket, b"ready.\r\n")
    got = mailclient.ask(socket, "a LOGIN alice wrong\r\nb LOGOUT\r\n")
    assert got.startswith(b"a NO [AUTHENTICATIONFAILED] Authentication failed.")
    line = site.wait_for_log(r"imap-login: .*auth failed, 1 attempts in")
    socket = site.network.connect(site.addresses[0], 110)
    mailclient.ask(socket, "USER alice\r\nQUIT\r\n")
    site.wait_for_log(r"pop3-login: .*tried to use disallowed plaintext auth")
    lines = site.log.grep(r"-login: .*Aborted login by logging out")
    assert len(lines) == 2
    for line in lines:
        assert FAIL2BAN.search(line), line


def test_connections_of_one_user_are_limited(site):
    with open(f"{site.etc}/dovecot/local.conf", "a") as f:
        f.write("mail_max_userip_connections = 2\n")
    site.start_dovecot()
    held = []
    for _ in range(2):
        client = dovecot.pop3(site)
        client.user("bob")
        client.pass_(dovecot.PASSWORD)
        held.append(client)
    client = dovecot.pop3(site)
    client.user("bob")
    with pytest.raises(Exception, match=r"-ERR \[IN-USE\] Maximum number of "
                       r"connections from user\+IP exceeded "
                       r"\(mail_max_userip_connections=2\)"):
        client.pass_(dovecot.PASSWORD)
    site.wait_for_log(
        r"pop3-login: Disconnected: Maximum number of connections from user\+IP"
        r" exceeded \(mail_max_userip_connections=2\): user=<bob>, method=PLAIN")
    held.pop().quit()

    def admitted():
        again = dovecot.pop3(site)
        again.user("bob")
        try:
            again.pass_(dovecot.PASSWORD)
        except Exception:  # not yet
            return None
        return again
    wait_until("a place", admitted)


def test_lmtp_delivers_and_pop3_reads_back(site):
    site.start_dovecot()
    with dovecot.lmtp(site) as client:
        client.ask("LHLO client.example", "250")
        client.ask("MAIL FROM:<sender@elsewhere.example>", "250 2.1.0 OK")
        client.ask("RCPT TO:<alice>", "250 2.1.5 OK")
        client.ask("RCPT TO:<bob>", "250 2.1.5 OK")
        client.ask("DATA", "354 OK")
        client.socket.sendall(b"Subject: hi\r\nMessage-ID: <m@x>\r\n\r\n"
                              b"..dot\r\n" + b"x" * 70 + b"\r\n" * 5000)
        client.ask(".", "250 2.0.0 <alice> ")
        client.expect("250 2.0.0 <bob> ")
        client.ask("QUIT", "221 2.0.0 Bye")
    site.wait_for_log(r"lmtp\(bob\)<\d+><\S+:R2>: msgid=<m@x>: saved mail to "
                      r"INBOX")
    [text] = read_maildir(f"{site.home}/bob/Maildir")
    assert header(text, "Return-Path") == "<sender@elsewhere.example>"
    assert "\n.dot\n" in text
    client = dovecot.pop3(site)
    client.user("alice")
    client.pass_(dovecot.PASSWORD)
    lines = client.retr(1)[1]
    assert b"Subject: hi" in lines and b".dot" in lines
    client.quit()


def lda(site, *options, text="Subject: lda\nMessage-ID: <l@x>\n\nHello.\n",
        user=None):
    return site.run("/usr/lib/dovecot/dovecot-lda", *options, input=text,
                    check=False, user=user)


def test_lda_delivers_by_command(site):
    site.start_dovecot()
    done = lda(site, "-d", "bob", text="From a@b Thu\nSubject: one\n\nx\n")
    assert (done.returncode, done.stderr) == (0, "")
    [text] = read_maildir(f"{site.home}/bob/Maildir")
    assert text == "Subject: one\n\nx\n"
    assert lda(site, "-d", "bob", "-m", "nowhere").returncode == 0
    site.wait_for_log(r"lda\(bob\)<\d+><\S+>: msgid=<l@x>: save failed to open "
                      r"mailbox nowhere: Mailbox doesn't exist: nowhere")
    site.wait_for_log(r"lda\(bob\)<\d+><\S+>: msgid=<l@x>: saved mail to INBOX")
    assert lda(site, "-d", "nosuch").returncode == 67
    assert lda(site).returncode == 64
    assert lda(site, "-x").returncode == 64
    assert lda(site, "-d", "bob", "-p", "/nonexistent").returncode == 75
    assert lda(site, "-c", "/nonexistent", "-d", "bob").returncode == 75
    assert len(read_maildir(f"{site.home}/bob/Maildir")) == 2
