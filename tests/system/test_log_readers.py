"""What reads Postfix's log reads ours: pflogsumm."""

import re

from postcote.wait import wait_until


def test_pflogsumm_counts_what_happened(site):
    site.add_user("alice")
    site.start()
    site.send("alice@example.com")
    site.sendmail("alice", user="alice")
    with site.connect() as client:
        client.ask("EHLO client.example", "250")
        client.ask("MAIL FROM:<b@other.example>", "250")
        client.ask("RCPT TO:<ghost@example.com>", "550 5.1.1")
        client.ask("QUIT", "221")
    site.wait_for_mbox("alice", 2)
    site.wait_for_empty_queue()
    site.wait_for_log(r"disconnect from .* rcpt=0/1 ")

    def report():
        return site.run("pflogsumm", input="\n".join(site.log.lines) + "\n").stdout

    def count(what):
        return int(re.search(rf"^ +(\d+)  +{what}", report(), re.M)[1])

    wait_until("both deliveries in the report", lambda: count("delivered") == 2)
    assert [count(what) for what in ("received", "delivered", "bounced")] == [
        2, 2, 0]
    assert count("rejected") == 1
    assert "User unknown in local recipient table (total: 1)" in report()
