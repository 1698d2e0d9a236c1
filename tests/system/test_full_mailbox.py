"""A full disk under the mailboxes: refused for the moment, nothing lost, no
half a message, healed by itself. Debian's passes what is asked of both; what
ours is asked alone, it does better."""

import os
import re

import pytest
from postcote import dovecot
from postcote.disk import Disk
from postcote.mailboxes import maildir_files, read_mbox

SMALL = "Subject: small\n\nHello.\n"
BIG = "Subject: big\n\n" + "All work and no play.\n" * 4000  # 88 kB
CONF = """disable_plaintext_auth = no
protocols = imap pop3 lmtp
service lmtp {
  inet_listener lmtp {
    port = 24
  }
}
"""
INTERNAL = "Internal error occurred. Refer to server log"


class Mail:
    """A site whose mailboxes are on a small disk of their own."""

    def __init__(self, new_site, suite, style):
        self.style = style
        self.site = dovecot.dovecot_site(new_site, suite, conf=CONF,
                                         maildir=style == "maildir")
        self.disks = [Disk(self.site, "/home", "1m")]
        if style == "mbox":
            self.disks.append(Disk(self.site, "/var/mail", "1m"))
            self.site.run("sh", "-ec", """
                chgrp mail /var/mail; chmod 2775 /var/mail; cd /var/mail
                for user in alice bob; do
                    touch $user; chown $user:mail $user; chmod 660 $user
                done""")
        self.site.start_dovecot()

    def fill(self, leave=0):
        for disk in self.disks:
            disk.fill(leave)

    def clear(self):
        for disk in self.disks:
            disk.clear()

    def deliver(self, text, user="alice"):
        """The reply to the end of the message."""
        with dovecot.lmtp(self.site) as client:
            client.ask("LHLO client.example", "250")
            client.ask("MAIL FROM:<a@example.org>", "250")
            client.ask(f"RCPT TO:<{user}>", "250")
            client.ask("DATA", "354")
            client.socket.sendall(text.replace("\n", "\r\n").encode())
            client.send(".")
            return client.reply()

    def imap(self, user="alice"):
        client = dovecot.imap(self.site)
        client.login(user, dovecot.PASSWORD)
        return client

    def pop3(self, user="alice"):
        client = dovecot.pop3(self.site)
        client.user(user)
        client.pass_(dovecot.PASSWORD)
        return client

    def sizes(self):
        """Of all that is in alice's INBOX."""
        inside = self.disks[-1].inside
        if self.style == "mbox":
            return [len(text) for text in read_mbox(f"{inside}/alice")]
        path = f"{inside}/alice/Maildir"
        assert os.listdir(f"{path}/tmp") == []
        return sorted(os.stat(file).st_size for file in maildir_files(path))


@pytest.fixture(params=["maildir", "mbox"])
def style(request):
    return request.param


def uids(client):
    _, lines = client.uid("FETCH", "1:*", "(UID)")
    return [int(re.search(rb"UID (\d+)", line)[1]) for line in lines if line]


def refused(answer):
    kind, text = answer
    return kind == "NO" and text[0].startswith(
        f"[SERVERBUG] {INTERNAL}".encode())


def test_what_does_not_fit_is_refused(new_site, suite, style):
    mail = Mail(new_site, suite, style)
    for _ in range(3):
        assert mail.deliver(SMALL).startswith("250 ")
    client = mail.imap()
    client.select()
    before = mail.sizes()
    mail.fill(leave=20000)
    assert mail.deliver(BIG).startswith(f"451 4.2.0 <alice> {INTERNAL}")
    assert refused(client.append("INBOX", None, None, BIG.encode()))
    assert mail.sizes() == before
    mail.site.wait_for_log("No space left on device")
    client.noop()
    assert uids(client) == [1, 2, 3]
    mail.clear()
    assert mail.deliver(BIG).startswith("250 ")
    assert client.append("INBOX", None, None, BIG.encode())[0] == "OK"
    client.noop()
    assert uids(client) == [1, 2, 3, 4, 5]
    assert [size for size in mail.sizes()[-2:] if size < 88000] == []


def test_what_has_no_room_at_all_is_refused(new_site, suite, style):
    """A new folder's subscription, a first login, a delivery to who never
    had mail."""
    mail = Mail(new_site, suite, style)
    assert mail.deliver(SMALL).startswith("250 ")
    client = mail.imap()
    client.create("Sent")
    mail.fill()
    assert refused(client.subscribe("Sent"))
    assert mail.deliver(BIG, "bob").startswith("451 4.2.0 <bob> ")
    assert client.lsub()[1] == [None]
    mail.clear()
    assert client.subscribe("Sent")[0] == "OK"
    assert mail.deliver(BIG, "bob").startswith("250 ")
    other = mail.imap("bob")
    assert other.select()[1] == [b"1"]


def test_mail_is_read_and_deleted_on_a_full_disk(new_site, style):
    """Or it would stay full. Debian's forgets uids here."""
    mail = Mail(new_site, "ours", style)
    for _ in range(5):
        assert mail.deliver(SMALL).startswith("250 ")
    client = mail.imap()
    client.select()
    mail.fill()
    assert client.store("1", "+FLAGS", "\\Seen")[0] == "OK"
    drop = mail.pop3()
    assert drop.stat()[0] == 5
    drop.dele(2)
    assert drop.quit().startswith(b"+OK Logging out, messages deleted")
    client.noop()
    assert uids(client) == [1, 3, 4, 5]
    client.store("1", "+FLAGS", "\\Deleted")
    assert client.expunge()[0] == "OK"
    assert uids(client) == [3, 4, 5]
    again = mail.imap()
    assert again.select()[1] == [b"3"] and uids(again) == [3, 4, 5]
    assert len(mail.sizes()) == 3
    mail.clear()
    assert mail.deliver(BIG).startswith("250 ")
    client.noop()
    assert uids(client) == uids(again.noop() and again) == [3, 4, 5, 6]
    assert mail.imap().select()[1] == [b"4"]
    assert not mail.site.log.grep("Panic:|killed with signal")


def test_a_first_login_on_a_full_disk(new_site, style):
    mail = Mail(new_site, "ours", style)
    assert mail.deliver(SMALL).startswith("250 ")
    mail.fill()
    client = mail.imap()
    answer = client.select()
    if answer[0] != "OK":
        assert refused(answer)
    mail.clear()
    assert client.select() == ("OK", [b"1"])
    assert uids(client) == [1]
    assert not mail.site.log.grep("Panic:|killed with signal")
