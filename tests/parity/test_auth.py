"""The same questions to our auth and to Debian's, both under Debian's
master: equal answers, to the byte."""

import hashlib
import hmac

import pytest
from postcote import auth, dovecot, tree
from postcote.auth import encode

OURS = ["dovecot/auth", "dovecot/anvil"]
USERS = """\
carol:{PLAIN}pw:5000:5000::/home/carol::userdb_quota_rule=*:storage=1G
dave:{PLAIN}pw2:5000:5000::/home/dave::nologin=yes reason=none
u1:{PLAIN}pw:5000:5000::/home/u1::allow_nets=10.0.0.0/8,local foo=bar
u2:{PLAIN}pw:5000:5000::/home/u2::user=carol foo=bar
u3:{PLAIN}pw:5000:5000::/home/u3::username=zed domain=ex.com nodelay=y
u4:{PLAIN}pw:5000:5000::/home/u4::proxy=y host=10.1.1.1 destuser=xx pass=yy
u5:{PLAIN}pw:5000:5000::/home/u5::fail=yes reason=noway code=foo
u6:{PLAIN}pw:5000:5000::/home/u6::nopassword=y foo bar=
u7::5000:5000::/home/u7::nopassword=y
u8::5000:5000::/home/u8::
u9:{FOO}x:5000:5000::/home/u9::
u10:{SHA}x:5000:5000::/home/u10::
u11:{PLAIN}pw:0:0::/home/u11::
u12:{PLAIN}pw:nosuch:5000::/home/u12::
u14:{PLAIN}pw:5000:mail::/home/u14::userdb_mail=maildir:~/M userdb_foo userdb_bar= k5principals=a
u16:{PLAIN}pw:5000:5000::/home/u16::allow_nets=local,127.0.0.1 nodelay
u17:{PLAIN}pw
u18:{PLAIN}pw:::::
u20:{PLAIN}pw:5000:5000::/home/u20::foo=%u-%r user=%u@dd
u22:{PLAIN}pw:5000:5000::/home/u22::userdb_uid=77 userdb_home=/x foo=a foo=b foo:remove=y
u23:{PLAIN}pw:5000:5000::/home/u23::login_user=carol
u24:{PLAIN}pw:5000:5000::/home/u24::noauthenticate=y
gina:{SCRAM-SHA-1}4096,+4B1uWfVg+wUqXP/Z6RLyw==,PUtjR249Cre0zuWsPfpc4WGZ/D8=,8P41rymBJ+61uZD/6lfBEbK2OOI=:5000:5000::/home/gina::
"""
CONF = """\
auth_mechanisms = plain login cram-md5 digest-md5 scram-sha-1 scram-sha-256 external anonymous
auth_failure_delay = 0
auth_verbose = yes
auth_master_user_separator = *
passdb {
  driver = passwd-file
  master = yes
  pass = yes
  args = /etc/dovecot/masters
}
"""
PASSWD_FILE = {"conf.d/10-auth.conf": lambda e: e.replace(
    "!include auth-system.conf.ext", "!include auth-passwdfile.conf.ext")}


def both(new_site, conf, edits=None, files=()):
    """Two sites, of Debian alone and with our auth in it, running."""
    reason = next((f"not built: {n}" for n in OURS
                   if not tree.find_program("ours", n)), None)
    if reason:
        pytest.skip(reason)
    sites = []
    for ours, address in ([], "192.0.2.10"), (OURS, "192.0.2.11"):
        site = dovecot.dovecot_site(new_site, "debian", ours=ours, conf=conf,
                                    edits=edits, addresses=(address,))
        for name, text in files:
            with open(f"{site.etc}/dovecot/{name}", "w") as f:
                f.write(text)
        site.start_dovecot()
        sites.append(site)
    return sites


def same(sites, questions):
    """What both answer to questions(site), which must be equal."""
    debian, ours = (questions(site) for site in sites)
    assert ours == debian
    return ours


@pytest.fixture
def sites(new_site):
    return both(new_site, CONF, PASSWD_FILE, [
        ("users", USERS), ("masters", "boss:{PLAIN}bosspw\n")])


