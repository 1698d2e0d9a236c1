"""The dovecot supervisor: start, clients, reload, stop, and what it refuses.

suite "ours": our master, config, log, stats, and whatever else is built, with
Debian's daemons for the rest."""

import os

import pytest
from postcote import dovecot
from postcote.wait import wait_until


@pytest.fixture
def mail(suite, new_site):
    return dovecot.dovecot_site(new_site, suite,
                                conf="disable_plaintext_auth = no\n")


def local(site, text):
    with open(f"{site.etc}/dovecot/local.conf", "a") as f:
        f.write(text)


def login(site, user="alice"):
    client = dovecot.imap(site)
    assert client.login(user, dovecot.PASSWORD)[0] == "OK"
    return client


def running(site):
    run = f"/proc/{site.space.pid}/root/run/dovecot"
    return os.path.exists(f"{run}/master.pid")


def test_life(mail):
    mail.start_dovecot()
    mail.wait_for_log(r"dovecot: master: Dovecot v2\.3\.19\.1 \(9b53102964\) "
                      r"starting up for imap, lmtp, pop3")
    login(mail).logout()
    mail.run("dovecot", "stop")
    wait_until("the end", lambda: not running(mail))
    wait_until("the processes' end", lambda: not dovecot.processes(mail))
    mail.wait_for_log(r"dovecot: master: Warning: Killed with signal 15 "
                      r"\(by pid=\d+ uid=0 code=kill\)")
    assert not mail.log.grep("Panic|Fatal|Raw backtrace")


def test_debians_configuration_sets_nothing_in_vain(mail):
    mail.start_dovecot()
    mail.wait_for_log("starting up for imap, lmtp, pop3")
    login(mail).logout()
    assert not mail.log.grep("is set at .* but not built yet")


def test_denied_access_is_explained(mail):
    """Which permission is missing where, in the original's words."""
    local(mail, "mail_location = maildir:/var/mail/boxes/%u\n")
    mail.run("install", "-d", "-m", "700", "/var/mail/boxes")
    mail.start_dovecot()
    client = dovecot.imap(mail)
    client.login("alice", dovecot.PASSWORD)
    try:
        client.select("INBOX")
    except OSError:
        pass  # the original may close
    mail.wait_for_log(r"imap\(alice\).*Permission denied \(euid=\d+\(alice\) "
                      r"egid=\d+\(\w+\) missing \+x perm: /var/mail/boxes, "
                      r"dir owned by 0:\d+ mode=0700\)")


def test_second_start_is_refused(mail):
    mail.start_dovecot()
    done = mail.run("dovecot", check=False)
    assert done.returncode == 89
    assert "Dovecot is already running with PID" in done.stderr
    mail.run("dovecot", "stop")
    done = mail.run("dovecot", "stop", check=False)
    assert done.returncode == 75
    assert "Dovecot is not running" in done.stderr


def test_reload_keeps_sessions_and_takes_new_settings(mail):
    mail.start_dovecot()
    client = login(mail)
    client.select()
    local(mail, "login_greeting = Changed.\n")
    mail.run("dovecot", "reload")
    mail.wait_for_log("SIGHUP received - reloading configuration")
    wait_until("the new greeting",
               lambda: b"Changed." in dovecot.imap(mail).welcome)
    assert client.noop()[0] == "OK"
    client.logout()
    local(mail, "nonsense = 1\n")
    mail.run("sh", "-c", "kill -HUP $(cat /run/dovecot/master.pid)")
    mail.wait_for_log("Unknown setting: nonsense")
    login(mail).logout()


def test_port_in_use(mail):
    other = mail.space.listen("127.0.0.1", 143)
    local(mail, "listen = 127.0.0.1\n")
    done = mail.run("dovecot", check=False)
    other.close()
    assert done.returncode == 89
    assert ("Error: service(imap-login): listen(127.0.0.1, 143) failed: "
            "Address already in use") in done.stderr
    assert "Fatal: Failed to start listeners" in done.stderr
    assert not running(mail)


def test_bad_configuration(mail):
    local(mail, "nonsense = 1\n")
    done = mail.run("dovecot", check=False)
    assert done.returncode == 89
    assert done.stderr.splitlines()[-1] == (
        "doveconf: Fatal: Error in configuration file "
        "/etc/dovecot/local.conf line 3: Unknown setting: nonsense")


def test_another_base_dir(mail):
    """All processes find each other there, the log's too."""
    local(mail, "base_dir = /run/elsewhere\n"
          "log_path = /var/log/elsewhere.log\n")
    mail.run("rmdir", "/run/dovecot")
    mail.start_dovecot()
    login(mail).logout()
    wait_until("the log", lambda: "Logged out" in mail.run(
        "cat", "/var/log/elsewhere.log", check=False).stdout)
    mail.run("dovecot", "stop")


def test_postfix_listener(mail):
    """The how-to's socket for Postfix's SASL, with its owner and mode."""
    local(mail, "service auth {\n"
          "  unix_listener /var/spool/postfix/private/auth {\n"
          "    mode = 0660\n    user = postfix\n    group = postfix\n  }\n}\n")
    mail.start_dovecot()
    text = mail.run("stat", "-c", "%a %U %G",
                    "/var/spool/postfix/private/auth").stdout
    assert text == "660 postfix postfix\n"
    mail.run("dovecot", "stop")


def test_crash_is_logged_and_mended(mail):
    mail.start_dovecot()
    login(mail).logout()
    [pid] = dovecot.processes(mail)["dovecot/auth"]
    mail.run("kill", "-SEGV", str(pid))
    mail.wait_for_log(r"auth: Fatal: master: service\(auth\): child \d+ "
                      r"killed with signal 11")
    login(mail).logout()


def test_master_socket(mail):
    mail.start_dovecot()
    login(mail).logout()
    text = mail.run("doveadm", "service", "status", "auth").stdout
    assert "name: auth" in text and "process_limit: 1" in text
    assert "process_count: 1" in text
    text = mail.run("doveadm", "process", "status", "auth").stdout
    assert text.splitlines()[1].startswith("auth ")
    done = mail.run("doveadm", "service", "stop", "nobody", check=False)
    assert (done.returncode, done.stderr) == (
        68, "Error: Unknown service: nobody\n")
    mail.run("doveadm", "reload")
    mail.run("doveadm", "stop")
    assert not running(mail)
    done = mail.run("doveadm", "stop", check=False)
    assert done.returncode == 75
    assert done.stderr.startswith("Fatal: Dovecot is not running")
