"""Roundcube in front of the whole suite: logs in, reads, searches, files and
sends, with no word of complaint in anybody's log."""

import pytest
from postcote import dovecot, howto, tree, webmail
from postcote.wait import wait_until

MESSAGES = {"lunch": "Shall we meet at noon?", "invoice": "12 € are due.",
            "holiday": "Here is the sea."}


@pytest.fixture
def site(suite, new_site):
    root, reason = webmail.find()
    if reason:
        pytest.skip(f"Roundcube: {reason}")
    site = new_site(tree.Tree(suite, dovecot=suite, opendkim=suite,
                              others=[root]))
    for name in ("alice", "bob"):
        site.add_user(name, dovecot.PASSWORD)
    howto.submission(site)
    howto.mail_server(site, "maildir:~/Maildir")
    site.main.set("home_mailbox = Maildir/")
    site.start_dovecot()
    site.start()
    for subject, text in MESSAGES.items():
        site.sendmail("alice", text="Content-Type: text/plain; charset=utf-8"
                      f"\nSubject: {subject}\n\n{text}\n", user="bob")
    wait_until("the messages", lambda: len(site.maildir("alice")) == 3)
    return site


@pytest.fixture
def browser(site):
    server = webmail.Server(site)
    browser = webmail.Browser(site)
    browser.server = server
    yield browser
    server.close()


def uid_of(browser, subject, mailbox="INBOX"):
    rows = browser.rows(browser.ajax("list", _mbox=mailbox))
    [uid] = [uid for uid, text in rows.items() if text == subject]
    return uid


def test_a_day_with_roundcube(site, browser):
    page = browser.log_in("alice", dovecot.PASSWORD)
    assert '"task":"mail"' in page, page[-3000:]
    rows = browser.rows(browser.ajax("list", _mbox="INBOX"))
    assert sorted(rows.values()) == sorted(MESSAGES), rows
    answer = browser.ajax("list", _mbox="INBOX", _sort="subject_ASC")
    assert list(browser.rows(answer).values()) == sorted(MESSAGES), answer
    # She reads.
    uid = uid_of(browser, "invoice")
    shown = browser.page(_task="mail", _action="show", _uid=uid, _mbox="INBOX")
    assert "12 € are due." in shown, shown
    # She searches, in headers and in texts.
    for where, words, found in (("subject,from", "lun", "lunch"),
                                ("text", "the sea", "holiday")):
        answer = browser.ajax("search", _mbox="INBOX", _q=words,
                              _headers=where, _scope="base")
        assert list(browser.rows(answer).values()) == [found], answer
    # She flags, and files.
    browser.ajax("mark", {"_uid": uid, "_mbox": "INBOX", "_flag": "flagged"})
    browser.ajax("move", {"_uid": uid, "_mbox": "INBOX",
                          "_target_mbox": "Trash"})
    assert uid_of(browser, "invoice", "Trash")
    rows = browser.rows(browser.ajax("list", _mbox="INBOX"))
    assert sorted(rows.values()) == ["holiday", "lunch"]
    # She writes to Bob; a copy is kept.
    answer = browser.send("bob@example.com", "noon", "At the café.")
    assert "sent_successfully" in answer or "Message sent" in answer, answer
    wait_until("the message", lambda: site.maildir("bob"))
    assert "\nSubject: noon\n" in site.maildir("bob")[0].replace("\r", "")
    assert uid_of(browser, "noon", "Sent")
    check_logs(site, browser.server)


def check_logs(site, server):
    site.wait_for_log(r"imap-login: Login: user=<alice>, method=PLAIN")
    site.wait_for_log(r"sasl_method=(LOGIN|PLAIN), sasl_username=alice")
    assert not site.log.grep(r"(Error|Fatal|Panic|fatal|panic|error): ")
    assert not server.log("errors.log"), server.log("errors.log")
    talk = server.log("imap.log")
    for command in ("UID SORT ", "UID MOVE", "APPEND",
                    "LIST (SPECIAL-USE)", "BODYSTRUCTURE"):
        assert command in talk, command
    refused = [line for line in talk.splitlines()
               if " BAD " in line or " NO " in line]
    assert not refused, refused
