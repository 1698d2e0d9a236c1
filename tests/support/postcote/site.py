"""A mail site: one host with Debian's configuration and a suite's daemons."""

import json
import os
import shutil
import tempfile

from postcote import config
from postcote.accounts import GID, UID, Accounts
from postcote.certificate import make_certificate
from postcote.dialogue import Dialogue
from postcote.mailboxes import queue_files, read_maildir, read_mbox
from postcote.namespaces import Namespace
from postcote.network import DNS_ADDRESS
from postcote.syslog import Log
from postcote.tree import find_root
from postcote.wait import wait_until

PRIVATE_QUEUES = ("active", "bounce", "corrupt", "defer", "deferred", "flush",
                  "incoming", "private", "saved", "hold", "trace")
DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8),
           "urandom": (1, 9), "tty": (5, 0)}
NSSWITCH = """\
passwd: files
group: files
shadow: files
hosts: files dns
services: files
protocols: files
networks: files
"""
PAM = "auth required pam_unix.so\naccount required pam_unix.so\n"


def make_queue(queue):
    """The queue directory as Debian's installation and first start leave it."""
    def make(name, mode, owner=0, group=0):
        path = f"{queue}/{name}"
        os.makedirs(path, exist_ok=True)
        os.chown(path, owner, group)
        os.chmod(path, mode)
    for name in PRIVATE_QUEUES:
        make(name, 0o700, UID["postfix"])
    make("maildrop", 0o1730, UID["postfix"], GID["postdrop"])
    make("public", 0o2710, UID["postfix"], GID["postdrop"])
    for name in ("pid", "dev", "etc", "lib", "usr"):
        make(name, 0o755)


def make_devices(dev):
    os.makedirs(f"{dev}/shm")
    os.chmod(f"{dev}/shm", 0o1777)
    for name, (major, minor) in DEVICES.items():
        os.mknod(f"{dev}/{name}", 0o020666, os.makedev(major, minor))
        os.chmod(f"{dev}/{name}", 0o666)
    for name, target in (("fd", "/proc/self/fd"), ("stdin", "fd/0"),
                         ("stdout", "fd/1"), ("stderr", "fd/2")):
        os.symlink(target, f"{dev}/{name}")


