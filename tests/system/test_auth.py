"""Who may log in: system users by PAM, virtual users of passwd-files and
SQLite, and what doveadm says of them."""

import os
import sqlite3

import pytest
from postcote import auth, dovecot

SQL_CONF = """\
driver = sqlite
connect = /etc/dovecot/users.db
default_pass_scheme = PLAIN
password_query = SELECT user, password, home AS userdb_home, \\
  uid AS userdb_uid, gid AS userdb_gid FROM users WHERE user = '%u'
user_query = SELECT home, uid, gid FROM users WHERE user = '%u'
iterate_query = SELECT user FROM users
"""
VIRTUAL = "conf.d/10-auth.conf", "!include auth-system.conf.ext"


def write(site, name, text, mode=0o644):
    path = f"{site.etc}/dovecot/{name}"
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, mode)


def test_system_users(suite, new_site):
    site = dovecot.dovecot_site(new_site, suite)
    site.start_dovecot()
    c = auth.client(site)
    assert auth.plain(c, 1, "alice", dovecot.PASSWORD).startswith(
        "OK\t1\tuser=alice")
    assert auth.plain(c, 2, "alice", "wrong") == "FAIL\t2\tuser=alice"
    c.close()
    shown = site.run("doveadm", "user", "alice").stdout
    assert "uid\t1000\n" in shown and "home\t/home/alice\n" in shown
    missing = site.run("doveadm", "user", "nobody2", check=False)
    assert missing.returncode == 67
    assert "user nobody2 doesn't exist" in missing.stdout
    assert "alice" in site.run("doveadm", "user", "a*").stdout.split()
    good = site.run("doveadm", "auth", "test", "alice", dovecot.PASSWORD)
    assert good.stdout.startswith("passdb: alice auth succeeded\n")
    bad = site.run("doveadm", "auth", "test", "alice", "wrong", check=False)
    assert bad.returncode == 77
    login = site.run("doveadm", "auth", "login", "alice", dovecot.PASSWORD)
    assert "  uid=1000\n" in login.stdout


def test_a_password_that_changes_is_noticed(suite, new_site):
    site = dovecot.dovecot_site(
        new_site, suite, edits={VIRTUAL[0]: lambda e: e.replace(
            VIRTUAL[1], "!include auth-passwdfile.conf.ext")},
        conf="auth_cache_size = 1M\nauth_failure_delay = 0\n")
    write(site, "users", "joe@ex.com:{PLAIN}one:5000:5000::/var/mail/joe::\n")
    site.start_dovecot()
    c = auth.client(site)
    assert auth.plain(c, 1, "Joe@Ex.com", "one").startswith(
        "OK\t1\tuser=joe@ex.com")
    write(site, "users", "joe@ex.com:{PLAIN}other:5000:5000::/j::\n")
    assert auth.plain(c, 2, "joe@ex.com", "other").startswith("OK\t2\t")
    assert auth.plain(c, 3, "joe@ex.com", "one").startswith("FAIL\t3\t")
    c.close()
    flushed = site.run("doveadm", "auth", "cache", "flush").stdout
    assert flushed == "1 cache entries flushed\n"


def test_sqlite_users(suite, new_site):
    site = dovecot.dovecot_site(
        new_site, suite, edits={VIRTUAL[0]: lambda e: e.replace(
            VIRTUAL[1], "!include auth-sql.conf.ext")},
        conf="auth_failure_delay = 0\ndisable_plaintext_auth = no\n")
    # Only root may read it: it is opened before the privileges go.
    write(site, "dovecot-sql.conf.ext", SQL_CONF, 0o600)
    database = sqlite3.connect(f"{site.etc}/dovecot/users.db")
    database.execute("CREATE TABLE users(user, password, home, uid, gid)")
    database.execute("INSERT INTO users VALUES('v@ex.com', "
                     "'{SSHA256.HEX}' || ?, '/home/alice', 1000, 1000)",
                     ("89b2504d1a7562a88e95cf1b71b25bec2c9d6a998c009eea5205"
                      "271f9e9aa760e4dcd7b7",))
    database.commit()
    database.close()
    site.start_dovecot()
    client = dovecot.imap(site)
    assert client.login("v@ex.com", "secret")[0] == "OK"
    assert client.select()[0] == "OK"
    client.logout()
    c = auth.client(site)
    assert auth.plain(c, 1, "v@ex.com", "no").startswith("FAIL\t1\t")
    assert auth.plain(c, 2, "x' OR '1'='1", "no").startswith("FAIL\t2\t")
    c.close()
    shown = site.run("doveadm", "user", "v@ex.com").stdout
    assert "uid\t1000\n" in shown


def test_penalty_grows_with_guesses(suite, new_site):
    site = dovecot.dovecot_site(new_site, suite,
                                conf="auth_failure_delay = 0\n")
    site.start_dovecot()
    c = auth.client(site)
    info = ("service=imap", "rip=192.0.2.99")
    assert auth.plain(c, 1, "alice", "guess", *info).startswith("FAIL")
    penalty = site.run("doveadm", "penalty").stdout
    assert "192.0.2.99" in penalty
    assert penalty.splitlines()[1].split()[:2] == ["192.0.2.99", "1"]
    assert auth.plain(c, 2, "alice", dovecot.PASSWORD, *info).startswith("OK")
    penalty = site.run("doveadm", "penalty").stdout
    assert penalty.splitlines()[1].split()[:2] == ["192.0.2.99", "0"]
    c.close()


@pytest.mark.parametrize("scheme", [
    "SHA512-CRYPT", "BLF-CRYPT", "ARGON2ID", "PBKDF2", "SSHA512",
    "SCRAM-SHA-256", "CRAM-MD5"])
def test_schemes_of_doveadm_pw(suite, new_site, scheme):
    site = dovecot.dovecot_site(new_site, suite)
    made = site.run("doveadm", "pw", "-s", scheme, "-p", "secret").stdout
    assert made.startswith("{" + scheme + "}")
    good = site.run("doveadm", "pw", "-p", "secret", "-t", made.strip())
    assert good.stdout == made.strip() + " (verified)\n"
    bad = site.run("doveadm", "pw", "-p", "x", "-t", made.strip(), check=False)
    assert bad.returncode == 75