def test_client_protocol(sites):
    def ask(site):
        c = auth.client(site)
        out = [auth.steady(line) for line in c.greeting]
        names = [line.split(":")[0] for line in USERS.splitlines()]
        number = 0
        for name in names + ["nobody", "Carol", "a%b@X", ""]:
            number += 1
            out.append(auth.plain(c, number, name, "pw"))
        for extra in (
                ("carol", "no"), ("carol", ""), ("dave", "pw2"),
                ("carol*boss", "bosspw"), ("nobody*boss", "bosspw"),
                ("carol*boss", "pw"), ("carol*nobody", "pw"),
                ("boss", "bosspw")):
            number += 1
            out.append(auth.plain(c, number, *extra))
        number += 1
        out.append(auth.plain(c, number, "boss", "bosspw", authzid="carol"))
        for line in (
                ("LOGIN", "resp=" + encode("carol")), ("LOGIN",),
                ("PLAIN", "resp=" + encode("carol", "carol", "pw")),
                ("PLAIN", "resp=" + encode("", "carol", "p", "w")),
                ("PLAIN", "resp=="), ("PLAIN", "resp=!!"), ("PLAIN",),
                ("ANONYMOUS", "resp=" + encode("trace")),
                ("EXTERNAL", "resp=="),
                ("SCRAM-SHA-1", "resp=" + encode("p=tls-unique,,n=a,r=b")),
                ("SCRAM-SHA-1", "resp=" + encode("garbage")),
                ("SCRAM-SHA-256", "resp=" + encode("n,,n=gina,r=abc")),
                ("SCRAM-SHA-1", "resp=" + encode("n,,n=nobody,r=abc"))):
            number += 1
            out.append(c.ask("AUTH", str(number), line[0], *auth.INFO,
                             *line[1:]))
        out.append(c.ask("CONT", str(number), "x"))
        out.append(c.ask("CONT", "999", "x"))
        c.close()
        return out
    answers = same(sites, ask)
    assert "OK\t1\tuser=carol\t" in answers


def test_challenges(sites):
    """A client that computes, against both."""
    def ask(site):
        out = []
        c = auth.client(site)
        for number, password in ((1, "pw"), (2, "no")):
            line = c.ask("AUTH", str(number), "CRAM-MD5", *auth.INFO)
            kind, _, text = line.split("\t")
            digest = hmac.new(password.encode(), auth.decode(text).encode(),
                              hashlib.md5).hexdigest()
            out += [kind, c.ask("CONT", str(number), encode("carol " + digest))]
        line = c.ask("AUTH", "3", "DIGEST-MD5", *auth.INFO)
        challenge = auth.decode(line.split("\t")[2])
        nonce = challenge.split('nonce="')[1].split('"')[0]
        out.append(challenge.replace(nonce, "NONCE"))

        def md5(text):
            return hashlib.md5(text).hexdigest()
        secret = hashlib.md5(b"carol::pw").digest()
        a1 = md5(secret + f":{nonce}:cn".encode())
        a2 = md5(b"AUTHENTICATE:imap/host")
        value = md5(f"{a1}:{nonce}:00000001:cn:auth:{a2}".encode())
        line = c.ask("CONT", "3", encode(
            f'username="carol",realm="",nonce="{nonce}",cnonce="cn",'
            f'nc=00000001,qop=auth,digest-uri="imap/host",response={value}'))
        rspauth = md5(f"{a1}:{nonce}:00000001:cn:auth:"
                      f"{md5(b':imap/host')}".encode())
        assert auth.decode(line.split("\t")[2]) == "rspauth=" + rspauth
        out.append(c.ask("CONT", "3", ""))
        c.close()
        return out
    assert same(sites, ask)[-1] == "OK\t3\tuser=carol\t"


def test_clients_that_do_wrong(sites):
    def ask(site):
        out = []
        for lines in (["VERSION\t2\t0"], ["CPID\t1"],
                      ["VERSION\t1\t2", "CPID\t0"],
                      ["VERSION\t1\t2", "CPID\t1", "AUTH\t1\tFOO\tservice=x"],
                      ["VERSION\t1\t2", "CPID\t1", "AUTH\t1\tPLAIN"],
                      ["VERSION\t1\t2", "CPID\t1", "WHAT\t1"]):
            c = auth.Lines(site, "/run/dovecot/auth-client", "DONE")
            for line in lines:
                c.write(line)
            out.append(c.read())
            c.close()
        return out
    assert set(same(sites, ask)) == {"<EOF>"}


