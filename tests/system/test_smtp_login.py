"""The SMTP client logs in: which mechanism it takes, what it makes of a
refusal, and what it remembers of it."""

import base64
import hashlib
import hmac

import pytest
from postcote.sink import Sink

PEER = "192.0.2.80"
USER, PASSWORD = "user", "pencil"


class Server(Sink):
    """A relay that wants a login. mechanisms: what it offers; login:
    {mechanism: generator of challenges, which gets the answers and returns
    the last reply}."""

    def __init__(self, listener, mechanisms, login=None):
        super().__init__(listener)
        self.replies["EHLO"] = f"250-sink\n250 AUTH {mechanisms}"
        self.replies["AUTH"] = self._auth
        self.login, self.running = login or {}, None

    def _auth(self, line):
        words = line.split(" ")
        self.running = self.login[words[1]]()
        first = next(self.running)
        if len(words) > 2:
            return self._step(words[2])
        return "334 " + base64.b64encode(first or b"").decode()

    def _step(self, text):
        try:
            challenge = self.running.send(base64.b64decode(text))
            return "334 " + base64.b64encode(challenge).decode()
        except StopIteration as end:
            self.running = None
            return end.value

    def _reply(self, verb, line, default):
        if self.running and default.startswith("500"):
            return self._step(line)
        return super()._reply(verb, line, default)


def cram_md5():
    challenge = b"<1896.697170952@postoffice>"
    answer = yield challenge
    right = hmac.new(PASSWORD.encode(), challenge, "md5").hexdigest()
    return ("235 2.7.0 Fine" if answer == f"{USER} {right}".encode()
            else "535 5.7.8 No")


def digest_md5():
    nonce = "OA6MG9tEQGm2hh"
    answer = yield (f'realm="sink",nonce="{nonce}",qop="auth",'
                    "algorithm=md5-sess,charset=utf-8").encode()
    fields = dict(part.split("=", 1) for part in answer.decode().split(","))
    cnonce = fields["cnonce"].strip('"')
    uri = fields["digest-uri"].strip('"')

    def md5(data):
        return hashlib.md5(data).hexdigest()

    a1 = md5(hashlib.md5(f"{USER}:sink:{PASSWORD}".encode()).digest() +
             f":{nonce}:{cnonce}".encode())

    def response(a2):
        return md5(f"{a1}:{nonce}:00000001:{cnonce}:auth:{md5(a2)}".encode())

    assert uri == "smtp/relay.example"
    if fields["response"] != response(f"AUTHENTICATE:{uri}".encode()):
        return "535 5.7.8 No"
    yield ("rspauth=" + response(f":{uri}".encode())).encode()
    return "235 2.7.0 Fine"


def scram(name, proves=True):
    def run():
        def mac(key, text):
            return hmac.new(key, text, name).digest()

        first = (yield None).decode()
        assert first.startswith("n,,")
        nonce, salt = first.split("r=")[1] + "3rfcNH", b"salt of the sea"
        server = (f"r={nonce},s={base64.b64encode(salt).decode()},i=4096")
        final = (yield server.encode()).decode()
        bare, proof = final.rsplit(",p=", 1)
        salted = hashlib.pbkdf2_hmac(name, PASSWORD.encode(), salt, 4096)
        message = f"{first[3:]},{server},{bare}".encode()
        key = mac(salted, b"Client Key")
        signature = mac(hashlib.new(name, key).digest(), message)
        right = bytes(a ^ b for a, b in zip(key, signature))
        if base64.b64decode(proof) != right:
            return "535 5.7.8 No"
        if proves:
            verifier = mac(mac(salted, b"Server Key"), message)
            yield b"v=" + base64.b64encode(verifier)
        return "235 2.7.0 Fine"
    return run


LOGIN = {"CRAM-MD5": cram_md5, "DIGEST-MD5": digest_md5,
         "SCRAM-SHA-1": scram("sha1"), "SCRAM-SHA-256": scram("sha256")}


@pytest.fixture
def relay(site, network):
    network.dns.host("relay.example", network.add_address(PEER))
    made = []

    def make(mechanisms, login=None):
        site.main.set(
            "relayhost = [relay.example]", "smtp_sasl_auth_enable = yes",
            "smtp_sasl_password_maps = inline:{ { [relay.example] = "
            f"{USER}:{PASSWORD} }} }}", "smtp_sasl_security_options =",
            "smtp_tls_security_level = none")
        made.append(Server(network.listen(PEER, 25), mechanisms, login))
        return made[-1]

    yield make
    for server in made:
        server.close()


def send(site):
    """Sends one message and waits for its end; the log line."""
    mark = site.log.mark()
    site.run("sendmail", "-f", "alice@example.com", "to@elsewhere.example",
             input="Subject: t\n\nx\n")
    return site.wait_for_log(r"smtp\[\d+\]: \w+: (to=<.*status=.*)",
                             since=mark).group(1)


