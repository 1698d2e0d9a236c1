"""Steps of the how-to that more than one test takes, as its reader types them;
and a look at mailboxes by every port and mechanism."""

import base64
import os
import re

from postcote import dovecot, mailclient

PASSWORD = dovecot.PASSWORD
KEYS = "/etc/opendkim/keys"
SASL = ["smtpd_sasl_auth_enable = yes", "smtpd_tls_auth_only = yes",
        "smtpd_sasl_security_options = noanonymous",
        "smtpd_sasl_type = dovecot", "smtpd_sasl_path = private/auth"]
MILTERS = ["milter_default_action = accept", "milter_protocol = 2",
           "smtpd_milters = inet:localhost:8891",
           "non_smtpd_milters = inet:localhost:8891"]
AUTH_LISTENER = """\
  unix_listener /var/spool/postfix/private/auth {
    mode = 0666
    user = postfix
    group = postfix
  }
"""
LMTP_LISTENER = """\
  unix_listener /var/spool/postfix/private/dovecot-lmtp {
    mode = 0600
    user = postfix
    group = postfix
  }
"""


def dkim(site, network, domain="example.com"):
    """Section 2: a key, its record in DNS, the filter's and main.cf's lines."""
    os.makedirs(site.etc + KEYS.removeprefix("/etc"), exist_ok=True)
    site.run("sh", "-c", f"cd {KEYS} && opendkim-genkey -b 1024 -s mail "
             f"-d {domain} && chown -R opendkim:opendkim /etc/opendkim")
    with open(f"{site.etc}/opendkim/keys/mail.txt") as f:
        record = "".join(re.findall(r'"([^"]*)"', f.read()))
    network.dns.set(f"mail._domainkey.{domain}", "TXT", record)
    site.opendkim.append(f"Domain {domain}\nKeyFile {KEYS}/mail.private\n"
                         "Selector mail\nSocket inet:8891@localhost\n")
    site.main.set(*MILTERS)
    return record


def submission(site):
    """Section 3: ports 587 and 465, passwords by Dovecot, a certificate."""
    site.master.uncomment("submission inet n")
    site.master.uncomment("submissions inet n")
    site.master.replace(r"^(submissions +inet.*)$",
                        r"\1\n  -o smtpd_tls_wrappermode=yes")
    cert, key = site.certificate(site.name)
    site.main.set(*SASL, "smtpd_tls_security_level = may",
                  f"smtpd_tls_cert_file = {cert}",
                  f"smtpd_tls_key_file = {key}")


def mail_server(site, location=None):
    """Section 4: the edits under /etc/dovecot; location: mail_location."""
    auth = site.dovecot_file("conf.d/10-auth.conf")
    auth.replace(r"^#disable_plaintext_auth = yes",
                 "disable_plaintext_auth = no")
    auth.replace(r"^auth_mechanisms = plain", "auth_mechanisms = plain login")
    cert, key = site.certificate(site.name)
    tls = site.dovecot_file("conf.d/10-ssl.conf")
    tls.replace(r"^ssl_cert = .*", f"ssl_cert = <{cert}")
    tls.replace(r"^ssl_key = .*", f"ssl_key = <{key}")
    master = site.dovecot_file("conf.d/10-master.conf")
    master.replace(r"^service auth \{\n", "service auth {\n" + AUTH_LISTENER)
    master.replace(r"^service lmtp \{\n", "service lmtp {\n" + LMTP_LISTENER)
    if location:
        site.dovecot_file("conf.d/10-mail.conf").replace(
            r"^mail_location = .*", f"mail_location = {location}")


def _encoded(text):
    return base64.b64encode(text.encode()).decode()


def read_by_imap(site, tls, mechanism, user):
    """The text of the only message in the user's INBOX."""
    client = dovecot.imap(site, tls=tls)
    answers = iter([user, PASSWORD])
    if mechanism == "PLAIN":
        client.authenticate(
            "PLAIN", lambda _: f"\0{user}\0{PASSWORD}".encode())
    else:
        client.authenticate("LOGIN", lambda _: next(answers).encode())
    assert client.select("INBOX", readonly=True)[1] == [b"1"]
    text = client.fetch("1", "(BODY.PEEK[])")[1][0][1]
    client.logout()
    return text


def read_by_pop3(site, tls, mechanism, user):
    """The same by POP3, with the server's replies around it."""
    socket = site.space.connect("127.0.0.1", 995 if tls else 110)
    socket = mailclient.wrap(socket) if tls else socket
    mailclient.until(socket, b"ready.\r\n")
    if mechanism == "PLAIN":
        secret = _encoded(f"\0{user}\0{PASSWORD}")
        said = f"AUTH PLAIN {secret}\r\n"
    else:
        for line in ("AUTH LOGIN", _encoded(user)):
            socket.sendall(line.encode() + b"\r\n")
            mailclient.until(socket, b"\r\n")
        said = f"{_encoded(PASSWORD)}\r\n"
    text = mailclient.ask(socket, said + "RETR 1\r\nQUIT\r\n")
    socket.close()
    return text


def read_everywhere(site, user="alice", subject=b"hello"):
    """By 143, 993, 110 and 995, with PLAIN and LOGIN: the one message."""
    for tls in (False, True):
        for mechanism in ("PLAIN", "LOGIN"):
            for read in (read_by_imap, read_by_pop3):
                text = read(site, tls, mechanism, user)
                assert b"\r\nSubject: " + subject + b"\r\n" in text, text
    for service in ("imap", "pop3"):
        for mechanism in ("PLAIN", "LOGIN"):
            for how in ("TLS", "secured"):
                site.wait_for_log(
                    rf"dovecot: {service}-login: Login: user=<{user}>, "
                    rf"method={mechanism}, rip=127.0.0.1, lip=127.0.0.1, "
                    rf"mpid=\d+, {how}, session=")
