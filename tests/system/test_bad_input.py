"""What strangers and broken files do: a clear answer, nothing lost, bounded
memory."""

import glob
import os
import re
import shutil

import pytest
from postcote.wait import wait_until

MEGABYTE = 1 << 20


@pytest.fixture
def ours(new_site):
    return new_site("ours")


def peaks(site):
    """{daemon: the most memory that one of it ever used, bytes}"""
    done = site.run("sh", "-c", "grep -sH -e ^Name -e VmHWM /proc/[0-9]*/status")
    found = {}
    for pid, name, kilobytes in re.findall(
            r"/proc/(\d+)/status:Name:\t(\S+)\n\S+VmHWM:\s+(\d+) kB",
            done.stdout):
        found[name] = max(found.get(name, 0), int(kilobytes) * 1024)
    return found


def test_lines_of_any_length_and_any_bytes(site, suite):
    site.add_user("alice")
    site.start()
    with site.connect() as client:
        client.ask("EHLO client.example", "250")
        client.ask("MAIL FROM:<a@b.example>", "250")
        client.ask("RCPT TO:<alice@example.com>", "250")
        client.ask("DATA", "354")
        client.socket.sendall(b"Subject: test\r\n\r\nnul\0nul\r\nlone\rcr\r\n" +
                              b"x" * 3000 + b"\r\n")
        client.ask(".", "250")
        client.ask("QUIT", "221")
    text = site.wait_for_mbox("alice")
    body = text[text.index("nul"):][:20]
    assert body.startswith("nul\0nul\nlone cr\n"), repr(body)
    assert len("".join(re.findall(r"^ ?(x+)$", text, re.M))) == 3000
    with site.connect() as client:
        client.send("NOOP " + "x" * 100_000)
        assert client.reply().startswith(("250", "500"))
        client.ask("\0\xff\0", "500")
        client.ask("NOOP", "250")


def test_a_client_that_only_sends_costs_no_memory(ours):
    """64 MB without a line end, as a command and as content."""
    ours.add_user("alice")
    ours.main.set("message_size_limit = 1000000")
    ours.start()
    junk = b"x" * MEGABYTE
    with ours.connect() as client:
        client.ask("EHLO client.example", "250")
        for command in ("MAIL FROM:<a@b.example>", "RCPT TO:<alice@example.com>"):
            client.ask(command, "250")
        client.ask("DATA", "354")
        for _ in range(64):
            client.socket.sendall(junk)
        client.send("")
        client.ask(".", "552 5.3.4 Error: message file too big")
        for _ in range(64):
            client.socket.sendall(junk)
        client.send("")
        assert client.reply()[:1] == "5"
        client.ask("NOOP", "250")
    most = peaks(ours)
    assert most["smtpd"] < 40 * MEGABYTE and most["cleanup"] < 40 * MEGABYTE


def test_recipients_beyond_the_limit_are_put_off(ours):
    ours.add_user("alice")
    ours.main.set("default_transport = discard", "smtpd_error_sleep_time = 0",
                  "smtpd_hard_error_limit = 200000")
    ours.start()
    with ours.connect() as client:
        client.ask("EHLO client.example", "250")
        client.ask("MAIL FROM:<a@b.example>", "250")
        for start in range(0, 2000, 500):
            client.socket.sendall("".join(
                f"RCPT TO:<r{n}@there.example>\r\n"
                for n in range(start, start + 500)).encode())
            replies = {client.reply()[:9] for _ in range(500)}
            assert replies == ({"250 2.1.5"} if start < 1000 else {"452 4.5.3"})
        client.ask("DATA", "354")
        client.ask("Subject: test\r\n\r\n.", "250")
    ours.wait_for_log(r"qmgr\[\d+\]: \w+: removed")
    for name, most in peaks(ours).items():
        assert most < 100 * MEGABYTE, (name, most)


def test_a_slow_peer_meets_the_deadline(site):
    site.main.set("smtpd_timeout = 2s")
    site.start()
    with site.connect() as client:
        client.ask("EHLO client.example", "250")
        client.socket.sendall(b"NO")
        client.expect("421 4.4.2 mx.example.com Error: timeout exceeded")
    site.wait_for_log(r"timeout after EHLO from localhost\[127.0.0.1\]")


GARBAGE = b"\0\xff\x80\n= = =\n" + bytes(range(256)) * 8


def cut(path, keep):
    with open(path, "rb+") as f:
        f.truncate(keep)


@pytest.mark.parametrize("kind", ["hash", "btree", "lmdb"])
def test_a_table_cut_at_any_byte_is_an_error(ours, kind):
    """Never "no such user"."""
    source = f"{ours.etc}/postfix/people"
    with open(source, "w") as f:
        f.writelines(f"user{n}@virtual.example alice\n" for n in range(500))
    ours.run("postmap", f"{kind}:/etc/postfix/people")
    [table] = glob.glob(f"{source}.*db")
    with open(table, "rb") as f:
        whole = f.read()
    keys = "".join(f"user{n}@virtual.example\n" for n in range(500))
    ends = {0, 1, 12, 511, 512, len(whole) // 2, len(whole) - 1,
            *range(4095, len(whole), 4096), *range(4096, len(whole), 4096)}
    for data in [*(whole[:end] for end in sorted(ends)), GARBAGE]:
        with open(table, "wb") as f:
            f.write(data)
        done = ours.run("postmap", "-q", "-", f"{kind}:/etc/postfix/people",
                        input=keys, check=False)
        assert done.stdout.count("\n") == 500 or "fatal" in done.stderr or (
            "error" in done.stderr), (len(data), done)