class Site:
    """network: where it is plugged in. tree: its programs. addresses: its
    own on eth0; A, AAAA and PTR records are published. queue: an existing
    queue directory to go on with (else a new one). bare: nothing is taken
    from Debian's packages, and /etc/dovecot is empty."""

    def __init__(self, network, tree, name="mx.example.com",
                 addresses=("192.0.2.10", "2001:db8::10"), queue=None,
                 bare=False):
        self.network, self.tree, self.name = network, tree, name
        self.bare = bare
        self.domain = name.split(".", 1)[1]
        self.addresses = list(addresses)
        self.dir = tempfile.mkdtemp(
            prefix="postcote-site.",
            dir=os.environ.get("POSTCOTE_SCRATCH", "/var/tmp"))
        os.chmod(self.dir, 0o755)
        self.etc, self.home = f"{self.dir}/etc", f"{self.dir}/home"
        self.mail = f"{self.dir}/mail"
        self.queue = queue or f"{self.dir}/queue"
        self._make_files()
        self.space = Namespace(name, self._mounts(), self._directories())
        network.plug(self.space, self.addresses)
        network.dns.host(name, *self.addresses)
        self.log = Log(name, f"{self.dir}/mail.log",
                       [f"{self.dir}/dev/log", f"{self.queue}/dev/log"])

    # ------------------------------------------------------------ set-up

    def _make_files(self):
        for part in ("etc", ".work", "mp/spool/postfix", "mp/lib/postfix",
                     "mp/lib/dovecot", "dovecot", "data", "mail", "home", "root"):
            os.makedirs(f"{self.dir}/{part}")
        if self.queue == f"{self.dir}/queue":
            make_queue(self.queue)
        make_devices(f"{self.dir}/dev")
        os.chown(f"{self.dir}/data", UID["postfix"], GID["postfix"])
        os.chown(self.mail, 0, GID["mail"])
        os.chmod(self.mail, 0o2775)
        os.chmod(f"{self.dir}/root", 0o700)
        self._make_etc()
        self.accounts = Accounts(self.etc, self.home)

    def _make_etc(self):
        texts = {
            "mailname": f"{self.domain}\n",
            "aliases": "# See man 5 aliases for format\npostmaster:    root\n",
            "hosts": "127.0.0.1\tlocalhost\n::1\tlocalhost\n"
                     f"{self.addresses[0]}\t{self.name} "
                     f"{self.name.split('.')[0]}\n",
            "resolv.conf": f"nameserver {DNS_ADDRESS}\n",
            "nsswitch.conf": NSSWITCH,
            "host.conf": "multi on\n",
            "hostname": self.name.split(".")[0] + "\n",
        }
        for name, text in texts.items():
            with open(f"{self.etc}/{name}", "w") as f:
                f.write(text)
        cert, key = make_certificate(f"{self.dir}/snakeoil", self.name)
        for source, target in ((cert, "certs/ssl-cert-snakeoil.pem"),
                               (key, "private/ssl-cert-snakeoil.key")):
            os.makedirs(os.path.dirname(f"{self.etc}/ssl/{target}"),
                        exist_ok=True)
            shutil.copy(source, f"{self.etc}/ssl/{target}")
        config.make_postfix(f"{self.etc}/postfix", self.tree.root(),
                            self._package_root(), self.name, self.domain)
        os.makedirs(f"{self.etc}/pam.d")
        if self.bare:
            os.makedirs(f"{self.etc}/dovecot")
            with open(f"{self.etc}/pam.d/dovecot", "w") as f:
                f.write(PAM)
        else:
            config.make_dovecot(f"{self.etc}/dovecot", find_root("debian"))
            shutil.copy(f"{find_root('debian')}/etc/pam.d/dovecot",
                        f"{self.etc}/pam.d/dovecot")
        if self.tree.suites["opendkim"]:
            config.make_opendkim(self.etc, self._package_root("opendkim"))
            shutil.chown(f"{self.etc}/dkimkeys", UID["opendkim"],
                         GID["opendkim"])
            self.opendkim = config.Editor(f"{self.etc}/opendkim.conf")
        for etc in self.tree.other_places("etc"):
            shutil.copytree(etc, self.etc, symlinks=True, dirs_exist_ok=True)
        self.main = config.Editor(f"{self.etc}/postfix/main.cf")
        self.master = config.Editor(f"{self.etc}/postfix/master.cf")
        self.aliases = config.Editor(f"{self.etc}/aliases")

    def _package_root(self, component="postfix"):
        """Where a package's files besides its programs are from."""
        return self.tree.root(component) if self.bare else find_root("debian")

    def _mounts(self):
        d = self.dir
        return [
            *self.tree.compose(f"{d}/tree", GID["postdrop"]),
            ["-t", "overlay", "etc", "-o",
             f"lowerdir=/etc,upperdir={self.etc},workdir={d}/.work", "/etc"],
            ["--bind", f"{self.etc}/postfix", "/etc/postfix"],
            ["--bind", f"{self.etc}/dovecot", "/etc/dovecot"],
            ["--bind", f"{self.etc}/ssl/certs", "/etc/ssl/certs"],
            ["-t", "overlay", "spool", "-o",
             f"lowerdir={d}/mp/spool:/var/spool", "/var/spool"],
            ["-t", "overlay", "lib", "-o", ":".join(
                [f"lowerdir={d}/mp/lib", "/var/lib"] +
                self.tree.other_places("var/lib")), "/var/lib"],
            ["--bind", self.queue, "/var/spool/postfix"],
            ["--bind", f"{d}/data", "/var/lib/postfix"],
            ["--bind", f"{d}/dovecot", "/var/lib/dovecot"],
            ["--bind", self.mail, "/var/mail"],
            ["--bind", f"{d}/dev", "/dev"],
            ["-t", "tmpfs", "-o", "mode=755", "run", "/run"],
            ["--bind", self.home, "/home"],
            ["--bind", f"{d}/root", "/root"],
        ]

    @staticmethod
    def _directories():
        return [["/run/lock", 0o1777, "root", "root"],
                ["/run/dovecot", 0o755, "root", "root"],
                ["/run/opendkim", 0o750, "opendkim", "opendkim"]]

    def dovecot_file(self, name):
        """An editor of a file under /etc/dovecot."""
        return config.Editor(f"{self.etc}/dovecot/{name}")

    def log_to_file(self):
        """Has postlogd write the log, in place of the system's logger."""
        path = f"{self.dir}/data/mail.log"
        open(path, "w").close()
        self.main.set("maillog_file = /var/lib/postfix/mail.log")
        self.log.follow(path)

    def add_user(self, name, password=None):
        return self.accounts.add_user(name, password)

    def certificate(self, name):
        """A new certificate, readable inside under the same paths."""
        return make_certificate(f"{self.dir}/certificates", name)

    # ------------------------------------------------------------ daemons

    def run(self, *argv, **options):
        return self.space.run(list(argv), **options)

    def start(self):
        """Starts Postfix as systemd does on Debian."""
        if not os.path.exists(f"{self.etc}/aliases.db"):
            self.run("newaliases")
        self.configure_jail()
        mark = self.log.mark()
        try:
            self.space.launch(["postfix", "start"])
        except AssertionError as e:
            raise AssertionError("\n".join(
                [str(e), *self.log.lines[mark:]])) from None
        return self

    def configure_jail(self):
        """What the unit's ExecStartPre does: the jail's own files."""
        script = "/usr/lib/postfix/configure-instance.sh"
        self.run("sh", "-c", f"! [ -x {script} ] || exec {script} -")

    def reload(self):
        mark = self.log.mark()
        self.run("postfix", "reload")
        self.log.wait_for(r"postfix/master\[\d+\]: reload", since=mark)

    def stop(self):
        self.run("postfix", "stop")

    def start_dovecot(self):
        """Starts the dovecot of the tree."""
        mark = self.log.mark()
        try:
            self.space.launch(["dovecot"])
        except AssertionError as e:
            raise AssertionError("\n".join(
                [str(e), *self.log.lines[mark:]])) from None
        return self

    def start_opendkim(self, *arguments):
        """Starts the opendkim of the tree, as its unit does."""
        mark = self.log.mark()
        self.space.launch(["opendkim", *arguments])
        self.log.wait_for(r"OpenDKIM Filter v\S+ starting", since=mark)

    def stop_dovecot(self):
        self.run("dovecot", "stop")

    def close(self):
        self.space.close()  # which ends all processes
        self.log.close()
        if not os.environ.get("POSTCOTE_KEEP"):
            shutil.rmtree(self.dir, ignore_errors=True)

    # ------------------------------------------------------------ mail

    def wait_for_log(self, pattern, limit=20.0, since=0):
        return self.log.wait_for(pattern, limit, since)

    def connect(self, port=25, address="127.0.0.1", tls=False,
                greeting="220"):
        """A dialogue with the site from the site itself."""
        return Dialogue(self.space.connect(address, port), tls, greeting)

    def connect_from_outside(self, port=25, tls=False, source=None,
                             greeting="220", address=None):
        """A dialogue with the site from the network."""
        return Dialogue(self.network.connect(
            address or self.addresses[0], port, source), tls, greeting)

    def send(self, recipient, sender="sender@elsewhere.example",
             text="Subject: test\n\nHello.\n"):
        """One message by SMTP from the site itself; returns the queue id."""
        with self.connect() as client:
            client.ask("EHLO client.example", "250")
            reply = client.deliver(sender, [recipient], text)
            client.ask("QUIT", "221")
            return reply.split(" queued as ")[1]

    def sendmail(self, *recipients, text="Subject: test\n\nHello.\n",
                 options=(), user=None):
        return self.run("sendmail", *options, *recipients, input=text,
                        user=user)

    def swaks(self, *options, check=True):
        return self.run("swaks", "--server", "127.0.0.1", *options,
                        check=check)

    def mailq(self):
        return self.run("mailq").stdout

    def queue_list(self):
        """The messages of postqueue -j, parsed."""
        text = self.run("postqueue", "-j").stdout
        return [json.loads(line) for line in text.splitlines()]

    def queue_files(self, *names):
        return queue_files(self.queue, *names)

    def wait_for_empty_queue(self, limit=20.0):
        wait_until("the queue to empty", lambda: not self.queue_files(), limit)

    def mbox(self, user):
        return read_mbox(f"{self.mail}/{user}")

    def maildir(self, user, folder="Maildir"):
        return read_maildir(f"{self.home}/{user}/{folder}")

    def wait_for_mbox(self, user, count=1, limit=20.0):
        """The last message of a mailbox once it has that many."""
        try:
            messages = wait_until(
                f"{count} messages for {user}",
                lambda: len(m := self.mbox(user)) >= count and m, limit)
        except AssertionError as e:
            raise AssertionError(
                f"{e}; the log:\n" + "\n".join(self.log.lines[-30:])) from None
        return messages[-1]
