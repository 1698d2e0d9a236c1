"""A content filter between two smtpd, in front of the queue (smtpd_proxy_filter):
what it answers is what the client hears, and nothing is taken on before."""

import pytest
from postcote.dialogue import Dialogue
from postcote.sink import serve_each
from postcote.wait import wait_until

FILTER, BEHIND = 10025, 10026
TEXT = "Subject: in\n\n.dot\nFrom here\n"


class Filter:
    """An SMTP proxy: passes each command on to the smtpd behind it, but for
    those that have a reply here; adds a header to each message. None as
    reply: it hangs up."""

    def __init__(self, site, replies=None):
        self.site, self.replies = site, replies or {}
        self.sessions, self.commands = 0, []
        self.listener = site.space.listen("127.0.0.1", FILTER)
        serve_each(self.listener, self._serve)

    def _serve(self, client):
        self.sessions += 1
        try:
            with client, Dialogue(self.site.space.connect(
                    "127.0.0.1", BEHIND)) as server:
                self._pass(client, client.makefile("rb"), server)
        except (OSError, EOFError):
            pass

    def _pass(self, client, lines, server):
        def say(verb, ask):
            reply = self.replies[verb] if verb in self.replies else ask()
            if reply is None:
                raise EOFError
            client.sendall(reply.replace("\n", "\r\n").encode() + b"\r\n")
            return reply

        say("CONNECT", lambda: "220 filter ESMTP")
        for line in lines:
            line = line.decode("latin-1").rstrip("\r\n")
            self.commands.append(line)
            verb = line.split(" ")[0]
            reply = say(verb, lambda: (server.send(line), server.reply())[1])
            if verb == "DATA" and reply.startswith("354"):
                server.send("X-Filtered: yes")
                for text in lines:
                    text = text.decode("latin-1").rstrip("\r\n")
                    if text == ".":
                        break
                    server.send(text)
                say(".", lambda: (server.send("."), server.reply())[1])
                if "." in self.replies:
                    return  # the smtpd behind shall forget the message

    def close(self):
        self.listener.close()


@pytest.fixture(params=["", "speed_adjust"])
def options(request):
    return request.param


@pytest.fixture
def filtered(site, options):
    """Starts the site with a filter; gives the filter and a client."""
    made = []
    site.main.set("message_size_limit = 20000000")
    site.master.set_service(
        "smtp inet n - y - - smtpd -o smtpd_proxy_filter=127.0.0.1:"
        f"{FILTER} -o smtpd_proxy_options={options} "
        "-o smtpd_proxy_ehlo=front.example")
    site.master.set_service(
        f"127.0.0.1:{BEHIND} inet n - y - - smtpd "
        "-o smtpd_authorized_xforward_hosts=127.0.0.0/8 "
        "-o smtpd_recipient_restrictions=permit_mynetworks,reject "
        "-o receive_override_options=no_unknown_recipient_checks")
    site.add_user("alice")
    site.start()

    def make(replies=None, runs=True):
        if runs:
            made.append(Filter(site, replies))
        client = site.connect_from_outside()
        client.ask("EHLO client.example", "250")
        return (made[-1] if runs else None), client

    yield make
    for one in made:
        one.close()


def begin(client, *recipients):
    client.ask("MAIL FROM:<s@x.example> BODY=8BITMIME", "250")
    return [client.ask(f"RCPT TO:<{r}>", "")
            for r in recipients or ["alice@example.com"]]


def content(client, text):
    client.ask("DATA", "354")
    lines = ["." + line if line.startswith(".") else line
             for line in text.splitlines()]
    client.socket.sendall("\r\n".join(lines).encode() + b"\r\n")
    return client.ask(".", "")


