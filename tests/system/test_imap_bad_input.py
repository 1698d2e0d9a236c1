"""Hostile messages and commands: a clear answer, in bounded time and memory,
and the connection goes on."""

from postcote import imap

MESSAGES = {
    "headers": b"".join(b"X-H%d: v\n" % i for i in range(100000)) + b"\nb\n",
    "deep": b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n"
                     % (i, i) for i in range(20000)),
    "addresses": b"To: " + b"a@b, " * 200000 + b"\n\nx\n",
    "parts": b"Content-Type: multipart/mixed; boundary=b\n\n" +
             b"--b\n\nx\n" * 50000,
    "references": b"References: " + b"<a@b> " * 100000 + b"\nSubject: " +
                  b"[x] Re: " * 50000 + b"\n\nx\n",
    "line": b"x" * 5000000,
}
FETCHES = ["ENVELOPE", "BODYSTRUCTURE", "BODY.PEEK[HEADER.FIELDS (X-H5)]",
           "PREVIEW", "BODY.PEEK[1.1.1.1.1.1.1.1.1]", "BODY.PEEK[1]",
           "BINARY.SIZE[1]"]
COMMANDS = [  # what is said, how the answer begins
    (b"SORT (SUBJECT) UTF-8 ALL", b"OK"),
    (b"THREAD REFERENCES UTF-8 ALL", b"OK"),
    (b"SEARCH TEXT zzz", b"OK"),
    (b"SEARCH HEADER X-H99999 v", b"OK"),
    (b"SEARCH " + b"(" * 300 + b"ALL" + b")" * 300, b"BAD"),
    (b"SEARCH " + b"NOT " * 10000 + b"ALL", b"BAD"),
    (b"FETCH " + b"1," * 30000 + b"1 UID", b"OK"),
    (b"FETCH 1:4294967295 UID", b"BAD"),
    (b"UID FETCH 1:4294967295,1:* UID", b"OK"),
    (b'LIST "" ' + b"*%" * 2000, b"OK"),
    (b'LIST "" ' + b"a*" * 2000 + b"b", b"OK"),
    (b'SEARCH SUBJECT "' + b"x" * 60000 + b'"', b"OK"),
    (b"CREATE " + b"a." * 400 + b"b", b"NO"),
    (b"SEARCH SUBJECT " + b"x" * 70000, b"BAD"),
    (b"NOOP", b"OK"),
]
MEMORY = 64 * 1024  # KiB, at most


def test_hostile_input(tmp_path):
    imap.need("ours", tmp_path)
    messages = tmp_path / "messages"
    messages.mkdir()
    for name, text in MESSAGES.items():
        (messages / name).write_bytes(text)
    home = imap.make_home(str(tmp_path), str(messages))
    process = imap.launch("ours", home, f"{tmp_path}/dovecot.conf")
    player = imap.Player(process)
    player.line()
    said = [(b"SELECT INBOX", b"OK")]
    said += [(b"FETCH 1:* (%s)" % item.encode(), b"OK") for item in FETCHES]
    try:
        for text, answer in said + COMMANDS:
            player.transcript.clear()
            player.say(b"t " + text + b"\r\n")
            line = player.until(b"t ", b"* BYE")
            assert line and line.startswith(b"t " + answer), (text[:80], line)
        with open(f"/proc/{process.pid}/status") as f:
            peak = [int(line.split()[1]) for line in f if "VmHWM" in line]
        assert peak[0] < MEMORY
    finally:
        process.stdin.close()
        process.kill()
        process.wait()
