"""Conversations with IMAP, POP3 and LMTP servers, as bytes."""

import re
import ssl

CONFIG = """\
ssl = yes
ssl_cert = <{cert}
ssl_key = <{key}
auth_mechanisms = plain login
auth_failure_delay = 0
mail_location = {location}
protocols = imap pop3 lmtp
service lmtp {{
  inet_listener lmtp {{
    port = 24
  }}
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
passdb {{
  driver = passwd-file
  args = /etc/dovecot/pwfile
}}
userdb {{
  driver = passwd-file
  args = /etc/dovecot/pwfile
}}
{extra}
"""
VARIABLE = [  # what differs from run to run
    (rb"^\* OK Waiting for authentication process to respond\.\.\r\n", b""),
    (rb"\b[0-9A-Za-z+/]{22}((:T\d+)?(:R\d+)?) Saved", rb"SESSION\1 Saved"),
    (rb"\b([0-9a-f]{8})6[0-9a-f]{7}\b", rb"\1UIDVALIDITY"),
    (rb"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\]", b"[TIME]"),
    (rb"\(\d\.\d{3} \+ \d\.\d{3}( \+ \d\.\d{3})? secs\)", b"(TIME)"),
]


def furnish(site, location="maildir:~/Maildir", extra=""):
    """Users bob and carol in a passwd-file, with one user id, and what dovecot
    is to serve; to be called before start_dovecot()."""
    site.dovecot_file("conf.d/10-auth.conf").replace(
        r"^!include auth-system", "#!include auth-system")
    uid = site.add_user("bob")
    site.add_user("carol")
    cert, key = site.certificate("mx.example.com")
    with open(f"{site.etc}/dovecot/local.conf", "w") as f:
        f.write(CONFIG.format(cert=cert, key=key, location=location,
                              extra=extra))
    with open(f"{site.etc}/dovecot/pwfile", "w") as f:
        for name, home in (("bob", "bob"), ("carol", "carol")):
            f.write(f"{name}:{{PLAIN}}pass:{uid}:{uid}::/home/{home}::\n")
        f.write("nolog:{PLAIN}pass::::::nologin reason=Go away\n"
                "off:{PLAIN}pass::::::nologin\n"
                f"nohome:{{PLAIN}}pass:{uid}:{uid}::::\n"
                "low:{PLAIN}pass:100:100::/home/low::\n")


def ask(socket, text):
    """Sends all of `text` at once and reads to the end of the connection."""
    socket.settimeout(20)
    socket.sendall(text if isinstance(text, bytes) else text.encode())
    got = b""
    while True:
        try:
            data = socket.recv(65536)
        except ConnectionResetError:
            break
        except TimeoutError:
            raise AssertionError(f"no end of it: {got!r}") from None
        if not data:
            break
        got += data
    return got


def until(socket, ending, limit=30):
    """Reads until the bytes end so."""
    socket.settimeout(limit)
    got = b""
    while not got.endswith(ending):
        data = socket.recv(65536)
        assert data, f"closed after {got!r}"
        got += data
    return got


def wrap(socket, name=None):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(socket, server_hostname=name)


def plain(got):
    """Without what differs from run to run."""
    for pattern, text in VARIABLE:
        got = re.sub(pattern, text, got)
    return got.decode("latin-1")
