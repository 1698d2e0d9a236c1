"""doveadm's commands for mailboxes beside a client that is connected."""

import pytest
from postcote import dovecot


@pytest.fixture
def mail(suite, new_site):
    site = dovecot.dovecot_site(new_site, suite,
                                conf="disable_plaintext_auth = no\n"
                                "mail_location = maildir:~/Maildir\n")
    site.start_dovecot()
    return site


def heard(client, kind):
    """The number in the client's next untagged line of the kind."""
    client.noop()
    values = client.response(kind)[1]
    return [int(v) for v in values if v]


def test_a_client_hears_of_what_doveadm_does(mail):
    client = dovecot.imap(mail)
    assert client.login("alice", dovecot.PASSWORD)[0] == "OK"
    client.select("INBOX")
    client.response("EXISTS")
    mail.run("doveadm", "save", "-u", "alice", input="Subject: one\n\nx\n")
    mail.run("doveadm", "save", "-u", "alice", input="Subject: two\n\ny\n")
    assert heard(client, "EXISTS")[-1:] == [2]
    assert mail.run("doveadm", "-f", "flow", "fetch", "-u", "alice",
                    "hdr.subject uid", "mailbox", "INBOX", "ALL"
                    ).stdout.splitlines() == [
        "hdr.subject=one uid=1", "hdr.subject=two uid=2"]
    mail.run("doveadm", "flags", "add", "-u", "alice", "\\Seen",
             "mailbox", "INBOX", "uid", "2")
    client.noop()
    assert b"\\Seen" in client.uid("FETCH", "2", "FLAGS")[1][-1]
    mail.run("doveadm", "mailbox", "create", "-u", "alice", "Old")
    mail.run("doveadm", "move", "-u", "alice", "Old", "mailbox", "INBOX",
             "subject", "one")
    assert heard(client, "EXPUNGE") == [1]
    assert mail.run("doveadm", "-f", "tab", "mailbox", "status", "-u", "alice",
                    "messages", "INBOX", "Old").stdout.splitlines() == [
        "mailbox\tmessages", "Old\t1", "INBOX\t1"]
    mail.run("doveadm", "expunge", "-u", "alice", "mailbox", "Old", "all")
    assert mail.run("doveadm", "search", "-u", "alice", "mailbox", "Old",
                    "all").stdout == ""
    client.logout()


def test_all_users(mail):
    """-A asks userdb for them; each one's files are made with his ids."""
    mail.run("doveadm", "save", "-u", "alice", input="Subject: a\n\nx\n")
    mail.run("doveadm", "save", "-u", "bob", input="Subject: b\n\nx\n")
    lines = mail.run("doveadm", "-f", "tab", "fetch", "-A", "user hdr.subject",
                     "all", check=False).stdout.splitlines()
    assert lines == ["Username\tuser\thdr.subject", "alice\talice\ta",
                     "bob\tbob\tb"]
    for user in ("alice", "bob"):
        owners = mail.run("find", f"/home/{user}/Maildir", "!", "-user",
                          user).stdout
        assert owners == ""
    done = mail.run("doveadm", "search", "-u", "nobody-here", "all",
                    check=False)
    assert done.returncode == 67 and "User doesn't exist" in done.stderr
