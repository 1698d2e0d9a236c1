"""A user of Debian's default mailboxes (mbox in /var/mail) who never got any
mail: mail_privileged_group makes the file for whoever needs it first."""

import pytest
from postcote import dovecot

TEXT = "From: a@x.example\nSubject: one\n\nx\n"


@pytest.fixture
def mail(suite, new_site):
    site = dovecot.dovecot_site(
        new_site, suite, conf="disable_plaintext_auth = no\n"
        "mail_location = mbox:~/mail:INBOX=/var/mail/%u\n")
    site.start_dovecot()
    site.run("rm", "-f", "/var/mail/alice")
    return site


def by_imap(site):
    client = dovecot.imap(site)
    client.login("alice", dovecot.PASSWORD)
    assert client.select("INBOX") == ("OK", [b"0"])
    assert client.append("INBOX", None, None, TEXT.encode())[0] == "OK"
    client.logout()


def by_pop3(site):
    client = dovecot.pop3(site)
    client.user("alice")
    client.pass_(dovecot.PASSWORD)
    assert client.stat() == (0, 0)
    client.quit()


def by_lda(site):
    site.run("/usr/lib/dovecot/dovecot-lda", "-d", "alice", input=TEXT)


def by_doveadm(site):
    done = site.run("doveadm", "search", "-u", "alice", "all")
    assert (done.stdout, done.stderr) == ("", "")


@pytest.mark.parametrize("way", [by_imap, by_pop3, by_lda, by_doveadm])
def test_the_spool_is_made(mail, way):
    way(mail)
    mail.run("/usr/lib/dovecot/dovecot-lda", "-d", "alice", input=TEXT)
    assert mail.run("stat", "-c", "%a %U %G", "/var/mail/alice"
                    ).stdout == "600 alice mail\n"
    client = dovecot.imap(mail)
    client.login("alice", dovecot.PASSWORD)
    count = int(client.select("INBOX")[1][0])
    assert count == (2 if way in (by_imap, by_lda) else 1)
    client.logout()
    # All see one mailbox, with a name of its own.
    lines = mail.run("doveadm", "search", "-u", "alice", "all"
                     ).stdout.splitlines()
    names = {line.split()[0] for line in lines}
    assert len(lines) == count and len(names) == 1
    assert len(names.pop()) == 32
