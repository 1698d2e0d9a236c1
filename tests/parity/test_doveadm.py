"""doveadm of both suites: what it prints, and passwords of one for the
other."""

import pytest
from postcote import dovecot, tree

COMMANDS = [
    ("user", "alice"), ("-f", "table", "user", "alice"),
    ("-f", "json", "user", "alice"), ("-f", "flow", "user", "alice"),
    ("-f", "pager", "user", "alice"), ("user", "-f", "home", "alice"),
    ("user", "-u", "alice"), ("user", "-e", "%Lu %{userdb:uid}", "alice"),
    ("user", "nobody2"), ("user", "a*"), ("user", "-f", "nosuch", "alice"),
    ("auth", "test", "alice", dovecot.PASSWORD),
    ("auth", "test", "alice", "wrong"),
    ("auth", "login", "alice", dovecot.PASSWORD),
    ("auth", "lookup", "nobody2"), ("auth", "cache", "flush"),
    ("pw", "-l"), ("pw", "-s", "SHA", "-p", "x"), ("pw", "-s", "FOO"),
    ("pw", "-s", "DIGEST-MD5", "-p", "x", "-u", "a@b"),
    ("pw", "-s", "LDAP-MD5.HEX", "-p", "x"),
    ("pw", "-p", "secret", "-t", "{PLAIN}other"),
    ("pw", "-p", "secret", "-t", "secret"),
    ("pw", "-p", "secret", "-t", "{FOO}x"), ("pw", "-z"),
    ("who",), ("who", "-1"), ("penalty",), ("kick", "nobody2"),
    (), ("auth",), ("auth", "test"), ("nonsense",), ("user",),
    ("-f", "foo", "user", "x"), ("log",), ("mailbox",),
]


@pytest.fixture(scope="module")
def ours():
    if not tree.find_program("ours", "doveadm"):
        pytest.skip("not built: doveadm")


def test_same_answers(ours, new_site):
    site = dovecot.dovecot_site(new_site, "debian")
    site.start_dovecot()
    theirs = "/usr/bin/doveadm"
    mine = f"{tree.find_ours()}/usr/bin/doveadm"
    differ = []
    for arguments in COMMANDS:
        results = []
        for program in theirs, mine:
            done = site.run(program, *arguments, check=False)
            results.append((done.stdout, done.stderr, done.returncode))
        if results[0] != results[1]:
            differ.append((arguments, *results))
    assert not differ


def test_every_scheme_both_ways(ours, new_site):
    site = dovecot.dovecot_site(new_site, "debian")
    theirs = "/usr/bin/doveadm"
    mine = f"{tree.find_ours()}/usr/bin/doveadm"
    for scheme in site.run(theirs, "pw", "-l").stdout.split():
        if scheme == "PLAIN-TRUNC":
            continue  # it writes no length, and so cannot verify it
        for maker, judge in ((theirs, mine), (mine, theirs)):
            made = site.run(maker, "pw", "-s", scheme, "-p", "secret", "-u",
                            "u@d").stdout.strip()
            assert made.startswith("{" + scheme + "}")
            good = site.run(judge, "pw", "-p", "secret", "-u", "u@d", "-t",
                            made)
            assert good.stdout == made + " (verified)\n"
            bad = site.run(judge, "pw", "-p", "Secret", "-u", "u@d", "-t",
                           made, check=False)
            assert bad.returncode == 75, (scheme, maker)
