"""Hosts as sets of namespaces, and sockets that belong to them."""

import contextlib
import ctypes
import json
import os
import socket
import subprocess
import tempfile

CLONE_NEWNET = 0x40000000
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8", "TZ": "UTC", "HOME": "/root", "LOGNAME": "root",
}
libc = ctypes.CDLL(None, use_errno=True)


def why_not():
    """Why hosts cannot be made here, or None if they can."""
    if os.geteuid() != 0:
        return "needs root for namespaces"
    probe = subprocess.run(
        ["unshare", "--mount", "--net", "--pid", "--fork", "--uts", "--ipc",
         "sh", "-c",
         "mount --make-rprivate / && mount -t tmpfs t /mnt && cd /mnt && "
         "mkdir u w && mount -t overlay o "
         "-o lowerdir=/usr,upperdir=/mnt/u,workdir=/mnt/w /usr"],
        capture_output=True, text=True)
    if probe.returncode:
        return "needs namespaces and overlay mounts: " + probe.stderr.strip()
    return None


class Namespace:
    """One host's namespaces; everything inside ends with close()."""

    def __init__(self, hostname, mounts=(), directories=()):
        plan = {"hostname": hostname, "mounts": list(mounts),
                "directories": list(directories)}
        init = os.path.join(os.path.dirname(__file__), "init.py")
        self.holder = subprocess.Popen(
            ["unshare", "--mount", "--net", "--uts", "--ipc", "--pid",
             "--fork", "--kill-child", "--mount-proc", "--",
             "/usr/bin/python3", init, json.dumps(plan)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=ENVIRONMENT, cwd="/")
        if self.holder.stdout.readline() != b"ready\n":
            raise RuntimeError("host did not come up: " +
                               self.holder.stderr.read().decode())
        path = f"/proc/{self.holder.pid}/task/{self.holder.pid}/children"
        with open(path) as f:
            self.pid = int(f.read().split()[0])
        self.net = os.open(f"/proc/{self.pid}/ns/net", os.O_RDONLY)

    def enter_argv(self, argv, user=None):
        """The command line that runs argv inside, as root or as a user."""
        become = []
        if user:
            become = ["setpriv", f"--reuid={user}", f"--regid={user}",
                      "--init-groups", "--"]
        return ["nsenter", "-t", str(self.pid), "-m", "-n", "-u", "-i", "-p",
                "--wd=/", "--", *become, *argv]

    def run(self, argv, input=None, user=None, check=True, limit=60,
            env=None):
        """Runs a program inside to its end; output is text (latin-1 safe)."""
        done = subprocess.run(
            self.enter_argv(argv, user), timeout=limit,
            input=input.encode() if isinstance(input, str) else input,
            stdin=None if input is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/",
            env={**ENVIRONMENT, **(env or {})})
        done.stdout = done.stdout.decode(errors="surrogateescape")
        done.stderr = done.stderr.decode(errors="surrogateescape")
        if check and done.returncode:
            raise AssertionError(
                f"{' '.join(argv)}: status {done.returncode}\n"
                f"{done.stdout}{done.stderr}")
        return done

    def launch(self, argv, limit=30):
        """Runs a program that leaves daemons behind, which may keep its
        output open."""
        with tempfile.TemporaryFile() as output:
            status = subprocess.run(
                self.enter_argv(argv), timeout=limit, env=ENVIRONMENT,
                cwd="/", stdin=subprocess.DEVNULL, stdout=output,
                stderr=output).returncode
            output.seek(0)
            assert status == 0, (f"{' '.join(argv)}: status {status}\n" +
                                 output.read().decode(errors="replace"))

    @contextlib.contextmanager
    def network(self):
        """Within it, this thread's new sockets belong to the host."""
        own = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        try:
            if libc.setns(self.net, CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")
            try:
                yield
            finally:
                libc.setns(own, CLONE_NEWNET)
        finally:
            os.close(own)

    def listen(self, address, port, kind=socket.SOCK_STREAM):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with self.network():
            s = socket.socket(family, kind)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((address, port))
        if kind == socket.SOCK_STREAM:
            s.listen(64)
        return s

    def connect(self, address, port, source=None, limit=20):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with self.network():
            s = socket.socket(family, socket.SOCK_STREAM)
        s.settimeout(limit)
        try:
            if source:
                s.bind((source, 0))
            s.connect((address, port))
        except OSError:
            s.close()
            raise
        return s

    def close(self):
        if self.holder.poll() is None:
            self.holder.stdin.close()
            self.holder.wait(10)
        self.holder.stdout.close()
        self.holder.stderr.close()
        if self.net >= 0:
            os.close(self.net)
            self.net = -1
