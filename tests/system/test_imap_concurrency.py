"""Many connections change one mailbox at once; all that they are told stays
consistent. Each connection is a process of its own here, so that what two
programs do to one Maildir is tested too."""

import os

import pytest
from postcote import imap, namespaces, tree
from postcote.imap_checker import Client, Shared, check

CONNECTIONS = 8
SECONDS = float(os.environ.get("POSTCOTE_IMAP_SECONDS", "8"))


def test_one_mailbox(suite, tmp_path):
    reason = namespaces.why_not() or tree.why_not(
        suite, ["imap"] if suite == "ours" else None)
    if reason:
        pytest.skip(reason)
    for part in tmp_path.parents[:2]:
        os.chmod(part, 0o755)
    home = imap.make_home(str(tmp_path))
    shared = Shared()
    processes = [imap.launch(suite, home, f"{tmp_path}/dovecot.conf")
                 for _ in range(CONNECTIONS)]
    clients = [Client(f"c{i}", p.stdout, p.stdin, shared, i)
               for i, p in enumerate(processes)]
    try:
        assert check(clients, SECONDS) > CONNECTIONS * 5
    finally:
        for process in processes:
            process.stdin.close()
            process.kill()
            process.wait()
