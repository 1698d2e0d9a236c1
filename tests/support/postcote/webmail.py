"""Roundcube from Debian's packages, unpacked and never installed, served by
PHP's own server inside a site; and a browser's part of the conversation."""

import functools
import html
import http.client
import http.cookies
import json
import re
import subprocess
import urllib.parse

from postcote import oracle
from postcote.wait import wait_until

PACKAGES = [
    "roundcube-core", "roundcube-sqlite3", "php8.2-cli", "php8.2-common",
    "php8.2-intl", "php8.2-mbstring", "php8.2-xml", "php8.2-sqlite3",
    "php-pear", "php-auth-sasl", "php-mail-mime", "php-net-socket",
    "php-net-smtp", "php-net-sieve", "php-masterminds-html5",
    "php-guzzlehttp-guzzle", "php-guzzlehttp-psr7",
    "php-guzzlehttp-promises", "php-psr-http-message", "php-psr-http-factory",
    "php-psr-http-client", "php-getallheaders",
    "php-symfony-deprecation-contracts", "libjs-jquery", "libjs-bootstrap4",
    "libjs-popper.js", "libjs-jstimezonedetect",
]
EXTENSIONS = ["pdo", "pdo_sqlite", "mbstring", "intl", "dom", "xml", "ctype",
              "fileinfo", "iconv", "tokenizer", "sockets", "simplexml",
              "exif", "posix"]
PORT = 8000
CONFIG = """\
<?php
$config = [];
$config['db_dsnw'] = 'sqlite:////run/roundcube/db?mode=0640';
$config['imap_host'] = 'localhost:143';
$config['smtp_host'] = 'tls://localhost:587';
$config['smtp_conn_options'] = ['ssl' => [
    'verify_peer' => false, 'verify_peer_name' => false]];
$config['mail_domain'] = 'example.com';
$config['des_key'] = 'rcmail-!24ByteDESkey*Str';
$config['plugins'] = [];
$config['create_default_folders'] = true;
$config['log_dir'] = '/run/roundcube/logs';
$config['temp_dir'] = '/run/roundcube/temp';
$config['imap_debug'] = true;
"""


@functools.cache
def find():
    """(root directory, None), or (None, why there is none)."""
    root, reason = oracle.find_packages("roundcube", PACKAGES)
    if reason:
        return None, reason
    listed = subprocess.run(["ldd", f"{root}/usr/bin/php8.2"],
                            capture_output=True, text=True).stdout
    missing = re.findall(r"(\S+) => not found", listed)
    return (None, f"php needs {', '.join(missing)}") if missing else (root,
                                                                      None)


class Server:
    """Roundcube at port 8000 of a site, whose tree has find()'s root."""

    def __init__(self, site):
        self.site = site
        with open(f"{site.etc}/roundcube/config.inc.php", "w") as f:
            f.write(CONFIG)
        site.run("sh", "-ec", "install -d -o www-data /run/roundcube "
                 "/run/roundcube/logs /run/roundcube/temp")
        options = [word for name in EXTENSIONS
                   for word in ("-d", f"extension={name}")]
        php = ["/usr/bin/php8.2", "-d", "date.timezone=UTC",
               "-d", "error_log=/run/roundcube/logs/php", *options]
        site.run(*php, "-r", "$db = new PDO('sqlite:/run/roundcube/db'); "
                 "$db->exec(file_get_contents("
                 "'/usr/share/roundcube/SQL/sqlite.initial.sql'));",
                 user="www-data")
        self.process = subprocess.Popen(
            site.space.enter_argv([*php, "-S", f"127.0.0.1:{PORT}", "-t",
                                   "/var/lib/roundcube/public_html"],
                                  "www-data"),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, cwd="/")
        wait_until("PHP's server", self._answers)

    def _answers(self):
        try:
            self.site.space.connect("127.0.0.1", PORT).close()
            return True
        except OSError:
            return False

    def log(self, name):
        """A log file of Roundcube's; empty if there is none."""
        return self.site.run("cat", f"/run/roundcube/logs/{name}",
                             check=False).stdout

    def close(self):
        self.process.kill()
        self.process.wait()


class Browser:
    """One person's session: cookies, and the token that each change needs."""

    def __init__(self, site):
        self.site = site
        self.cookies = http.cookies.SimpleCookie()
        self.token = ""

    def request(self, method, query, form=None, headers=None, hops=5):
        """The page's text; redirections are followed."""
        connection = http.client.HTTPConnection("127.0.0.1", PORT)
        connection.sock = self.site.space.connect("127.0.0.1", PORT, limit=60)
        send = {"Cookie": "; ".join(f"{name}={morsel.value}" for name, morsel
                                    in self.cookies.items()),
                "User-Agent": "Mozilla/5.0 (X11; Linux x86_64)",
                **(headers or {})}
        body = urllib.parse.urlencode(form) if form is not None else None
        if body is not None:
            send["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request(method, "/" + query, body, send)
        reply = connection.getresponse()
        text = reply.read().decode()
        for name, value in reply.getheaders():
            if name.lower() == "set-cookie":
                self.cookies.load(value)
        connection.close()
        if reply.status in (301, 302) and hops:
            where = reply.getheader("Location")
            where = where[where.index("?"):] if "?" in where else ""
            return self.request("GET", where, headers=headers, hops=hops - 1)
        assert reply.status == 200, (reply.status, text[:2000])
        token = (re.search(r'"request_token":"(\w+)"', text) or
                 re.search(r'name="_token" value="(\w+)"', text))
        if token:
            self.token = token.group(1)
        return text

    def page(self, **query):
        return self.request("GET", "?" + urllib.parse.urlencode(query))

    def ajax(self, action, form=None, **query):
        """What the page's script asks in the background; the answer."""
        query = {"_task": "mail", "_action": action, "_remote": "1",
                 "_unlock": "0", **query}
        headers = {"X-Roundcube-Request": self.token,
                   "X-Requested-With": "XMLHttpRequest"}
        if form is not None:
            form = {**form, "_remote": "1", "_unlock": "0"}
        text = self.request("GET" if form is None else "POST",
                            "?" + urllib.parse.urlencode(query), form, headers)
        return json.loads(text)

    def log_in(self, user, password):
        self.page(_task="login")
        return self.request("POST", "?_task=login", {
            "_token": self.token, "_task": "login", "_action": "login",
            "_timezone": "UTC", "_url": "", "_user": user, "_pass": password})

    def rows(self, answer):
        """{uid: subject} of an answer that fills the list of messages."""
        found = re.findall(r'add_message_row\((\d+),(\{.*?\}),\{',
                           answer["exec"])
        return {int(uid): re.sub(r"<[^>]+>", "", html.unescape(
            json.loads(fields)["subject"])) for uid, fields in found}

    def send(self, to, subject, text):
        """Writes and sends a message; the answer's text."""
        page = self.page(_task="mail", _action="compose")

        def hidden(name):
            return re.search(rf'name="{name}" value="([^"]*)"', page).group(1)
        sender = re.search(r'<select[^>]*name="_from".*?<option value="(\d+)"',
                           page, re.S).group(1)
        return self.request("POST", "?_task=mail&_lang=en&_framed=1", {
            "_token": self.token, "_task": "mail", "_action": "send",
            "_id": hidden("_id"), "_attachments": "", "_from": sender,
            "_to": to, "_cc": "", "_bcc": "", "_replyto": "",
            "_followupto": "", "_subject": subject, "_draft_saveid": "",
            "_draft": "", "_is_html": "0", "_framed": "1", "_message": text,
            "_store_target": "Sent", "editorSelector": "plain"})
