"""Quota as how-tos set it: the backends maildir and count, limits for users,
IMAP's QUOTA, refusals of LMTP and dovecot-lda, Postfix's policy service,
doveadm quota. Sizes are so that both backends come to the same."""

import re
import shutil

import pytest
from postcote import dovecot, tree

CONF = """disable_plaintext_auth = no
protocols = imap pop3 lmtp
mail_plugins = quota
protocol imap {
  mail_plugins = $mail_plugins imap_quota
}
service lmtp {
  inet_listener lmtp {
    port = 24
  }
}
service quota-status {
  executable = quota-status -p postfix
  inet_listener {
    port = 12340
  }
  client_limit = 1
}
plugin {
  quota_rule = *:storage=50K:messages=20
  quota_rule2 = Trash:storage=+100%%
  quota_rule3 = Spam:ignore
  quota_status_success = DUNNO
  quota_status_nouser = REJECT nobody
  quota_status_overquota = "552 5.2.2 Mailbox is full"
"""
BACKENDS = {
    "maildir": "  quota = maildir:User quota\n}\n",
    "count": "  quota = count:User quota\n  quota_vsizes = yes\n}\n",
}
FULL = "Quota exceeded (mailbox for user is full)"


@pytest.fixture(params=BACKENDS)
def backend(request):
    return request.param


@pytest.fixture
def mail(new_site, suite, backend):
    site = dovecot.dovecot_site(new_site, suite,
                                conf=CONF + BACKENDS[backend])
    return site.start_dovecot()


