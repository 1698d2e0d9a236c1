"""Files cut anywhere or with bytes overwritten: who reads them ends with an
answer or a line that says what is wrong, never by a signal, in bounded memory.
The damage is the same in each run."""

import os
import random
import re
import shutil
import subprocess
import tempfile

import pytest
from postcote import config, imap, tree
from postcote.dovecot import PASSWORD, dovecot_site
from postcote.dovecot import imap as imap_client
from postcote.namespaces import ENVIRONMENT
from postcote.wait import wait_until

MOST = 64 * 1024  # KiB that a reader may use
FIRST_SIGNAL = 124  # what timeout(1) says of one, or of no end
DOVECOT_CONF = """\
protocols = imap lmtp
mail_location = maildir:~/Maildir:INDEX=/var/index/%u
listen = 127.0.0.1, ::1
passdb {
  driver = passwd-file
  args = scheme=SHA512-CRYPT username_format=%Ln /etc/dovecot/users
}
service imap-login {
  inet_listener imap {
    port = 143
  }
  process_min_avail = 2
}
namespace inbox {
  inbox = yes
  mailbox Trash {
    auto = subscribe
    special_use = \\Trash
  }
}
protocol lmtp {
  postmaster_address = postmaster@example.com
}
local 192.0.2.0/24 {
  ssl = no
}
"""
OPENDKIM_CONF = """\
Syslog yes
Mode sv
Canonicalization relaxed/simple
Domain example.com
Selector mail
KeyFile {dir}/key
SubDomains no
OversignHeaders From
InternalHosts 127.0.0.1, 10.0.0.0/8
MaximumHeaders 65536
RequireSafeKeys no
Socket inet:8891@localhost
"""
OPENDKIM_TABLES = """\
Mode sv
KeyTable {dir}/key_table
SigningTable refile:{dir}/signing_table
RequireSafeKeys no
Socket inet:8891@localhost
"""


