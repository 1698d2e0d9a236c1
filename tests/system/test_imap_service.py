"""imap behind a master and imap-login: logins, one process for a user, news in
IDLE, and fifty connections that change one mailbox at once while mail comes
from outside."""

import os
import re
import time

import pytest
from postcote import dovecot
from postcote.imap_checker import Client, Shared, check
from postcote.mda import Mda

CONNECTIONS = 50
SECONDS = float(os.environ.get("POSTCOTE_IMAP_SECONDS", "8"))
CONF = """disable_plaintext_auth = no
mail_max_userip_connections = 100
service imap-login {
  service_count = 0
}
service imap {
  client_limit = 200
  service_count = 0
}
"""


@pytest.fixture
def mail(suite, new_site):
    site = dovecot.dovecot_site(new_site, suite, conf=CONF)
    return site.start_dovecot()


def connect(site, shared, name, user="alice"):
    socket = site.space.connect("127.0.0.1", 143)
    client = Client(name, socket.makefile("rb"), socket.makefile("wb"), shared,
                    name)
    client.socket = socket
    client.line()
    client.ask(f"LOGIN {user} {dovecot.PASSWORD}".encode())
    return client


def test_commands_sent_ahead(mail):
    """What a client sends behind LOGIN reaches imap."""
    socket = mail.space.connect("127.0.0.1", 143)
    stream = socket.makefile("rb")
    socket.sendall(b"a LOGIN alice secret\r\nb NOOP\r\nc LOGOUT\r\n")
    lines = stream.read().decode().splitlines()
    while not lines[0].startswith("a "):  # the greeting
        lines.pop(0)
    assert re.match(r"a OK \[CAPABILITY IMAP4rev1 .*\] Logged in$", lines[0])
    assert lines[1].startswith("b OK NOOP completed")
    assert lines[2] == "* BYE Logging out"
    mail.wait_for_log(r"dovecot: imap\(alice\)<\d+><[^>]+>: Disconnected: "
                      r"Logged out in=\d+ out=\d+ deleted=0 ")


def test_more_than_vsz_limit(suite, new_site):
    """vsz_limit is for one client; a process of ours serves many."""
    if suite == "debian":
        pytest.skip("the original starts one for each connection")
    site = dovecot.dovecot_site(
        new_site, suite, conf=CONF + "service imap {\n  vsz_limit = 6 M\n}\n")
    site.start_dovecot()
    clients = [dovecot.imap(site) for _ in range(10)]
    for client in clients:
        assert client.login("alice", dovecot.PASSWORD)[0] == "OK"
        assert client.select()[0] == "OK"
        message = b"Subject: x\r\n\r\n" + b"x" * 70 + b"\r\n"
        assert client.append("INBOX", None, None, message)[0] == "OK"
    for client in clients:
        client.logout()
    assert not site.log.grep("Cannot allocate memory|killed with signal")


def test_one_process_serves_a_user(mail, suite):
    if suite == "debian":
        pytest.skip("the original starts one for each connection")
    shared = Shared()
    clients = [connect(mail, shared, f"c{i}") for i in range(10)]
    pids = set()
    for client in clients:
        client.ask(b"SELECT INBOX")
    for line in mail.run("ps", "axo", "pid=,uid=,args=").stdout.splitlines():
        pid, uid, args = line.split(None, 2)
        if uid != "0" and args.startswith("dovecot/imap") and (
                "login" not in args):
            pids.add(pid)
    assert len(pids) == 1
    assert not shared.errors


def test_idle_hears_of_a_delivery(mail):
    shared = Shared()
    idler, other = (connect(mail, shared, name) for name in "ab")
    idler.ask(b"SELECT INBOX")
    idler.writer.write(b"i IDLE\r\n")
    idler.writer.flush()
    assert idler.line().startswith(b"+")
    began = time.monotonic()
    other.ask(b"APPEND INBOX", b"Subject: x\r\n\r\nb\r\n")
    line = idler.line()
    while not line.startswith(b"* 1 EXISTS"):
        line = idler.line()
    assert time.monotonic() - began < 5


def test_fifty_connections(mail):
    shared = Shared()
    clients = [connect(mail, shared, f"c{i}") for i in range(CONNECTIONS)]
    for client in clients:
        client.logged_in = True
    connect(mail, shared, "first").ask(b"SELECT INBOX")  # makes the Maildir
    mda = Mda(f"{mail.home}/alice")
    mda.start()
    clients[0].before_end = mda.end
    try:
        done = check(clients, SECONDS)
    finally:
        mda.end()
    assert mda.count > SECONDS
    print(f"{done} commands in {SECONDS} s")
    assert done > CONNECTIONS * 4
    assert not mail.log.grep("Panic:|Fatal:")