def test_master_protocol(sites):
    def ask(site):
        m = auth.master(site)
        out = [auth.steady(line) for line in m.greeting]
        number = 0
        names = [line.split(":")[0] for line in USERS.splitlines()]
        for command in "USER", "PASS":
            for name in names + ["nobody", "Carol", "a%b", "boss"]:
                number += 1
                out.append(m.ask(command, str(number), name, *auth.INFO))
        m.write("LIST", "900", "service=imap")
        while not out[-1].startswith("DONE"):
            out.append(m.read())
        out.append(m.ask("CACHE-FLUSH", "901"))
        out.append(m.ask("REQUEST", "902", "4711", "1", "00" * 16))
        out.append(m.ask("WHAT", "903"))
        m.close()
        userdb = auth.master(site, "/run/dovecot/auth-userdb")
        out.append(userdb.ask("CACHE-FLUSH", "1"))
        userdb.close()
        return out
    assert "USER\t1\tcarol\tuid=5000\tgid=5000\thome=/home/carol\t" \
           "quota_rule=*:storage=1G" in same(sites, ask)


def test_login_is_handed_over(sites):
    def ask(site):
        c = auth.client(site, "/run/dovecot/login/login")
        cookie = c.greeting[-2].split("\t")[1]
        out = [auth.plain(c, 1, "carol", "pw"),
               auth.plain(c, 2, "dave", "pw2"),
               auth.plain(c, 3, "carol*boss", "bosspw")]
        m = auth.master(site)
        for number, value in ((1, "00" * 16), (1, cookie), (1, cookie),
                              (2, cookie), (3, cookie)):
            out.append(auth.steady(m.ask("REQUEST", "7", "4711", str(number),
                                         value, "request_auth_token")))
        m.close()
        c.close()
        return out
    assert any(line.startswith("USER\t7\tcarol\t") for line in
               same(sites, ask))


def test_log_lines(sites):
    """Those that fail2ban reads."""
    def ask(site):
        c = auth.client(site)
        for number, (user, password) in enumerate((
                ("carol", "no"), ("nobody", "no"), ("u1", "pw"), ("u9", "pw"),
                ("u10", "pw"), ("u24", "pw"), ("a%b@X", "pw"), ("", "pw"),
                ("carol*boss", "bosspw")), 1):
            auth.plain(c, number, user, password)
        c.ask("AUTH", "50", "PLAIN", *auth.INFO, "resp==")
        c.close()
        site.wait_for_log("plain.*invalid input")
        return [line.split("dovecot: ", 1)[1]
                for line in site.log.grep(r"dovecot: auth: .*abc")]
    assert len(same(sites, ask)) > 8


def test_system_users_and_imap(new_site):
    """Debian's default: PAM, and Debian's imap-login and imap."""
    sites = both(new_site, "disable_plaintext_auth = no\n"
                           "auth_failure_delay = 0\n")

    def ask(site):
        c = auth.client(site)
        out = [auth.plain(c, 1, "alice", dovecot.PASSWORD),
               auth.plain(c, 2, "alice", "wrong"),
               auth.plain(c, 3, "nobody2", "wrong")]
        c.close()
        m = auth.master(site)
        out += [m.ask("USER", "1", "alice", "service=lmtp"),
                m.ask("USER", "2", "nobody2", "service=lmtp"),
                m.ask("PASS", "3", "alice", "service=lmtp")]
        m.close()
        client = dovecot.imap(site)
        out.append(client.login("alice", dovecot.PASSWORD)[0])
        out.append(client.select()[0])
        who = site.run("doveadm", "who", "-1").stdout
        out.append(" ".join(who.split()[:6]))
        client.logout()
        client = dovecot.imap(site)
        with pytest.raises(client.error, match="AUTHENTICATIONFAILED"):
            client.login("alice", "wrong")
        client.shutdown()
        return out
    same(sites, ask)


def test_postfix_asks_our_auth(new_site):
    """Debian's Postfix, Debian's dovecot, our auth at private/auth."""
    site = dovecot.dovecot_site(
        new_site, "debian", ours=OURS, conf="""\
auth_mechanisms = plain login
service auth {
  unix_listener /var/spool/postfix/private/auth {
    mode = 0660
    user = postfix
    group = postfix
  }
}
""")
    site.main.set("smtpd_sasl_auth_enable = yes",
                  "smtpd_sasl_type = dovecot",
                  "smtpd_sasl_path = private/auth",
                  "smtpd_tls_auth_only = no")
    site.start_dovecot()
    site.start()
    with site.connect() as client:
        assert "AUTH PLAIN LOGIN" in client.ask("EHLO client.example", "250")
        client.ask("AUTH PLAIN " + encode("", "alice", "wrong"), "535")
        client.ask("AUTH PLAIN " + encode("", "alice", dovecot.PASSWORD),
                   "235")
        client.ask("QUIT", "221")
