"""Debian's fail2ban reads a log: what would it ban for?"""

import os
import re
import subprocess

from postcote.oracle import find_package


def why_not():
    """Why the package cannot be had, or None."""
    return find_package("fail2ban")[1]


def _normal(line):
    """Without the time, the process id, the queue id and the port."""
    line = re.sub(r"^.{15} \S+ ", "", line)
    line = re.sub(r"\[\d+\]:", ":", line, count=1)
    return re.sub(r": [0-9A-F]{6,}: ", ": QUEUEID: ", line)


def matches(lines, mode, scratch):
    """[(address, line)] of what filter.d/postfix.conf takes as a failure in
    that mode; lines as rsyslog writes them."""
    root, reason = find_package("fail2ban")
    assert root, reason
    log = f"{scratch}/fail2ban.log"
    with open(log, "w", errors="surrogateescape") as f:
        f.write("\n".join(lines) + "\n")
    done = subprocess.run(
        ["/usr/bin/python3", f"{root}/usr/bin/fail2ban-regex",
         "-c", f"{root}/etc/fail2ban", "--raw", "-o", "<ip>\t<matches>",
         log, f"postfix[mode={mode}]"],
        capture_output=True, text=True, check=True, cwd="/",
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1",
             "PYTHONPATH": f"{root}/usr/lib/python3/dist-packages"})
    found = (row.partition("\t") for row in done.stdout.splitlines() if row)
    return [(address, _normal(line)) for address, _, line in found]
