"""Process 1 of a host: makes its view of the file system, then reaps.

Run by namespaces.Namespace as `python3 init.py PLAN`, PLAN being JSON:
hostname, mounts (a list of argument lists for mount(8), in order) and
directories (to be made, after the mounts, as [path, mode, owner, group]).
Prints "ready" when done, and ends (with all that runs inside) when its
standard input ends, that is with the test.
"""

import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading

MS_REC, MS_PRIVATE = 0x4000, 0x40000


def prepare(plan):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None):
        raise OSError(ctypes.get_errno(), "mount --make-rprivate /")
    socket.sethostname(plan["hostname"])
    for arguments in plan["mounts"]:
        subprocess.run(["mount", *arguments], check=True)
    for path, mode, owner, group in plan["directories"]:
        os.makedirs(path, exist_ok=True)
        shutil.chown(path, owner, group)
        os.chmod(path, mode)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def end_with_input():
    while os.read(0, 4096):
        pass
    os._exit(0)


def reap():
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    while True:
        signal.sigwait({signal.SIGCHLD})
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass


def main():
    prepare(json.loads(sys.argv[1]))
    os.write(1, b"ready\n")
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    threading.Thread(target=end_with_input, daemon=True).start()
    reap()


if __name__ == "__main__":
    main()
