"""Roundcube in front of the whole suite: logs in, reads, searches, files and
sends, with no word of complaint in anybody's log."""

import pytest
from postcote import chromium, dovecot, howto, tree, webmail
from postcote.wait import wait_until

MESSAGES = {"lunch": "Shall we meet at noon?", "invoice": "12 € are due.",
            "holiday": "Here is the sea."}


def need(found):
    """The root directory that was found, or the test is skipped."""
    root, reason = found
    if reason:
        pytest.skip(f"Roundcube: {reason}")
    return root


def filled_site(suite, new_site, others):
    site = new_site(tree.Tree(suite, dovecot=suite, opendkim=suite,
                              others=others))
    for name in ("alice", "bob", "carol"):
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
def site(suite, new_site):
    return filled_site(suite, new_site, [need(webmail.find())])


@pytest.fixture
def server(site):
    server = webmail.Server(site)
    yield server
    server.close()


@pytest.fixture
def page(suite, new_site):
    """A real browser, in front of such a site."""
    site = filled_site(suite, new_site, [need(webmail.find()),
                                         need(chromium.find())])
    server = webmail.Server(site)
    page = chromium.Page(site, "carol")
    page.site, page.server = site, server
    yield page
    page.close()
    server.close()


def uid_of(browser, subject, mailbox="INBOX"):
    rows = browser.rows(browser.ajax("list", _mbox=mailbox))
    [uid] = [uid for uid, text in rows.items() if text == subject]
    return uid


def test_a_day_with_roundcube(site, server):
    browser = webmail.Browser(site)
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
    check_logs(site, server)
    talk = server.log("imap.log")
    for command in ("UID SORT ", "UID MOVE", "APPEND", "LIST (SPECIAL-USE)",
                    "BODYSTRUCTURE"):
        assert command in talk, command


def check_logs(site, server):
    site.wait_for_log(r"imap-login: Login: user=<alice>, method=PLAIN")
    site.wait_for_log(r"sasl_method=(LOGIN|PLAIN), sasl_username=alice")
    assert not site.log.grep(r"(Error|Fatal|Panic|fatal|panic|error): ")
    assert not server.log("errors.log"), server.log("errors.log")
    talk = server.log("imap.log")
    assert " C: A0001 AUTHENTICATE PLAIN" in talk
    refused = [line for line in talk.splitlines()
               if " BAD " in line or " NO " in line]
    assert not refused, refused


MAIL = "http://127.0.0.1:8000/?_task=mail"
ROWS = "[...document.querySelectorAll('#messagelist tbody tr')]"
SUBJECTS = ROWS + ".map(r => r.querySelector('.subject a').innerText.trim())"


def list_shows(page, *subjects):
    page.wait(f"String({SUBJECTS}.sort()) == '{','.join(sorted(subjects))}'")


def read(page, subject):
    """A click on the message's line; until its text is shown."""
    page.js(f"{ROWS}[{SUBJECTS}.indexOf('{subject}')]"
            ".querySelector('.subject a').click()")
    page.wait("(document.getElementById('messagebody') || {innerText: ''})"
              f".innerText.includes('{MESSAGES[subject]}') && !rcmail.busy")


def fill(page, **fields):
    for name, value in fields.items():
        page.js(f"document.getElementById('{name}').value = '{value}'")


def test_a_real_browser(page):
    """The same, with Roundcube's own script in Chromium."""
    page.go(MAIL)
    page.wait("document.getElementById('rcmloginuser') && rcmail.env")
    fill(page, rcmloginuser="alice", rcmloginpwd=dovecot.PASSWORD)
    page.js("document.getElementById('rcmloginsubmit').click()")
    list_shows(page, *MESSAGES)
    read(page, "invoice")
    page.go(MAIL + "&_mbox=INBOX")
    list_shows(page, *MESSAGES)
    fill(page, mailsearchform="lun")
    page.js("rcmail.command('search')")
    list_shows(page, "lunch")
    page.js("rcmail.command('reset-search')")
    list_shows(page, *MESSAGES)
    read(page, "holiday")
    page.wait("rcmail.commands.move")
    page.js("rcmail.command('move', 'Trash')")
    wait_until("the move", lambda: page.site.maildir("alice", "Maildir/.Trash"))
    page.go(MAIL + "&_action=compose")
    page.wait("document.getElementById('composebody') && rcmail.commands.send")
    fill(page, _to="bob@example.com", composebody="At the café.")
    fill(page, **{"compose-subject": "noon"})
    page.js("document.querySelector('button.send').click()")
    page.wait("!rcmail.env.compose_id")
    wait_until("the message", lambda: page.site.maildir("bob"))
    assert "\nSubject: noon\n" in page.site.maildir("bob")[0].replace("\r", "")
    page.go(MAIL + "&_mbox=Sent")
    list_shows(page, "noon")
    page.go(MAIL + "&_mbox=Trash")
    list_shows(page, "holiday")
    page.go(MAIL + "&_mbox=INBOX")
    list_shows(page, "invoice", "lunch")
    check_logs(page.site, page.server)