def test_mail_goes_through_the_filter(site, options, filtered):
    proxy, client = filtered()
    assert begin(client, "alice@example.com", "stranger@example.com",
                 "x@elsewhere.example")[0] == "250 2.1.5 Ok"
    assert proxy.sessions == (0 if options else 1)
    reply = content(client, TEXT)
    assert reply.startswith("250 2.0.0 Ok: queued as ")
    client.ask("QUIT", "221")
    queue_id = reply.split()[-1]
    wait_until("the filter to hear QUIT", lambda: "QUIT" in proxy.commands)
    assert proxy.commands[0] == "EHLO front.example"
    xforward = proxy.commands[1]
    assert xforward.startswith("XFORWARD NAME=[UNAVAILABLE] ADDR=192.0.2.")
    assert xforward.endswith(" HELO=client.example IDENT=[UNAVAILABLE] "
                             "PROTO=ESMTP SOURCE=REMOTE")
    # As the client has said it; what we refuse ourselves is not passed on.
    assert proxy.commands[2:] == [
        "MAIL FROM:<s@x.example> BODY=8BITMIME",
        "RCPT TO:<alice@example.com>", "DATA", "QUIT"]
    text = str(site.wait_for_mbox("alice"))
    assert "X-Filtered: yes\n" in text
    assert text.count("\nReceived: ") == 2
    assert "\n\tby mx.example.com (Postfix) with ESMTP\n\tfor " \
        "<alice@example.com>; " in text
    assert "\n\n.dot\n>From here\n" in text
    address = r"192\.0\.2\.\d+"
    site.wait_for_log(rf"smtpd\[\d+\]: NOQUEUE: client=unknown\[{address}\]$")
    site.wait_for_log(
        rf"smtpd\[\d+\]: {queue_id}: client=localhost\[127.0.0.1\], "
        rf"orig_client=unknown\[{address}\]$")
    site.wait_for_log(
        rf"smtpd\[\d+\]: proxy-accept: END-OF-MESSAGE: 250 2.0.0 Ok: queued "
        rf"as {queue_id}; from=<s@x.example> to=<alice@example.com> "
        r"proto=ESMTP helo=<client.example>$")


def test_the_filters_refusal_is_the_clients(site, filtered):
    _, client = filtered({".": "550 5.7.1 virus"})
    begin(client)
    assert content(client, TEXT) == "550 5.7.1 virus"
    site.wait_for_log(
        r"smtpd\[\d+\]: proxy-reject: END-OF-MESSAGE: 550 5.7.1 virus; "
        r"from=<s@x.example> to=<alice@example.com> proto=ESMTP "
        r"helo=<client.example>$")
    # The session goes on.
    begin(client)
    client.ask("RSET", "250")
    client.ask("QUIT", "221")
    site.wait_for_empty_queue()
    assert not site.mbox("alice")


@pytest.mark.parametrize("verb, reply", [
    ("MAIL", "550 5.1.7 no mail"), ("RCPT", "450 4.1.1 not now"),
    ("DATA", "550 5.3.0 no data")])
def test_a_command_that_the_filter_refuses(site, options, filtered, verb,
                                           reply):
    _, client = filtered({verb: reply})
    said = begin(client)
    if options:  # the client hears of it at the end
        said = [content(client, TEXT)]
    elif verb == "DATA":
        said = [client.ask("DATA", "")]
    assert said == [reply]
    site.wait_for_log(rf'warning: proxy 127.0.0.1:{FILTER} rejected '
                      rf'"{verb}.*": "{reply}"$')
    client.ask("QUIT", "221")
    site.wait_for_empty_queue()


@pytest.mark.parametrize("replies, why", [
    (None, "connect to proxy filter 127.0.0.1:10025: Connection refused"),
    ({"CONNECT": "554 no"}, 'proxy 127.0.0.1:10025 rejected "connection '
     'request": "554 no"'),
    ({"EHLO": "502 no"}, 'proxy 127.0.0.1:10025 rejected "EHLO '
     'front.example": "502 no"'),
    ({"RCPT": None}, "lost connection with proxy 127.0.0.1:10025"),
    ({".": None}, "lost connection with proxy 127.0.0.1:10025")])
def test_a_filter_that_fails_takes_no_mail(site, options, filtered, replies,
                                           why):
    _, client = filtered(replies, runs=replies is not None)
    failure = "451 4.3.0 Error: queue file write error"
    said = begin(client)
    if options or replies == {".": None}:
        said = [content(client, TEXT)]
    assert said == [failure]
    site.log.wait_for("warning: " + why.replace("[", r"\["))
    client.ask("QUIT", "221")
    site.wait_for_empty_queue()
    assert not site.mbox("alice")


def test_a_long_message_is_passed_on_whole(site, filtered):
    _, client = filtered()
    body = "\n".join(f"{i:06d} {'x' * 70}" for i in range(20000))
    begin(client)
    assert content(client, "Subject: long\n\n" + body).startswith("250 ")
    site.wait_for_log("to=<alice@example.com>, .*status=sent")
    assert body in str(site.wait_for_mbox("alice"))
