"""local(8): .forward files, lists with owners, commands, comsat."""

import os
import socket

import pytest
from postcote.mailboxes import header


def forward(site, user, text):
    path = f"{site.home}/{user}/.forward"
    with open(path, "w") as f:
        f.write(text)
    home = os.stat(f"{site.home}/{user}")
    os.chown(path, home.st_uid, home.st_gid)


@pytest.mark.parametrize("entry", ["\\alice", "alice", "alice@example.com"])
def test_a_forward_file_can_keep_a_copy(site, entry):
    site.add_user("alice")
    site.add_user("bob")
    forward(site, "alice", f"{entry}, bob\n")
    site.start()
    site.send("alice@example.com", text="Subject: both\n\nx\n")
    assert header(site.wait_for_mbox("alice"), "Subject") == "both"
    assert header(site.wait_for_mbox("bob"), "Subject") == "both"
    site.wait_for_empty_queue()
    assert len(site.mbox("alice")) == len(site.mbox("bob")) == 1


def test_the_owner_of_a_list_hears_of_its_members(site):
    for user in ("alice", "boss", "sender"):
        site.add_user(user)
    site.aliases.append("list: alice, nobody-there\nowner-list: boss")
    site.start()
    mark = site.log.mark()
    site.sendmail("list", user="sender", options=["-N", "success,failure"])
    assert header(site.wait_for_mbox("alice"), "Return-Path") == (
        "<owner-list@example.com>")
    notice = site.wait_for_mbox("boss")
    assert '<nobody-there@example.com>: unknown user: "nobody-there"' in notice
    assert header(notice, "X-Original-To") == "owner-list@example.com"
    report = site.wait_for_mbox("sender")
    assert "<list@example.com>: delivery via local: alias expanded" in report
    site.wait_for_log(r"local\[\d+\]: \w+: to=<list@example.com>, "
                      r"orig_to=<list>, .*status=sent \(forwarded as \w+\)",
                      since=mark)
    site.wait_for_empty_queue()
    assert len(site.mbox("sender")) == 1


def test_comsat_hears_of_new_mail(site):
    site.add_user("alice")
    site.main.set("biff = yes")
    site.start()
    comsat = site.space.listen("127.0.0.1", 512, socket.SOCK_DGRAM)
    comsat.settimeout(20)
    site.send("alice@example.com")
    assert comsat.recv(100) == b"alice@0\0"
    length = len(open(f"{site.mail}/alice", "rb").read())
    site.send("alice@example.com")
    assert comsat.recv(100) == b"alice@%d\0" % length
    comsat.close()


def test_commands_run_in_a_directory(site):
    site.add_user("alice")
    forward(site, "alice", '"|pwd >/home/alice/where"\n')
    site.main.set("command_execution_directory = $home")
    site.start()
    mark = site.log.mark()
    site.send("alice@example.com")
    site.wait_for_log(r"local\[\d+\]: .*status=sent \(delivered to command: ",
                      since=mark)
    with open(f"{site.home}/alice/where") as f:
        assert f.read() == "/home/alice\n"
    site.main.set("command_execution_directory = /none/$user")
    site.reload()
    mark = site.log.mark()
    site.send("alice@example.com")
    site.wait_for_log(r"local\[\d+\]: .*dsn=4.3.0, status=deferred ",
                      since=mark)
