"""doveadm's mail commands: the same lines in ours and in Debian's, on equal
trees of mailboxes, say and do the same."""

import os
import re
import shlex
import shutil
import subprocess

import pytest
from postcote import dovecot, tree

HERE = os.path.dirname(__file__)
PLAIN = """\
From: Alice <alice@example.com>
To: bob@example.com
Subject: hello world
Date: Tue, 24 Nov 2020 10:00:00 +0100
Message-ID: <1@x>

Hello there.
Second line.
"""
MIME = """\
From: =?utf-8?q?J=C3=B6rg?= <joerg@example.com>
To: alice@example.com, bob@example.com
Subject: =?utf-8?b?R3LDvMOfZQ==?=
Date: Wed, 25 Nov 2020 10:00:00 +0000
Message-ID: <2@x>
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary=b

preamble
--b
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

gr=FC=DFe
--b
Content-Type: text/html; charset=utf-8

<p>hi "there"</p>
--b--
"""
BARE = "Subject: bare\n\nno date, tab\there\n"
ODD = "From: x@y\nSubject: one\n two\nX-Test: a\nX-Test: b\n\nback \\ slash\n"
MESSAGES = [(PLAIN, "S"), (MIME, "FS"), (BARE, ""), (ODD, "RT")]
DAY = 86400


def seed_maildir(site):
    for folder in ("", ".Trash", ".a.b", ".a"):
        base = f"{site.home}/alice/Maildir/{folder}"
        for part in ("cur", "new", "tmp"):
            os.makedirs(f"{base}/{part}", exist_ok=True)
        if folder:
            open(f"{base}/maildirfolder", "w").close()
        if folder == ".a":
            continue
        for i, (text, flags) in enumerate(MESSAGES):
            path = f"{base}/cur/160000000{i}.M{i}P1.host:2,{flags}"
            with open(path, "w") as f:
                f.write(text)
            os.utime(path, (1600000000 + i * DAY,) * 2)


def lines():
    with open(f"{HERE}/doveadm_mail.txt", encoding="utf-8") as f:
        return [line.rstrip("\n") for line in f if not line.startswith("#")]


def settle(text, unordered):
    text = re.sub(r"[0-9a-f]{32}", "GUID", text)
    text = re.sub(r"\(pid=\d+\)|doveadm\(\d+\)", "PID", text)
    if unordered:
        return sorted(text.replace("\f\n", "").split("\n"))
    return text


def run_all(site, program):
    out = []
    for line in lines():
        command, _, given = line.lstrip("~").partition(" <<< ")
        done = site.run(program, *shlex.split(command), check=False,
                        input=given.encode().decode("unicode_escape"))
        unordered = line.startswith("~")
        out.append((line, settle(done.stdout, unordered),
                    settle(done.stderr, unordered), done.returncode))
    return out


def test_same_answers(new_site, tmp_path):
    if not tree.find_program("ours", "doveadm"):
        pytest.skip("not built: doveadm")
    site = dovecot.dovecot_site(new_site, "debian")
    home = f"{site.home}/alice"
    owner = os.stat(home)
    seed_maildir(site)
    for top, _, files in os.walk(home):
        for path in [top] + [f"{top}/{name}" for name in files]:
            os.chown(path, owner.st_uid, owner.st_gid)
    site.start_dovecot()
    # Uids, GUIDs and Recent are settled before the two part.
    with dovecot.imap(site) as client:
        client.login("alice", dovecot.PASSWORD)
        for name in ("INBOX", "Trash", "a.b"):
            client.select(name)
    kept = tmp_path / "kept"
    subprocess.run(["cp", "-a", home, kept], check=True)
    theirs = run_all(site, "/usr/bin/doveadm")
    shutil.rmtree(home)
    subprocess.run(["cp", "-a", kept, home], check=True)
    mine = run_all(site, f"{tree.find_ours()}/usr/bin/doveadm")
    differ = [f"{a}\n{b}" for a, b in zip(theirs, mine) if a != b]
    assert not differ, "\n".join(differ)
