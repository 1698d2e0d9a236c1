"""Private dovecot sites: Debian's, with any of our programs in it.

    site = dovecot_site(new_site, "ours", conf="mail_location = ...")
    site.start_dovecot()
    with imap(site) as client: client.login("alice", "secret")
"""

import imaplib
import poplib
import ssl

from postcote import tree
from postcote.dialogue import Dialogue

PASSWORD = "secret"


def dovecot_site(new_site, suite="ours", ours=None, conf="", edits=None,
                 users=("alice", "bob"), maildir=True, postfix="debian",
                 **options):
    """A site, not started, with Debian's /etc/dovecot.

    new_site: the fixture. suite: "debian" or "ours". ours: exactly these of
    ours (names as tree.find_program() takes them) in Debian's. conf: goes to
    /etc/dovecot/local.conf. edits: {file: function(Editor)} for files under
    /etc/dovecot. users: accounts with PASSWORD. maildir: mail_location is
    ~/Maildir instead of Debian's mbox. postfix: the suite of the MTA."""
    whole = suite if ours is None else "debian"
    site = new_site(tree.Tree(postfix, dovecot=whole,
                              replace={name: "ours" for name in ours or ()}),
                    **options)
    for name in users:
        site.add_user(name, PASSWORD)
    if maildir:
        conf = "mail_location = maildir:~/Maildir\n" + conf
    with open(f"{site.etc}/dovecot/local.conf", "w") as f:
        f.write(conf)
    for file, edit in (edits or {}).items():
        edit(site.dovecot_file(file))
    return site


class _Imap(imaplib.IMAP4):
    def __init__(self, site, address, port, tls):
        self.site, self.tls = site, tls
        super().__init__(address, port)

    def _create_socket(self, timeout):
        plain = self.site.space.connect(self.host, self.port)
        return _context().wrap_socket(plain) if self.tls else plain


class _Pop3(poplib.POP3):
    def __init__(self, site, address, port, tls):
        self.site, self.tls = site, tls
        super().__init__(address, port)

    def _create_socket(self, timeout):
        plain = self.site.space.connect(self.host, self.port)
        return _context().wrap_socket(plain) if self.tls else plain


def _context():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def imap(site, address="127.0.0.1", tls=False):
    """An imaplib client inside the site: port 143, or 993 with tls."""
    return _Imap(site, address, 993 if tls else 143, tls)


def pop3(site, address="127.0.0.1", tls=False):
    """A poplib client inside the site: port 110, or 995 with tls."""
    return _Pop3(site, address, 995 if tls else 110, tls)


def lmtp(site, port=24, address="127.0.0.1"):
    """A Dialogue with an inet_listener of service lmtp."""
    return Dialogue(site.space.connect(address, port))


def master_pid(site):
    with open(f"/proc/{site.space.pid}/root/run/dovecot/master.pid") as f:
        return int(f.read())


def processes(site):
    """{title: [pid]} of the site's Dovecot processes, from inside."""
    out = {}
    for line in site.run("ps", "axo", "pid=,args=").stdout.splitlines():
        pid, title = line.split(None, 1)
        if title.startswith("dovecot/"):
            out.setdefault(title, []).append(int(pid))
    return out
