"""Commands that anybody may run with the rights of the group postdrop."""

import pytest


def other_configuration(site):
    """A stranger's main.cf, which sends what he likes where he likes."""
    site.run("sh", "-c", "cd /etc/postfix && mkdir -m 755 mine && "
             "cp main.cf mine && chmod 644 mine/main.cf && "
             "echo maillog_file=/var/log/strange >>mine/main.cf")
    return "/etc/postfix/mine"


def refusal(site, argv, **options):
    done = site.run(*argv, user="alice", check=False, **options)
    assert done.returncode != 0
    return done.stderr


def test_a_strangers_configuration_is_refused(site):
    site.add_user("alice")
    site.start()
    mine = other_configuration(site)
    for told in (refusal(site, ["postqueue", "-c", mine, "-p"]),
                 refusal(site, ["postqueue", "-p"],
                         env={"MAIL_CONFIG": mine}),
                 refusal(site, ["postdrop", "-c", mine], input="")):
        assert f"unauthorized configuration directory name: {mine}" in told
        assert f'specify "alternate_config_directories = {mine}" or ' in told
    assert "Mail queue is empty" in site.run("postqueue", "-c", mine,
                                             "-p").stdout


def test_a_configuration_that_is_named_may_be_used(site):
    site.add_user("alice")
    mine = other_configuration(site)
    site.main.set(f"alternate_config_directories = {mine}")
    site.start()
    done = site.run("postqueue", "-c", mine, "-p", user="alice")
    assert "Mail queue is empty" in done.stdout


def test_a_mail_system_of_ones_own_gets_ones_own_rights(site, suite):
    """Here alone: the original refuses it."""
    site.add_user("alice")
    site.start()
    mine = other_configuration(site)
    site.run("chown", "alice", mine)
    done = site.run("postqueue", "-c", mine, "-p", user="alice", check=False)
    why = ("unauthorized configuration directory" if suite == "debian" else
           "Connect to the Postfix showq service: Permission denied")
    assert done.returncode == 69 and why in done.stderr


def speak(site, *lines, **options):
    """The replies to an SMTP conversation of sendmail -bs, and its status."""
    done = site.run("sendmail", "-bs", check=False,
                    input="".join(f"{line}\r\n" for line in lines), **options)
    return done.stdout.splitlines(), done.returncode


def test_a_user_speaks_smtp_with_sendmail(site):
    """What mailers of PHP's frameworks do."""
    for user in ("alice", "bob"):
        site.add_user(user)
    site.main.set("smtpd_relay_restrictions = reject",
                  "smtpd_helo_restrictions = reject",
                  "smtpd_tls_security_level = encrypt",
                  "smtpd_proxy_filter = 127.0.0.1:1", "always_bcc = root")
    site.start()
    replies, status = speak(
        site, "EHLO app.example", "MAIL FROM:<alice> BODY=8BITMIME",
        "RCPT TO:<bob> NOTIFY=NEVER", "RCPT TO:<x@elsewhere.example>", "DATA",
        "Subject: one", "", "From here", ".", "MAIL FROM:<a@example.com>",
        "RCPT TO:<bob@example.com>", "RSET", "MAIL FROM:<>", "RCPT TO:<bob>",
        "DATA", "Subject: two", "", ".", "QUIT", user="alice")
    assert status == 0
    assert replies[0].startswith("220 mx.example.com ESMTP")
    assert not any("STARTTLS" in r or "AUTH" in r for r in replies)
    ends = [r for r in replies if not r.startswith("250-")]
    assert [r[:3] for r in ends[1:]] == [
        "250", "250", "250", "250", "354", "250", "250", "250", "250", "250",
        "250", "354", "250", "221"]
    queued = [r for r in replies if "Ok: queued as" in r]
    assert len(queued) == 2
    site.wait_for_mbox("bob", count=2)
    mails = "".join(map(str, site.mbox("bob")))
    assert "Received: from app.example (localhost [127.0.0.1])\n" in mails
    assert f"with ESMTP id {queued[0].split()[-1]};" in mails
    assert "(Postfix, from userid " in mails
    site.wait_for_log(r"postfix/pickup\[\d+\]: \w+: uid=\d+ from=<alice>")
    site.wait_for_log(r"postfix/smtpd\[\d+\]: \w+: client=localhost"
                      r"\[127.0.0.1\]")


def test_what_sendmail_cannot_queue_is_refused(site, suite):
    if suite == "debian":
        pytest.skip("the original's smtpd -S crashes at a SIZE too large")
    site.add_user("alice")
    site.main.set("message_size_limit = 20000")
    site.start()
    replies, _ = speak(site, "EHLO x", "MAIL FROM:<alice> SIZE=30000",
                       "MAIL FROM:<alice>", "RCPT TO:<alice>", "DATA",
                       *["x" * 70] * 400, ".", "QUIT", user="alice")
    assert [r[:3] for r in replies if not r.startswith("250-")][2:] == [
        "552", "250", "250", "354", "552", "221"]
    site.wait_for_empty_queue()
    assert not site.queue_files("maildrop")
