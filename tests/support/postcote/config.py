"""Configuration files as Debian's packages leave them, and how-to edits."""

import os
import re
import shutil
import time

DYNAMIC_MAPS = """\
# dict-type\tso-name (pathname)\tdict-function\tmkmap-function
lmdb\tpostfix-lmdb.so\tdict_lmdb_open\tmkmap_lmdb_open
pcre\tpostfix-pcre.so\tdict_pcre_open
"""
# What postinst appends to main.cf.debian after its questions.
ANSWERS = """\
smtpd_relay_restrictions = permit_mynetworks permit_sasl_authenticated defer_unauth_destination
myhostname = {name}
alias_maps = hash:/etc/aliases
alias_database = hash:/etc/aliases
myorigin = /etc/mailname
mydestination = $myhostname, {domain}, localhost.localdomain, , localhost
relayhost = 
mynetworks = 127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128
mailbox_size_limit = 0
recipient_delimiter = +
inet_interfaces = all
inet_protocols = all
"""


def _read(*candidates):
    for path in candidates:
        if os.path.exists(path):
            with open(path) as f:
                return f.read()
    raise FileNotFoundError(candidates[0])


def make_postfix(directory, root, fallback, name, domain):
    """Makes /etc/postfix as a fresh installation leaves it.

    root: the suite's tree; fallback: the tree asked for what it lacks."""
    os.makedirs(directory, exist_ok=True)
    for source in (fallback, root):
        if os.path.isdir(f"{source}/etc/postfix"):
            shutil.copytree(f"{source}/etc/postfix", directory, symlinks=True,
                            dirs_exist_ok=True)
    os.makedirs(f"{directory}/sasl", exist_ok=True)
    share = [f"{root}/usr/share/postfix", f"{fallback}/usr/share/postfix"]
    main = "".join(_read(*(f"{s}/main.cf.{part}" for s in share))
                   for part in ("debian", "tls"))
    texts = {
        "main.cf": main + ANSWERS.format(name=name, domain=domain),
        "master.cf": _read(*(f"{s}/master.cf.dist" for s in share)),
        "master.cf.proto": _read(*(f"{s}/master.cf.dist" for s in share)),
        "dynamicmaps.cf": DYNAMIC_MAPS,
    }
    if os.path.exists(f"{fallback}/usr/share/postfix/main.cf.dist"):
        texts["main.cf.proto"] = _read(*(f"{s}/main.cf.dist" for s in share))
    for file, text in texts.items():
        Editor(f"{directory}/{file}").write(text)
    if not os.path.lexists(f"{directory}/makedefs.out"):
        os.symlink("/usr/share/postfix/makedefs.out",
                   f"{directory}/makedefs.out")


def make_dovecot(directory, root):
    """Makes /etc/dovecot as the packages (by ucf) leave it."""
    share = f"{root}/usr/share/dovecot"
    os.makedirs(f"{directory}/private", exist_ok=True)
    shutil.copytree(f"{share}/conf.d", f"{directory}/conf.d")
    for file in os.listdir(share):
        if file == "dovecot.conf" or file.endswith(".ext"):
            shutil.copy(f"{share}/{file}", directory)
    for end, source in (("pem", "certs/ssl-cert-snakeoil.pem"),
                        ("key", "private/ssl-cert-snakeoil.key")):
        os.symlink(f"/etc/ssl/{source}", f"{directory}/private/dovecot.{end}")


def make_opendkim(etc, root):
    """Makes /etc/opendkim.conf, /etc/default/opendkim and the key directory as
    the package leaves them; the trust anchor only where there is one."""
    os.makedirs(f"{etc}/default", exist_ok=True)
    os.makedirs(f"{etc}/dkimkeys", mode=0o700)
    share = f"{root}/usr/share/opendkim"
    text = _read(f"{root}/etc/opendkim.conf", f"{share}/opendkim.conf")
    if not os.path.exists("/usr/share/dns/root.key"):
        text = re.sub(r"(?m)^TrustAnchorFile", "#TrustAnchorFile", text)
    Editor(f"{etc}/opendkim.conf").write(text)
    Editor(f"{etc}/default/opendkim").write(
        _read(f"{root}/etc/default/opendkim", f"{share}/opendkim.default"))


class Editor:
    """Edits of one file, as a person with an editor does them."""

    def __init__(self, path):
        self.path = path

    @property
    def text(self):
        with open(self.path, errors="surrogateescape") as f:
            return f.read()

    def write(self, text):
        """The file then looks ten seconds old: Debian's programs wait until
        a file that they read is not brand-new."""
        with open(self.path, "w", errors="surrogateescape") as f:
            f.write(text)
        past = time.time() - 10
        os.utime(self.path, (past, past))

    def append(self, text):
        self.write(self.text.rstrip("\n") + "\n" + text.rstrip("\n") + "\n")

    def replace(self, pattern, replacement):
        """Replaces lines; it is an error if there is none."""
        text, count = re.subn(pattern, replacement, self.text, flags=re.M)
        assert count, f"{self.path} has no line {pattern!r}"
        self.write(text)

    def uncomment(self, start):
        """Takes the # from the one line that starts so."""
        spaces = r"[ \t]+".join(map(re.escape, start.split()))
        self.replace(rf"^#[ \t]*({spaces}\b.*)$", r"\1")

    def set(self, *lines):
        """`name = value` lines of main.cf: in place of the old, or new."""
        for line in lines:
            name = line.split("=")[0].strip()
            old = rf"^{re.escape(name)}[ \t]*=.*\n(?:[ \t]+.*\n)*"
            text, count = re.subn(old, lambda _: line.rstrip("\n") + "\n",
                                  self.text, flags=re.M)
            if count:
                self.write(text)
            else:
                self.append(line)

    def set_service(self, line):
        """A service of master.cf: in place of the old, or new."""
        name, kind = line.split()[:2]
        old = rf"^{re.escape(name)}[ \t]+{kind}[ \t].*\n(?:[ \t]+.*\n)*"
        text, count = re.subn(old, lambda _: line.rstrip("\n") + "\n",
                              self.text, count=1, flags=re.M)
        if count:
            self.write(text)
        else:
            self.append(line)
