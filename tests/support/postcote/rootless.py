"""A site of an ordinary user: own directory, high ports, no privileges."""

import os
import shutil
import socket
import subprocess
import tempfile

from postcote import config
from postcote.dialogue import Dialogue
from postcote.mailboxes import queue_files, read_maildir
from postcote.namespaces import ENVIRONMENT
from postcote.tree import find_ours
from postcote.wait import wait_until

USER, UID = "nobody", 65534  # when the tests themselves run as root


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class RootlessSite:
    """Our Postfix under one user id, started from its own directory."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(
            prefix="postcote-rootless.",
            dir=os.environ.get("POSTCOTE_SCRATCH", "/var/tmp"))
        self.tree = find_ours()
        self.conf, self.queue = f"{self.dir}/postfix", f"{self.dir}/queue"
        self.port = free_port()
        self.log_path = f"{self.dir}/mail.log"
        config.make_postfix(self.conf, self.tree, self.tree,
                            "mx.example.com", "example.com")
        self.main = config.Editor(f"{self.conf}/main.cf")
        self.master = config.Editor(f"{self.conf}/master.cf")
        self.main.set(
            f"queue_directory = {self.queue}",
            f"data_directory = {self.dir}/data",
            f"command_directory = {self.tree}/usr/sbin",
            f"daemon_directory = {self.tree}/usr/lib/postfix/sbin",
            f"maillog_file = {self.log_path}",
            f"maillog_file_prefixes = {self.dir}",
            "myorigin = example.com", "inet_interfaces = 127.0.0.1",
            "inet_protocols = ipv4", "alias_maps =", "alias_database =",
            "smtpd_tls_security_level = none",
            "local_recipient_maps =", "home_mailbox = Maildir/")
        for name in ("smtpd_tls_cert_file", "smtpd_tls_key_file"):
            self.main.replace(rf"^{name}.*\n", "")
        self.master.replace(r"^smtp( +)inet", rf"{self.port}\1inet")
        for part in ("queue", "data"):
            os.makedirs(f"{self.dir}/{part}")
        if os.geteuid() == 0:
            subprocess.run(["chown", "-R", f"{UID}", self.dir], check=True)

    def run(self, *argv, input=None, check=True, limit=60):
        become = []
        if os.geteuid() == 0:
            become = ["setpriv", f"--reuid={USER}", f"--regid={UID}",
                      "--clear-groups", "--"]
        path = f"{self.tree}/usr/sbin:{self.tree}/usr/bin"
        return subprocess.run(
            [*become, *argv], input=input, text=True, capture_output=True,
            timeout=limit, check=check, cwd="/",
            env={**ENVIRONMENT, "MAIL_CONFIG": self.conf,
                 "PATH": f"{path}:{ENVIRONMENT['PATH']}"})

    def start(self):
        self.run("postfix", "-c", self.conf, "start")
        return self

    def stop(self):
        self.run("postfix", "-c", self.conf, "stop", check=False)

    def connect(self):
        return Dialogue(socket.create_connection(("127.0.0.1", self.port), 20))

    def queue_files(self, *names):
        return queue_files(self.queue, *names)

    def wait_for_maildir(self, path, count=1, limit=20.0):
        return wait_until(f"{count} messages in {path}", lambda: (
            len(m := read_maildir(path)) >= count and m), limit)

    def close(self):
        self.stop()
        if not os.environ.get("POSTCOTE_KEEP"):
            shutil.rmtree(self.dir, ignore_errors=True)
