"""Each of Dovecot's programs that we have, in place of Debian's, says byte for
byte what Debian's says."""

import os

import pytest
from postcote import mailclient, tree

IMAP = (
    "a CAPABILITY\r\nb ID NIL\r\nb1 ID (\"name\" \"x\" \"version\" NIL)\r\n"
    "c NOOP foo\r\nd ENABLE CONDSTORE\r\ne LOGIN \"\" \"\"\r\n"
    "f LOGIN {3}\r\nbob {5+}\r\nwr\"ng\r\ng AUTHENTICATE FOO\r\n"
    "h AUTHENTICATE PLAIN\r\n*\r\ni AUTHENTICATE PLAIN\r\n!!\r\n"
    "j AUTHENTICATE PLAIN AGJvYgB4\r\nk AUTHENTICATE LOGIN\r\nYm9i\r\neA==\r\n"
    "l LOGIN bob \"sec\r\nm LOGIN bob x{3}\r\nn LOGIN {x}\r\no ID foo\r\n"
    "p LOGIN nolog pass\r\nq LOGIN off pass\r\nr LOGIN a b c\r\n"
    "s AUTHENTICATE PLAIN !!!\r\nt LOGOUT foo\r\n")
IMAP_BAD = "\r\nLOGIN a b\r\na+ NOOP\r\nx NOOP\r\ny FOO\r\nz FOO\r\n"
IMAP_REMOTE = (
    "a LOGIN bob pass\r\nb AUTHENTICATE PLAIN\r\n"
    "c AUTHENTICATE PLAIN AGJvYgB4\r\nd AUTHENTICATE FOO\r\ne LOGOUT\r\n")
POP3 = (
    "CAPA foo\r\nPASS x\r\nUSER\r\nUSER bob\r\nPASS wrong\r\nAUTH\r\n"
    "AUTH FOO\r\nAUTH PLAIN\r\n*\r\nAUTH PLAIN\r\n!!\r\nAUTH PLAIN =\r\n"
    "XCLIENT ADDR=1.2.3.4\r\nAPOP a b\r\nAUTH PLAIN !!\r\n"
    "USER nolog\r\nPASS pass\r\nUSER off\r\nPASS pass\r\nNOOP\r\nQUIT foo\r\n")
POP3_BAD = "a\r\nb\r\nc\r\nd\r\n"
POP3_REMOTE = "CAPA\r\nAUTH\r\nUSER bob\r\nPASS x\r\nAUTH PLAIN\r\nQUIT\r\n"
POP3_SESSION = (
    "USER bob\r\nPASS pass\r\nSTAT\r\nLIST\r\nLIST 1\r\nLIST 9\r\nLIST x\r\n"
    "LIST 0\r\nLIST 1 2\r\nLIST 99999999999\r\nUIDL\r\nUIDL 2\r\nRETR 1\r\n"
    "RETR 2\r\nRETR 3\r\nRETR 4\r\nRETR\r\nRETR 1 x\r\nTOP\r\nTOP 1\r\n"
    "TOP 1 x\r\nTOP 1 0\r\nTOP 1 1\r\nTOP 1 99\r\nTOP 1 1 x\r\nDELE x\r\n"
    "DELE 1\r\nDELE 1\r\nRETR 1\r\nLIST\r\nUIDL\r\nSTAT\r\nLAST\r\nRSET x\r\n"
    "noop x\r\n\r\n NOOP\r\nCAPA\r\nDELE 2\r\nSTAT\r\nquit foo\r\n")
LMTP = (
    "LHLO\r\nMAIL FROM:<a@b>\r\nLHLO client.example\r\n"
    "MAIL FROM:<a@b> SIZE=10\r\nMAIL FROM: <a@b>\r\nMAIL FROM:a@b\r\n"
    "RCPT TO:<bob>\r\nDATA\r\nMAIL FROM:<a@b> BODY=8BITMIME\r\n"
    "MAIL FROM:<>\r\nDATA\r\nRCPT TO:<nosuch@x.example>\r\nRCPT TO:<>\r\n"
    "RCPT TO:<bob@>\r\nRCPT FOO\r\nRCPT TO:<bob> NOTIFY=NEVER\r\n"
    "RCPT TO:<bob> ORCPT=rfc822;foo@bar\r\nRCPT TO:<carol>\r\nDATA\r\n"
    "Subject: hi\r\nMessage-ID: <x@y>\r\n\r\nHello\r\n..dot\r\n.\r\n"
    "MAIL FROM:<>\r\nRCPT TO:<bob>\r\nBDAT 6\r\nabcd\r\nBDAT 0 LAST\r\n"
    "RSET x\r\nNOOP x\r\nVRFY\r\nVRFY bob\r\nEHLO x\r\n"
    "XCLIENT ADDR=1\r\nAUTH PLAIN\r\nQUIT x\r\nQUIT\r\n")
LMTP_BAD = "LHLO x\r\n" + "FOO\r\n" * 12
MESSAGES = [
    ("new/1700000000.M1P1.mx", "From: a@b\nSubject: one\n\nline1\n.dot\n"),
    ("cur/1700000001.M1P1.mx:2,S",
     "From: a@b\r\nSubject: two\r\n\r\nline1\r\nline2"),
    ("cur/1700000002.M1P1.mx:2,S", "Subject: three"),
    ("cur/1700000003.M1P1.mx:2,", "From a@b Thu\nSubject: 4\n\nbody\n\n"),
]
DIALOGUES = {  # program: [(port, from outside, what is said)]
    "imap-login": [(143, False, IMAP), (143, False, IMAP_BAD),
                   (143, True, IMAP_REMOTE)],
    "pop3-login": [(110, False, POP3), (110, False, POP3_BAD),
                   (110, True, POP3_REMOTE)],
    "pop3": [(110, False, POP3_SESSION)],
    "lmtp": [(24, False, LMTP), (24, False, LMTP_BAD)],
}


def put_messages(site):
    for name, text in MESSAGES:
        path = f"{site.home}/bob/Maildir/{name}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", newline="") as f:
            f.write(text)
    site.run("mkdir", "-p", "/home/bob/Maildir/tmp")
    site.run("chown", "-R", "bob:bob", "/home/bob")


def transcripts(new_site, program, replace):
    site = new_site(tree.Tree("debian", replace=replace))
    mailclient.furnish(site)
    put_messages(site)
    site.start_dovecot()
    spoken = []
    for port, outside, text in DIALOGUES[program]:
        if outside:
            socket = site.network.connect(site.addresses[0], port)
        else:
            socket = site.space.connect("127.0.0.1", port)
        spoken.append(mailclient.plain(mailclient.ask(socket, text)))
        socket.close()
    return spoken


@pytest.mark.parametrize("program", list(DIALOGUES))
def test_the_same_words(new_site, program):
    name = "dovecot/" + program  # Postfix has an lmtp too
    reason = tree.why_not("ours", [name])
    if reason:
        pytest.skip(reason)
    theirs = transcripts(new_site, program, {})
    ours = transcripts(new_site, program, {name: "ours"})
    for expected, said in zip(theirs, ours):
        assert said.split("\r\n") == expected.split("\r\n")