def test_a_cut_table_defers_until_it_is_whole(ours):
    source = f"{ours.etc}/postfix/people"
    with open(source, "w") as f:
        f.writelines(f"user{n}@virtual.example root\n" for n in range(500))
    ours.main.set("virtual_alias_maps = hash:/etc/postfix/people",
                  "virtual_alias_domains = virtual.example")
    ours.run("postmap", "/etc/postfix/people")
    cut(f"{source}.db", 8192)
    ours.start()
    assert ask(ours, "user7@virtual.example")[:3] == "451"
    ours.run("postmap", "/etc/postfix/people")
    wait_until("mail to be taken again", lambda: ask(
        ours, "user7@virtual.example").startswith("250"))


def ask(site, recipient):
    """The reply to RCPT; "" if the connection broke."""
    try:
        with site.connect() as client:
            client.ask("EHLO client.example", "250")
            client.ask("MAIL FROM:<a@b.example>", "250")
            client.send(f"RCPT TO:<{recipient}>")
            return client.reply()
    except (AssertionError, OSError, EOFError):
        return ""


def test_garbage_in_users_own_files(ours):
    """.forward, :include: and aliases.db: deferred or to the mailbox, and
    other users' mail goes on."""
    for name in ("alice", "bob"):
        ours.add_user(name)
    with open(f"{ours.home}/alice/.forward", "wb") as f:
        f.write(GARBAGE)
    with open(f"{ours.etc}/list", "wb") as f:
        f.write(GARBAGE)
    ours.aliases.append("list: :include:/etc/list")
    ours.start()
    for name in ("alice", "list", "bob"):
        ours.send(f"{name}@example.com")
    ours.wait_for_mbox("bob")
    wait_until("three ends", lambda: len(
        ours.log.grep(r"local\[\d+\]: .*orig|local\[\d+\]: .* status=")) >= 3)
    assert not ours.log.grep("killed by signal|panic")


def test_garbage_in_queue_files_is_put_aside(site):
    site.add_user("alice")
    site.main.set("default_transport = retry:4.0.0 later",
                  "smtpd_reject_unlisted_recipient = no")
    site.start()
    queue_id = site.send("b@there.example")
    wait_until("a deferred message",
               lambda: queue_id in site.queue_files("deferred"))
    path = site.queue_files("deferred")[queue_id]
    with open(path, "rb") as f:
        whole = f.read()
    broken = [whole[:n] for n in (0, 1, 90, 150, len(whole) - 2)] + [
        GARBAGE, b"Z" + whole[1:], whole[:97] + b"\x7f" + whole[98:],
        whole.replace(b"M\0", b"?\0", 1)]  # as of a future version
    names = [f"{n + 1:X}ABCDEF012" for n in range(len(broken))]
    for name, data in zip(names, broken):
        new = f"{site.queue}/incoming/{name}"
        shutil.copyfile(path, new)
        with open(new, "wb") as f:
            f.write(data)
        shutil.copystat(path, new)
        os.chown(new, os.stat(path).st_uid, os.stat(path).st_gid)
        os.chmod(new, 0o700)
    site.run("postqueue", "-f")
    site.send("alice@example.com")
    site.wait_for_mbox("alice")
    wait_until("all to be put aside or off", lambda: not site.queue_files(
        "incoming") and not site.queue_files("active"))
    kept = {*site.queue_files("corrupt"), *site.queue_files("deferred")}
    assert {*names, queue_id} <= kept
    assert not site.log.grep("killed by signal|panic")


@pytest.mark.parametrize("file", ["main.cf", "master.cf"])
def test_garbage_in_the_configuration_is_told(ours, file):
    path = f"{ours.etc}/postfix/{file}"
    with open(path, "rb") as f:
        whole = f.read()
    for data in (GARBAGE, whole[:len(whole) // 2] + GARBAGE):
        with open(path, "wb") as f:
            f.write(data)
        done = ours.run("postfix", "check", check=False)
        assert done.returncode in (0, 1), done
        done = ours.run("postfix", "start", check=False)
        assert done.returncode == 1, done
        assert re.search(rf"{file}.* line \d+|fatal", done.stderr + "\n".join(
            ours.log.lines)), done
    with open(path, "wb") as f:
        f.write(whole)
    ours.start()
    assert ask(ours, "root@example.com").startswith("250")


def test_sendmail_tells_what_is_missing(ours):
    ours.add_user("alice")
    ours.start()
    os.rename(f"{ours.queue}/maildrop", f"{ours.queue}/away")
    done = ours.run("timeout", "5", "sendmail", "alice", input="Hello.\n",
                    check=False)
    assert "No such file or directory" in done.stderr and done.returncode
    os.rename(f"{ours.queue}/away", f"{ours.queue}/maildrop")
    # postdrop dies in the middle: nothing is promised.
    done = ours.run("sh", "-c", "(echo x; until pkill -KILL -x postdrop; "
                    "do :; done; echo y) | sendmail alice", check=False)
    assert done.returncode in (69, 75), done
    ours.sendmail("alice")
    ours.wait_for_mbox("alice")
