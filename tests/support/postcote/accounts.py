"""Accounts that exist only inside a site."""

import functools
import os
import subprocess

SYSTEM = {  # name: (uid, gid, home)
    "root": (0, 0, "/root"), "daemon": (1, 1, "/usr/sbin"),
    "mail": (8, 8, "/var/mail"), "www-data": (33, 33, "/var/www"),
    "nobody": (65534, 65534, "/nonexistent"),
    "postfix": (901, 901, "/var/spool/postfix"),
    "dovecot": (903, 903, "/usr/lib/dovecot"),
    "dovenull": (904, 904, "/nonexistent"),
    "opendkim": (905, 905, "/run/opendkim"), "vmail": (5000, 5000, "/var/mail"),
}
GROUPS = {"postdrop": 902, "shadow": 42, "tty": 5, "adm": 4, "utmp": 43,
          "sasl": 45, "ssl-cert": 906}
UID = {name: ids[0] for name, ids in SYSTEM.items()}
GID = {**{name: ids[1] for name, ids in SYSTEM.items()}, **GROUPS,
       "nogroup": 65534}


@functools.cache
def hash_password(password):
    return subprocess.run(["openssl", "passwd", "-6", password], check=True,
                          capture_output=True, text=True).stdout.strip()


class Accounts:
    """The account files of a site, under its etc/."""

    def __init__(self, etc, home):
        self.etc, self.home = etc, home
        self.next_uid = 1000
        for name, (uid, gid, place) in SYSTEM.items():
            shell = "/bin/bash" if name == "root" else "/usr/sbin/nologin"
            self._add(name, uid, gid, place, shell, "*")
        for name, gid in GROUPS.items():
            self._append("group", f"{name}:x:{gid}:")
        os.chmod(f"{etc}/shadow", 0o640)
        os.chown(f"{etc}/shadow", 0, GID["shadow"])

    def _append(self, file, line):
        with open(f"{self.etc}/{file}", "a") as f:
            f.write(line + "\n")

    def _add(self, name, uid, gid, place, shell, secret):
        group = "nogroup" if name == "nobody" else name
        self._append("passwd", f"{name}:x:{uid}:{gid}:{name}:{place}:{shell}")
        self._append("group", f"{group}:x:{gid}:")
        self._append("shadow", f"{name}:{secret}:19000:0:99999:7:::")

    def add_user(self, name, password=None):
        """A person with a home directory; returns the uid."""
        uid = self.next_uid
        self.next_uid += 1
        secret = hash_password(password) if password else "*"
        self._add(name, uid, uid, f"/home/{name}", "/bin/bash", secret)
        os.makedirs(f"{self.home}/{name}", mode=0o755)
        os.chown(f"{self.home}/{name}", uid, uid)
        return uid