def damages(whole, cuts=6, writes=10):
    """Versions of a file."""
    fate = random.Random(len(whole))
    for end in range(0, len(whole), max(1, len(whole) // cuts)):
        yield whole[:end]
    for _ in range(writes):
        data = bytearray(whole)
        for _ in range(fate.choice((1, 3, 30))):
            data[fate.randrange(len(data))] = fate.choice(
                (0, 10, 34, 127, 255, fate.randrange(256)))
        yield bytes(data)


def read_file(path):
    with open(path, "rb") as f:
        return f.read()


def write_file(path, data):
    with open(path, "wb") as f:
        f.write(data)


def finish(argv, given=b""):
    """Runs a program to its end; its output, its status and errors as one."""
    with tempfile.TemporaryFile() as text, tempfile.TemporaryFile() as stdin:
        stdin.write(given)
        stdin.seek(0)
        limit = ["prlimit", f"--data={MOST * 1024}"]
        if b"Sanitizer" in read_file(argv[0]):  # its shadow counts
            limit = []
        process = subprocess.run([*limit, "timeout", "20", *argv], stdin=stdin,
                                 stdout=text, stderr=text, cwd="/",
                                 env=ENVIRONMENT, check=False)
        text.seek(0)
        output = text.read()
    told = (argv, process.returncode, output[-2000:])
    assert 0 <= process.returncode < FIRST_SIGNAL, told
    assert not re.search(rb"panic|Sanitizer|bad_alloc|[Oo]ut of memory|"
                         rb"Cannot allocate memory", output), told
    # Of a lookup, 1 is "not found".
    assert process.returncode == 0 or output or "-q" in argv, told
    return output


@pytest.fixture(scope="module")
def place():
    """A directory with a file of each kind."""
    reason = tree.why_not("ours")
    if reason:
        pytest.skip(reason)
    with tempfile.TemporaryDirectory() as directory:
        root = tree.find_ours()
        config.make_postfix(f"{directory}/postfix", root, root,
                            "mx.example.com", "example.com")
        lines = "".join(f"user{n}@example.com  value {n}\n" for n in range(200))
        config.Editor(f"{directory}/postfix/main.cf").set(
            "myorigin = example.com")
        texts = {
            "table": lines + f"long@example.com {'x' * 5000}\n",
            "aliases": "root: alice\nlist: a, b, \"| c d\", :include:/x\n" * 20,
            "dovecot.conf": DOVECOT_CONF,
            "opendkim.conf": OPENDKIM_CONF.format(dir=directory),
            "tables.conf": OPENDKIM_TABLES.format(dir=directory),
            "key_table": f"k example.com:mail:{directory}/key\n" * 10,
            "signing_table": "*@example.com k\n.example.net k\n" * 10,
        }
        for name, text in texts.items():
            write_file(f"{directory}/{name}", text.encode())
        subprocess.run(["openssl", "genrsa", "-out", f"{directory}/key",
                        "2048"], check=True, capture_output=True)
        for kind in ("hash", "btree", "lmdb"):
            shutil.copy(f"{directory}/table", f"{directory}/{kind}")
            subprocess.run([f"{root}/usr/sbin/postmap", "-c",
                            f"{directory}/postfix", f"{kind}:{directory}/{kind}"],
                           check=True)
        yield directory


KEYS = "".join(f"user{n}@example.com\n" for n in range(0, 200, 7)).encode()
READERS = {  # file: programs that read it; {d}: the directory
    "postfix/main.cf": ["postconf -c {d}/postfix -n",
                        "postmap -c {d}/postfix -q x inline:{{x=y}}"],
    "postfix/master.cf": ["postconf -c {d}/postfix -M",
                          "postconf -c {d}/postfix -P"],
    "hash.db": ["postmap -c {d}/postfix -q - hash:{d}/hash",
                "postmap -c {d}/postfix -s hash:{d}/hash"],
    "btree.db": ["postmap -c {d}/postfix -q - btree:{d}/btree",
                 "postmap -c {d}/postfix -s btree:{d}/btree"],
    "lmdb.lmdb": ["postmap -c {d}/postfix -q - lmdb:{d}/lmdb",
                  "postmap -c {d}/postfix -s lmdb:{d}/lmdb"],
    "table": ["postmap -c {d}/postfix -q - texthash:{d}/table",
              "postmap -c {d}/postfix -q - regexp:{d}/table"],
    "aliases": ["postalias -c {d}/postfix hash:{d}/aliases"],
    "dovecot.conf": ["doveconf -c {d}/dovecot.conf -n"],
    "opendkim.conf": ["opendkim -n -x {d}/opendkim.conf"],
    "key_table": ["opendkim -n -x {d}/tables.conf"],
    "signing_table": ["opendkim -n -x {d}/tables.conf"],
    "key": ["opendkim -n -x {d}/opendkim.conf"],
}


@pytest.mark.parametrize("file", READERS)
def test_tools_read_damaged_files(place, file):
    path = f"{place}/{file}"
    whole = read_file(path)
    for number, data in enumerate(damages(whole)):
        write_file(path, data)
        argv = READERS[file][number % len(READERS[file])].format(d=place).split()
        program = tree.find_program("ours", argv[0])
        finish([f"{tree.find_ours()}/{program}", *argv[1:]], KEYS)
    write_file(path, whole)


HOME_FILES = {  # under the home: the mailbox that it belongs to
    "Maildir/dovecot-uidlist": "maildir", "Maildir/dovecot-keywords": "maildir",
    "Maildir/subscriptions": "maildir", "Maildir/postcote.index": "maildir",
    "Maildir/dovecot-uidvalidity": "maildir", "mail/inbox": "mbox",
}
SAID = [b"a SELECT INBOX",
        b"b FETCH 1:* (UID FLAGS RFC822.SIZE ENVELOPE BODYSTRUCTURE)",
        b"c STORE 1:* +FLAGS (\\Flagged blue)", b'd LIST (SUBSCRIBED) "" *',
        b"e STATUS INBOX (MESSAGES UIDNEXT UIDVALIDITY)", b"f LOGOUT"]


def converse(home, configuration):
    """All of SAID to an imap; the messages that it saw."""
    process = imap.launch("ours", home, configuration)
    player = imap.Player(process)
    try:
        greeting = player.line()
        assert greeting, process.stderr.read()
        exists = None
        for text in SAID[:-1]:
            player.say(text + b"\r\n")
            while not (line := player.line() or b"").startswith(text[:2]):
                assert line, (player.transcript[-20:], process.stderr.read())
                if line.endswith(b" EXISTS"):
                    exists = int(line.split()[1])
        with open(f"/proc/{process.pid}/status") as f:
            peak = [int(x.split()[1]) for x in f if x.startswith("VmHWM")]
        program = f"{tree.find_ours()}/{tree.find_program('ours', 'imap')}"
        assert peak[0] < MOST or b"Sanitizer" in read_file(program)
        player.say(SAID[-1] + b"\r\n")
        assert player.until(b"f ")
    finally:
        try:
            process.stdin.close()
        except BrokenPipeError:
            pass
        status = process.wait(20)
        errors = process.stderr.read()
    assert status == 0 and b"panic" not in errors.lower(), errors
    return exists


@pytest.mark.parametrize("file", HOME_FILES)
def test_imap_reads_a_damaged_mailbox(tmp_path, file):
    """Of a Maildir no message is ever missing."""
    imap.need("ours", tmp_path)
    messages = tmp_path / "messages"
    messages.mkdir()
    for n in range(12):
        (messages / str(n)).write_bytes(b"Subject: number %d\n\nText\n" % n)
    home = imap.make_home(str(tmp_path), str(messages))
    configuration = f"{tmp_path}/dovecot.conf"
    if HOME_FILES[file] == "mbox":
        os.mkdir(f"{home}/mail")
        write_file(f"{home}/mail/inbox", b"".join(
            b"From a@b Thu Jan  1 00:00:%02d 2026\n%s\n" % (
                n, (messages / str(n)).read_bytes()) for n in range(12)))
        with open(configuration, "a") as f:
            f.write("mail_location = mbox:~/mail:INBOX=~/mail/inbox\n")
    subprocess.run(["chown", "-R", "1000:1000", home], check=True)
    assert converse(home, configuration) == 12  # which makes its files
    write_file(f"{home}/Maildir/subscriptions", b"V\t2\n\nINBOX\nTrash\n")
    if not os.path.exists(f"{home}/{file}"):
        write_file(f"{home}/{file}", b"69000000")
    whole = read_file(f"{home}/{file}")
    for data in damages(whole, cuts=8, writes=10):
        write_file(f"{home}/{file}", data)
        subprocess.run(["chown", "-R", "1000:1000", home], check=True)
        exists = converse(home, configuration)
        assert exists == 12 or HOME_FILES[file] == "mbox", data


def test_a_delivery_reads_damaged_files(new_site):
    """aliases.db, .forward and transport: mail to others goes on."""
    site = new_site("ours")
    site.add_user("alice")
    site.aliases.append("".join(f"list{n}: alice\n" for n in range(50)))
    site.main.set("transport_maps = lmdb:/etc/postfix/transport")
    write_file(f"{site.etc}/postfix/transport", b"".join(
        b"h%d.example.com retry:later\n" % n for n in range(200)))
    site.run("postmap", "lmdb:/etc/postfix/transport")
    forward = f"{site.home}/alice/.forward"
    write_file(forward, b'\\alice, "|exit 0", /dev/null, :include:/x\n# end\n')
    site.start()
    site.main.set("max_idle = 1s")
    paths = [f"{site.etc}/aliases.db", forward,
             f"{site.etc}/postfix/transport.lmdb"]
    for path in paths:
        whole = read_file(path)
        for data in damages(whole, cuts=4, writes=6):
            write_file(path + ".new", data)
            shutil.copystat(path, path + ".new")
            os.rename(path + ".new", path)
            mark = site.log.mark()
            site.sendmail("list7", "list8")
            site.wait_for_log(r"(status=|warning: |error: )", since=mark)
        write_file(path, whole)
    wait_until("alice's mail", lambda: site.run(
        "postqueue", "-f") and site.mbox("alice"))
    assert not site.log.grep("killed by signal|panic|Sanitizer")


def test_logins_meet_a_damaged_passwd_file(new_site):
    users = "/etc/dovecot/users"
    site = dovecot_site(new_site, "ours", postfix="ours", conf=(
        "auth_failure_delay = 0\nservice anvil {\n"
        "  unix_listener anvil-auth-penalty {\n    mode = 0\n  }\n}\n"
        f"passdb {{\n  driver = passwd-file\n  args = {users}\n}}\n"
        f"userdb {{\n  driver = passwd-file\n  args = {users}\n}}\n"))
    path = f"{site.etc}/dovecot/users"
    whole = b"".join(b"user%d:{PLAIN}secret:1000:1000::/home/alice::x=y\n" % n
                     for n in range(20))
    write_file(path, whole)
    site.start_dovecot()
    for number, data in enumerate(damages(whole, cuts=3, writes=6)):
        write_file(path, data)
        # Of its own size: a change that can be seen.
        os.utime(path, (number, number))
        with imap_client(site) as client:
            kind, _ = client.xatom("LOGIN", "user7", PASSWORD)
            assert kind in ("OK", "NO")
    assert not site.log.grep("killed with signal|[Pp]anic|Sanitizer")