def message(size):
    """Of about so many octets."""
    return "Subject: m\n\n" + ("x" * 99 + "\n") * (size // 100)


def login(site, user="alice"):
    client = dovecot.imap(site)
    client.login(user, dovecot.PASSWORD)
    client.select()
    return client


def append(client, size, mailbox="INBOX"):
    kind, text = client.append(mailbox, None, None, message(size).encode())
    return kind if kind == "OK" else text[0].decode().split(" (0")[0]


def usage(client):
    """(kilobytes, messages) of 50 and 20."""
    _, lines = client.getquota('"User quota"')
    found = re.fullmatch(rb'"User quota" \(STORAGE (\d+) 50 MESSAGE (\d+) 20\)',
                         lines[0])
    return int(found[1]), int(found[2])


def deliver(site, size, user="alice"):
    with dovecot.lmtp(site) as client:
        client.ask("LHLO client.example", "250")
        client.ask("MAIL FROM:<a@example.org>", "250")
        client.ask(f"RCPT TO:<{user}>", "250")
        client.ask("DATA", "354")
        client.socket.sendall(message(size).replace("\n", "\r\n").encode())
        client.send(".")
        return client.reply()


def policy(site, recipient, size=0):
    with site.space.connect("127.0.0.1", 12340) as connection:
        connection.sendall(b"request=smtpd_access_policy\n"
                           b"protocol_state=RCPT\nrecipient=%s\nsize=%d\n\n"
                           % (recipient.encode(), size))
        return connection.recv(4096).decode()


def test_what_a_client_is_told(mail):
    client = login(mail)
    assert "QUOTA" in client.capability()[1][0].decode().split()
    kind, (roots, quota) = client.getquotaroot("INBOX")
    assert kind == "OK" and roots == [b'INBOX "User quota"']
    assert quota == [b'"User quota" (STORAGE 0 50 MESSAGE 0 20)']
    assert append(client, 1000) == "OK"
    assert usage(client) == (1, 1)
    assert append(client, 1000) == "OK"
    assert usage(client) == (2, 2)
    kind, text = client.xatom("GETQUOTA", "nosuch")
    assert kind == "NO" and text[0].startswith(b"Quota root doesn't exist")
    client.store("1", "+FLAGS", "\\Deleted")
    client.expunge()
    assert usage(client) == (1, 1)


def test_a_full_mailbox(mail):
    client = login(mail)
    for folder in ("Trash", "Spam", "Other"):
        client.create(folder)
    assert append(client, 45000) == "OK"
    assert append(client, 8000).startswith(f"[OVERQUOTA] {FULL}")
    # A delivery may be the one that goes beyond, by a tenth.
    assert deliver(mail, 20000) == f"552 5.2.2 <alice> {FULL}"
    assert policy(mail, "alice", 20000) == "action=552 5.2.2 Mailbox is full\n\n"
    assert policy(mail, "alice", 6000) == "action=DUNNO\n\n"
    assert deliver(mail, 8000).startswith("250 ")
    assert deliver(mail, 100) == f"552 5.2.2 <alice> {FULL}"
    assert policy(mail, "alice") == "action=552 5.2.2 Mailbox is full\n\n"
    client.noop()
    assert client.copy("2", "Other")[1][0].startswith(
        f"[OVERQUOTA] {FULL}".encode())
    assert client.copy("2", "Trash")[0] == "OK"
    assert client.copy("2", "Spam")[0] == "OK"
    kilobytes, messages = usage(client)
    assert 60 <= kilobytes <= 63 and messages == 3  # Spam's does not count
    typ, _ = client.xatom("MOVE", "2", "Other")
    assert typ == "OK"
    client.store("1:*", "+FLAGS", "\\Deleted")
    client.expunge()
    client.delete("Trash")
    assert usage(client)[1] == 1
    assert deliver(mail, 20000).startswith("250 ")
    mail.wait_for_log(r"save failed to INBOX: Quota exceeded")


def test_who_asks_before_delivery(mail):
    assert policy(mail, "alice") == "action=DUNNO\n\n"
    assert policy(mail, "alice+box") == "action=DUNNO\n\n"
    assert policy(mail, "nosuch") == "action=REJECT nobody\n\n"
    assert policy(mail, "") == "action=DUNNO\n\n"


def test_an_administrator_asks(mail, backend):
    client = login(mail)
    append(client, 45000)
    shown = mail.run("doveadm", "-f", "tab", "quota", "get", "-u", "alice")
    kilobytes = 44 if backend == "maildir" else 45  # with CRLF
    assert shown.stdout == (
        "Quota name\tType\tValue\tLimit\t%\n"
        f"User quota\tSTORAGE\t{kilobytes}\t50\t{kilobytes * 2}\n"
        "User quota\tMESSAGE\t1\t20\t5\n")
    path = f"{mail.home}/alice/Maildir"
    if backend == "maildir":
        with open(f"{path}/maildirsize") as f:
            assert f.read() == "51200S,20C\n0 0\n45012 1\n"
        with open(f"{path}/maildirsize", "w") as f:
            f.write("51200S,20C\n99 99\n")
    mail.run("doveadm", "quota", "recalc", "-u", "alice")
    if backend == "maildir":
        with open(f"{path}/maildirsize") as f:
            assert f.read() == "51200S,20C\n45012 1\n"
    assert usage(client) == (kilobytes, 1)
    saved = mail.run("doveadm", "save", "-u", "alice", input=message(9000),
                     check=False)
    assert saved.returncode == 73 and FULL in saved.stderr


@pytest.mark.parametrize("first,second", [("ours", "debian"),
                                          ("debian", "ours")])
def test_the_file_is_for_both(new_site, first, second):
    """maildirsize as one suite leaves it is what the other goes on with."""
    conf = CONF + BACKENDS["maildir"]
    site = dovecot.dovecot_site(new_site, first, conf=conf)
    site.start_dovecot()
    append(login(site), 30000)
    site.stop_dovecot()
    other = new_site(tree.Tree("debian", dovecot=second))
    other.add_user("alice", dovecot.PASSWORD)
    with open(f"{other.etc}/dovecot/local.conf", "w") as f:
        f.write("mail_location = maildir:~/Maildir\n" + conf)
    shutil.copytree(f"{site.home}/alice", f"{other.home}/alice",
                    dirs_exist_ok=True)
    other.run("chown", "-R", "alice:alice", "/home/alice")
    other.start_dovecot()
    client = login(other)
    assert usage(client) == (30, 1)
    assert append(client, 30000).startswith(f"[OVERQUOTA] {FULL}")
    client.store("1", "+FLAGS", "\\Deleted")
    client.expunge()
    with open(f"{other.home}/alice/Maildir/maildirsize") as f:
        assert f.read() == "51200S,20C\n0 0\n30012 1\n-30012 -1\n"
