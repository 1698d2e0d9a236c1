"""Real clients of Debian's packages: mbsync, mutt, fetchmail, curl."""

import os
import pty
import select
import shutil
import subprocess
import time

import pytest
from postcote import dovecot
from postcote.mailboxes import header

CONF = "disable_plaintext_auth = no\n"
MAIL = "From: bob@example.com\nSubject: {0}\nMessage-ID: <{0}@x>\n\nText {0}.\n"


@pytest.fixture
def mail(suite, new_site):
    site = dovecot.dovecot_site(new_site, suite, conf=CONF)
    return site.start_dovecot()


def need(program):
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed")


def fill(site, count=3):
    client = dovecot.imap(site)
    client.login("alice", dovecot.PASSWORD)
    for i in range(count):
        text = MAIL.format(f"m{i}").replace("\n", "\r\n").encode()
        assert client.append("INBOX", None, None, text)[0] == "OK"
    return client


def put(site, path, text, user="bob"):
    """A file inside the site that belongs to a user."""
    site.run("sh", "-c", f"cat > {path} && chown {user}: {path} && "
             f"chmod 600 {path}", input=text)


def test_curl(mail):
    need("curl")
    fill(mail)
    base = ["curl", "-s", "-u", f"alice:{dovecot.PASSWORD}"]
    url = "imap://127.0.0.1"
    assert "* LIST" in mail.run(*base, url + "/").stdout
    got = mail.run(*base, url + "/INBOX;UID=2").stdout
    assert "Subject: m1\r\n" in got and "Text m1." in got
    got = mail.run(*base, url + "/INBOX", "-X", "SEARCH SUBJECT m2").stdout
    assert "* SEARCH 3" in got
    put(mail, "/tmp/upload", MAIL.format("up").replace("\n", "\r\n"), "root")
    mail.run(*base, "-T", "/tmp/upload", url + "/INBOX")
    assert "m" in mail.run(*base, url + "/INBOX;UID=4").stdout


def test_fetchmail(mail):
    need("fetchmail")
    fill(mail)
    put(mail, "/home/bob/.fetchmailrc",
        'poll 127.0.0.1 protocol imap username "alice" password '
        f'"{dovecot.PASSWORD}" no sslcertck sslproto "" keep '
        'mda "cat >> /home/bob/got"\n')
    mail.run("fetchmail", "-f", "/home/bob/.fetchmailrc", "--nosyslog",
             user="bob", env={"HOME": "/home/bob"})
    got = mail.run("cat", "/home/bob/got").stdout
    for i in range(3):
        assert f"Text m{i}." in got


def sync(mail):
    return mail.run("mbsync", "-c", "/home/bob/.mbsyncrc", "-a", user="bob",
                    env={"HOME": "/home/bob"})


def test_mbsync_both_ways(mail):
    need("mbsync")
    client = fill(mail)
    client.create("Work.sub")
    put(mail, "/home/bob/.mbsyncrc", f"""
IMAPStore far
Host 127.0.0.1
User alice
Pass {dovecot.PASSWORD}
SSLType None

MaildirStore near
Path ~/copy/
Inbox ~/copy/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Expunge Both
SyncState *
""")
    mail.run("mkdir", "/home/bob/copy", user="bob")
    sync(mail)
    files = mail.run("find", "/home/bob/copy/INBOX", "-type", "f").stdout
    assert sum(",U=" in name for name in files.split()) == 3
    # A flag there, a deletion here, a message there: all meet.
    client.select()
    client.store("1", "+FLAGS", "(\\Flagged)")
    client.store("2", "+FLAGS", "(\\Deleted)")
    client.expunge()
    put(mail, "/home/bob/copy/INBOX/new/1790000001.M1P1.x", MAIL.format("near"))
    sync(mail)
    assert client.noop()[0] == "OK"
    found = client.search(None, "SUBJECT", "near")[1]
    assert found == [b"3"]
    files = mail.run("find", "/home/bob/copy/INBOX", "-type", "f").stdout
    assert sum(",U=" in name for name in files.split()) == 3
    assert ":2,F" in files
    # Nothing is left to do.
    before = client.status("INBOX", "(MESSAGES UIDNEXT)")
    sync(mail)
    assert client.status("INBOX", "(MESSAGES UIDNEXT)") == before


def at_terminal(site, argv, user="bob", limit=60):
    """Runs a program on a terminal to its end; what it has shown."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        site.space.enter_argv(argv, user), stdin=theirs, stdout=theirs,
        stderr=theirs, start_new_session=True, cwd="/",
        env={"HOME": f"/home/{user}", "TERM": "vt100", "LANG": "C.UTF-8",
             "PATH": "/usr/bin:/bin", "LOGNAME": user})
    os.close(theirs)
    shown, until = b"", time.monotonic() + limit
    try:
        while time.monotonic() < until:
            if not select.select([ours], [], [], 1)[0]:
                continue
            try:
                shown += os.read(ours, 65536)
            except OSError:  # the last one has closed the terminal
                break
        assert process.wait(5) == 0, shown[-2000:]
    finally:
        process.kill()
        os.close(ours)
    return shown.decode(errors="replace")


def test_mutt(mail):
    need("mutt")
    client = fill(mail)
    put(mail, "/home/bob/.muttrc", f"""
set folder = imap://alice:{dovecot.PASSWORD}@127.0.0.1/
set spoolfile = imap://alice:{dovecot.PASSWORD}@127.0.0.1/INBOX
set ssl_starttls = no
set ssl_force_tls = no
set confirmappend = no
set delete = yes
set mail_check = 5
set quit = yes
""")
    keys = ("push '<tag-pattern>~s m1<enter><tag-prefix><flag-message>"
            "<delete-pattern>~s m2<enter><sync-mailbox>"
            "<quit>'")
    screen = at_terminal(mail, ["mutt", "-F", "/home/bob/.muttrc", "-e", keys])
    assert "m0" in screen
    client.select()
    assert client.search(None, "ALL")[1] == [b"1 2"]
    assert client.search(None, "FLAGGED")[1] == [b"2"]