@pytest.mark.parametrize("offer, taken", [
    ("PLAIN LOGIN CRAM-MD5", "CRAM-MD5"),
    ("PLAIN CRAM-MD5 DIGEST-MD5", "DIGEST-MD5"),
    ("SCRAM-SHA-1 CRAM-MD5 PLAIN", "SCRAM-SHA-1"),
    ("DIGEST-MD5 SCRAM-SHA-1 SCRAM-SHA-256", "SCRAM-SHA-256")])
def test_the_strongest_mechanism_is_taken(site, relay, offer, taken):
    server = relay(offer, LOGIN)
    site.start()
    assert "status=sent" in send(site)
    logins = [c for c in server.commands if c.startswith("AUTH")]
    assert [c.split(" ")[1] for c in logins] == [taken]
    # The password itself is never on the wire.
    assert not any(PASSWORD.encode() in base64.b64decode(c.split(" ")[-1])
                   for c in logins if c.count(" ") > 1)


def test_a_filter_and_security_options_leave_out_mechanisms(site, relay):
    server = relay("SCRAM-SHA-256 CRAM-MD5 DIGEST-MD5 PLAIN", LOGIN)
    site.main.set("smtp_sasl_mechanism_filter = !scram-sha-256, !digest-md5, "
                  "static:rest")
    site.start()
    assert "status=sent" in send(site)
    assert "AUTH CRAM-MD5" in server.commands
    site.main.set("smtp_sasl_mechanism_filter = plain",
                  "smtp_sasl_security_options = noplaintext")
    site.reload()
    assert ("dsn=4.7.0, status=deferred (SASL authentication failed; cannot "
            "authenticate to server relay.example[192.0.2.80]: no mechanism "
            "available)") in send(site)
    site.main.set("smtp_sasl_mechanism_filter = gssapi")
    site.reload()
    assert ("dsn=4.7.0, status=deferred (SASL authentication failed: server "
            "relay.example[192.0.2.80] offered no compatible authentication "
            "mechanisms for this type of connection security)") in send(site)


def test_a_server_that_does_not_know_the_password_is_not_believed(
        suite, site, relay):
    """It says yes without having shown anything. The original believes it."""
    if suite == "debian":
        pytest.skip("the original asks for no proof")
    server = relay("SCRAM-SHA-256", {"SCRAM-SHA-256": scram("sha256", False)})
    site.start()
    assert ("status=deferred (SASL authentication failed; cannot authenticate "
            "to server relay.example[192.0.2.80]: ") in send(site)
    assert not server.messages


@pytest.mark.parametrize("soft, status", [
    ("yes", "dsn=4.7.8, status=deferred"), ("no", "dsn=5.7.8, status=bounced")])
def test_a_refused_login_defers_or_bounces(site, relay, soft, status):
    server = relay("PLAIN")
    server.replies["AUTH"] = "535 5.7.8 No"
    site.main.set(f"smtp_sasl_auth_soft_bounce = {soft}")
    site.start()
    assert (f"{status} (SASL authentication failed; server "
            "relay.example[192.0.2.80] said: 535 5.7.8 No)") in send(site)


def test_a_malformed_challenge_ends_the_login(site, relay):
    server = relay("CRAM-MD5")
    server.replies["AUTH"] = "334 !!!"
    site.start()
    assert ("dsn=4.7.0, status=deferred (SASL authentication failed; cannot "
            "authenticate to server relay.example[192.0.2.80]: ") in send(site)


def test_a_refused_login_is_not_tried_again(site, relay):
    server = relay("PLAIN")
    server.replies["AUTH"] = "535 5.7.8 No"
    site.main.set("smtp_sasl_auth_cache_name = "
                  "proxy:btree:/var/lib/postfix/sasl_auth_cache")
    site.start()
    assert "status=deferred (SASL authentication failed; server" in send(site)
    server.commands.clear()
    for _ in range(2):
        assert ("dsn=4.7.8, status=deferred (SASL [CACHED] authentication "
                "failed; server relay.example said: 535 5.7.8 No)") in send(
                    site)
    assert not any(c.startswith("AUTH") for c in server.commands)
    # Both suites know the record of the other.
    table = "btree:/var/lib/postfix/sasl_auth_cache"
    key, _, value = site.run("postmap", "-s", table).stdout.partition("\t")
    assert key == "relay.example;user"
    digest = base64.b64encode(hashlib.sha1(PASSWORD.encode()).digest())
    assert value.strip().split(";")[1:] == [digest.decode(), "5.7.8",
                                            "535 5.7.8 No"]
    # With another password it is.
    site.main.set("smtp_sasl_password_maps = inline:{ { [relay.example] = "
                  "user:other } }")
    site.reload()
    assert "status=deferred (SASL authentication failed; server" in send(site)
    assert any(c.startswith("AUTH") for c in server.commands)


def test_the_cache_of_logins_must_be_shared(site, relay):
    relay("PLAIN")
    site.main.set("smtp_sasl_auth_cache_name = "
                  "btree:/var/lib/postfix/sasl_auth_cache")
    site.start()
    site.run("sendmail", "to@elsewhere.example", input="Subject: t\n\nx\n")
    site.wait_for_log(r'fatal: SASL authentication cache name '
                      r'"btree:/var/lib/postfix/sasl_auth_cache" must start '
                      r'with "proxy:')
