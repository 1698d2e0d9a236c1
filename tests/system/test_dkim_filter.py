"""The signing filter while it runs: reload, crashes, tables, a name server
that fails, keys that nobody should read, memory over many messages."""

import os
import re
import threading
import time

import pytest
from postcote import tree
from postcote.milter_client import MilterClient, Refused
from postcote.wait import wait_until

KEYS = "/etc/dkimkeys"
PORT = 8891
TEXT = (b"From: alice@example.com\r\nTo: bob@elsewhere.example\r\n"
        b"Subject: Hello\r\n\r\nA line.\r\n")
MANY = int(os.environ.get("POSTCOTE_DKIM_MESSAGES", "1000"))


class Filter:
    """The opendkim of a site, asked as an MTA does."""

    def __init__(self, site, network):
        self.site, self.network = site, network
        site.opendkim.append(f"Socket inet:{PORT}@localhost\n")

    def write(self, path, text):
        self.site.run("tee", path, input=text)
        self.site.run("chown", "opendkim:opendkim", path)

    def make_key(self, selector, domain="example.com"):
        """A key, its owner and its record in DNS."""
        path = f"{KEYS}/{selector}"
        self.site.run("openssl", "genrsa", "-out", path, "1024")
        self.site.run("chmod", "600", path)
        self.site.run("chown", "opendkim:opendkim", path)
        public = self.site.run("openssl", "rsa", "-in", path,
                               "-pubout").stdout
        value = "".join(public.splitlines()[1:-1])
        self.network.dns.set(f"{selector}._domainkey.{domain}", "TXT",
                             f"v=DKIM1; k=rsa; p={value}")
        return path

    def connect(self, address="127.0.0.1"):
        client = MilterClient(None, connect=lambda: self.site.space.connect(
            "127.0.0.1", PORT))
        client.connect("client.example.net", address)
        return client

    def ask(self, text=TEXT, address="127.0.0.1"):
        """What the filter makes of a message on a new connection."""
        with self.connect(address) as client:
            return client.message(text)

    def pid(self):
        """Of the process that listens."""
        found = self.site.run("ss", "-lntp", f"sport = :{PORT}").stdout
        match = re.search(r"pid=(\d+)", found)
        return int(match.group(1)) if match else None

    def reload(self, says="configuration reloaded from /etc/opendkim.conf"):
        """Has it read its configuration anew and say so; the original does
        it when the next connection comes."""
        mark = self.site.log.mark()
        self.site.run("kill", "-USR1", str(self.pid()))

        def told():
            self.connect().close()
            return self.site.log.grep(says, since=mark)
        wait_until("the reload", told)


@pytest.fixture
def filter(suite, new_site, network):
    reason = tree.why_not(suite, ["opendkim"])
    if reason:
        pytest.skip(reason)
    return Filter(new_site(tree.Tree(suite, opendkim=suite)), network)


def selectors(text):
    return re.findall(rb"DKIM-Signature:[^;]*;.*?\bs=([\w.-]+);", text,
                      re.S)


def tables(filter, key_table, signing_table):
    filter.write("/etc/dkimkeys/table", key_table)
    filter.write("/etc/dkimkeys/signing", signing_table)


def test_reload_takes_new_tables_and_keeps_the_old_for_broken_ones(filter):
    site = filter.site
    one, two = filter.make_key("one"), filter.make_key("two")
    site.opendkim.append(f"KeyTable {KEYS}/table\n"
                         f"SigningTable refile:{KEYS}/signing\n")
    tables(filter, f"k example.com:one:{one}\n", "*@example.com k\n")
    site.start_opendkim()
    assert selectors(filter.ask()) == [b"one"]
    tables(filter, f"k example.com:two:{two}\n", "*@example.com k\n")
    assert selectors(filter.ask()) == [b"one"]  # nobody has said so yet
    filter.reload()
    assert selectors(filter.ask()) == [b"two"]
    site.opendkim.append("Canonicalization odd/odd\n")
    mark = site.log.mark()
    filter.reload('unknown canonicalization algorithm "odd"')
    assert selectors(filter.ask()) == [b"two"]
    assert not site.log.grep("reloaded", since=mark)


def test_a_key_replaced_under_its_name_is_taken_by_reload(filter, network):
    site = filter.site
    path = filter.make_key("one")
    site.opendkim.append(f"Domain example.com\nSelector one\nKeyFile {path}\n")
    site.start_opendkim()
    signed = filter.ask()
    old = network.dns.records["one._domainkey.example.com", "TXT"]
    filter.make_key("one")
    new = network.dns.records["one._domainkey.example.com", "TXT"]
    assert old != new
    filter.reload()
    again = filter.ask()
    assert b"dkim=pass" in filter.ask(again, "192.0.2.7")
    assert b"dkim=pass" not in filter.ask(signed, "192.0.2.7")


def test_a_reload_that_finds_no_key_goes_on_with_the_old(suite, filter):
    if suite != "ours":
        pytest.skip("the original keeps the whole old configuration")
    site = filter.site
    path = filter.make_key("one")
    site.opendkim.append(f"Domain example.com\nSelector one\nKeyFile {path}\n")
    site.start_opendkim()
    site.run("mv", path, f"{path}.away")
    filter.reload(re.escape(path) + ": No such file or directory; the key "
                  "that was read before stays in use")
    assert selectors(filter.ask()) == [b"one"]


def test_a_filter_that_crashes_is_started_again(filter):
    site = filter.site
    path = filter.make_key("one")
    site.opendkim.append(f"Domain example.com\nSelector one\nKeyFile {path}\n"
                         "AutoRestart yes\nAutoRestartCount 2\n")
    site.start_opendkim()
    for _ in range(2):
        first = filter.pid()
        mark = site.log.mark()
        site.run("kill", "-SEGV", str(first))
        site.wait_for_log(r"terminated with signal 11, restarting",
                          since=mark)
        site.wait_for_log(r"OpenDKIM Filter v\S+ starting", since=mark)
        assert filter.pid() != first
        assert selectors(filter.ask()) == [b"one"]
    site.run("kill", "-SEGV", str(filter.pid()))
    site.wait_for_log("maximum restart count exceeded")
    wait_until("nobody to listen", lambda: filter.pid() is None)


def load_database(site, path, entries):
    """entries: pairs."""
    text = "".join(f"{key}\n{value}\n" for key, value in entries)
    site.run("db5.3_load", "-T", "-t", "hash", path, input=text)


def test_tables_in_berkeley_databases(filter):
    site = filter.site
    if site.run("sh", "-c", "command -v db5.3_load", check=False).returncode:
        pytest.skip("db5.3_load (db5.3-util) is not there")
    one, two = filter.make_key("one"), filter.make_key("two", "example.net")
    load_database(site, f"{KEYS}/table.db",
                  [("k1", f"example.com:one:{one}"),
                   ("k2", f"example.net:two:{two}")])
    load_database(site, f"{KEYS}/signing.db",
                  [("example.com", "k1"), ("carol@example.net", "k2")])
    load_database(site, f"{KEYS}/inside.db", [("10.1.2.3", "x")])
    site.run("chmod", "644", f"{KEYS}/table.db", f"{KEYS}/signing.db",
             f"{KEYS}/inside.db")
    site.opendkim.append(f"KeyTable db:{KEYS}/table.db\n"
                         f"SigningTable {KEYS}/signing.db\n"
                         f"InternalHosts db:{KEYS}/inside.db\n")
    site.start_opendkim()
    assert selectors(filter.ask(address="10.1.2.3")) == [b"one"]
    assert selectors(filter.ask(address="127.0.0.1")) == []
    text = TEXT.replace(b"alice@example.com", b"carol@example.net")
    assert selectors(filter.ask(text, "10.1.2.3")) == [b"two"]
    other = TEXT.replace(b"alice@example.com", b"dave@example.net")
    assert selectors(filter.ask(other, "10.1.2.3")) == []


def passes(filter, text):
    """A failure is remembered for a second."""
    try:
        return b"dkim=pass" in filter.ask(text, "192.0.2.7")
    except Refused:
        return False


@pytest.mark.parametrize("failure", ["SERVFAIL", "silence"])
@pytest.mark.parametrize("action", ["tempfail", "accept", "reject"])
def test_name_server_that_fails(suite, filter, network, failure, action):
    """On-DNSError means what its page says (the original accepts always)."""
    if suite != "ours":
        pytest.skip("the original takes no answers of this server")
    site, name = filter.site, "one._domainkey.example.com"
    path = filter.make_key("one")
    site.opendkim.append(f"Domain example.com\nSelector one\nKeyFile {path}\n"
                         f"DNSTimeout 1\nOn-DNSError {action}\n")
    site.start_opendkim()
    signed = filter.ask()
    if failure == "silence":
        network.dns.silent.add(name)
    else:
        network.dns.rcodes[name] = failure
    for _ in range(2):
        if action == "accept":
            assert b"dkim=temperror" in filter.ask(signed, "192.0.2.7")
            continue
        with pytest.raises(Refused) as refused:
            filter.ask(signed, "192.0.2.7")
        assert refused.value.reply == (
            "451 4.7.5 DKIM key retrieval failed" if action == "tempfail"
            else "550 5.7.0 DKIM key retrieval failed")
    site.wait_for_log(r"key retrieval failed \(s=one, d=example.com\): '" + name
                      + ("' query timed out" if failure == "silence" else
                         "' query failed"))
    network.dns.silent.discard(name)
    network.dns.rcodes.pop(name, None)
    wait_until("the key to be had again", lambda: passes(filter, signed))


LAYOUTS = {  # mode of the key, owner, mode of its directory: what is said
    "own": ("600", "opendkim:opendkim", "700", None),
    "own, read only": ("400", "opendkim:opendkim", "700", None),
    "root's": ("600", "root:root", "755", None),
    "root's in root's": ("600", "root:root", "700 root", None),
    "own, its group reads": ("640", "opendkim:opendkim", "750", None),
    "in a closed directory": ("600", "opendkim:opendkim", "000", None),
    "another user's": ("600", "postfix:postfix", "755",
                       "is not owned by the executing uid"),
    "directory of a group of many": (
        "600", "opendkim:opendkim", "770 mail",
        r"is in group \d+ which has multiple users"),
    "world reads": ("644", "opendkim:opendkim", "700",
                    "can be read or written by other users"),
    "world writes": ("602", "opendkim:opendkim", "700",
                     "can be read or written by other users"),
    "group of many": ("640", "opendkim:mail", "700",
                      r"is in group \d+ which has multiple users"),
    "directory of all": ("600", "opendkim:opendkim", "777",
                         "can be .*written by other users"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_key_signs_or_is_refused_at_the_start(suite, filter, layout):
    """Never is a message refused for what was wrong with a file all along."""
    if suite != "ours":
        pytest.skip("the original reads some keys only when it signs")
    site = filter.site
    mode, owner, directory, said = LAYOUTS[layout]
    path = filter.make_key("one")
    site.run("chmod", mode, path)
    site.run("chown", owner, path)
    site.run("chmod", directory.split()[0], KEYS)
    site.run("chown", "root" if "root" in directory else "opendkim", KEYS)
    if "mail" in directory:
        site.run("chgrp", "mail", KEYS)
    site.opendkim.append(f"Domain example.com\nSelector one\nKeyFile {path}\n"
                         "RequireSafeKeys yes\n")
    if said:
        done = site.run("opendkim", check=False)
        assert done.returncode == 78
        assert re.search(said, done.stderr), done.stderr
        assert "to mend: " in done.stderr
        remedy = re.search(r"to mend: (.*)\)\n", done.stderr).group(1)
        site.run("sh", "-c", remedy)
    site.start_opendkim()
    assert selectors(filter.ask()) == [b"one"]


def test_memory_stays_flat(filter, network):
    site = filter.site
    path = filter.make_key("one")
    site.opendkim.append(f"Domain example.com\nSelector one\nKeyFile {path}\n")
    site.start_opendkim()
    signed = filter.ask()

    def resident():
        status = site.run("cat", f"/proc/{filter.pid()}/smaps_rollup").stdout
        return int(re.search(r"Private_Dirty:\s+(\d+)", status).group(1))

    def many(count):
        for _ in range(count // 100):
            with filter.connect() as client:
                for _ in range(50):
                    assert selectors(client.message(TEXT)) == [b"one"]
            for _ in range(49):
                filter.ask()
            if os.environ.get("POSTCOTE_SUITES") != "debian":
                filter.ask(signed, "192.0.2.7")

    many(MANY // 3)
    before = resident()
    many(MANY)
    assert resident() - before < 500  # KiB: half of one a message


def terminate(filter):
    """Returns a function that waits for the end and gives the seconds."""
    site, pid, begun = filter.site, filter.pid(), time.monotonic()
    site.run("kill", "-TERM", str(pid))
    wait_until("nobody to listen", lambda: filter.pid() is None)

    def ended():
        wait_until("the filter's end", lambda: site.run(
            "kill", "-0", str(pid), check=False).returncode)
        return time.monotonic() - begun
    return ended


def signing_filter(filter, *settings):
    path = filter.make_key("one")
    filter.site.opendkim.append(
        f"Domain example.com\nSelector one\nKeyFile {path}\n" +
        "".join(f"{line}\n" for line in settings))
    filter.site.start_opendkim()


GRACE = 5  # seconds that messages on their way have


def test_what_is_on_its_way_at_the_end_is_answered(suite, filter, network):
    if suite != "ours":
        pytest.skip("the original takes no answers of this server")
    signing_filter(filter, "DNSTimeout 1", "On-DNSError tempfail")
    signed = filter.ask()
    network.dns.silent.add("one._domainkey.example.com")
    ends, answers = [], []

    def verify():  # waits for its key while the filter is told to end
        with filter.connect("192.0.2.7") as client:
            try:
                client.message(signed, before_end=ready.wait)
            except Refused as refused:
                answers.append(refused.reply)
    ready = threading.Barrier(2)
    verifier = threading.Thread(target=verify)
    verifier.start()
    idle = filter.connect()
    with filter.connect() as client:
        def end():
            ready.wait()
            ends.append(terminate(filter))
        assert selectors(client.message(TEXT, before_end=end)) == [b"one"]
    verifier.join()
    assert answers == ["451 4.7.5 DKIM key retrieval failed"]
    assert ends[0]() < GRACE  # whoever is idle is not waited for
    idle.close()


def test_a_message_that_never_ends_does_not_hold_the_end(filter):
    signing_filter(filter)
    with filter.connect() as client:
        ends = []
        with pytest.raises(ConnectionError):
            client.message(TEXT, before_end=lambda: ends.append(
                terminate(filter)()))
        assert ends[0] < 3 * GRACE


def test_connections_beyond_the_threads_wait(suite, filter):
    """None is dropped; the limit is the system's, of the filter's user."""
    if suite != "ours":
        pytest.skip("the original has no thread for an idle connection")
    site = filter.site
    site.accounts.next_uid = 60000 + os.getpid() % 5000  # nobody else's
    site.add_user("limited")
    path = filter.make_key("one")
    site.run("chown", "-R", "limited", KEYS)
    site.opendkim.replace(r"^UserID.*\n", "UserID limited\n")
    site.opendkim.append(f"Domain example.com\nSelector one\nKeyFile {path}\n")
    mark = site.log.mark()
    site.space.launch(["prlimit", "--nproc=8", "opendkim"])
    site.wait_for_log(r"OpenDKIM Filter v\S+ starting", since=mark)
    full = "thread for a client: Resource temporarily unavailable"
    held, answers = [], []
    pid = filter.pid()

    def threads():
        return len(site.run("ls", f"/proc/{pid}/task").stdout.split())
    while not site.log.grep(full):
        before = threads()
        held.append(filter.connect())
        wait_until("another thread, or word that there is none",
                   lambda: site.log.grep(full) or threads() > before)
    late = [threading.Thread(target=lambda: answers.append(
        selectors(filter.ask()))) for _ in range(15)]
    for thread in late:
        thread.start()
    wait_until("them to wait", lambda: site.run(
        "ss", "-Hnt", "state", "established", f"dport = :{PORT}"
    ).stdout.count("\n") == len(held) + len(late))
    assert not answers
    for client in held:
        assert selectors(client.message(TEXT)) == [b"one"]
        client.close()
    for thread in late:
        thread.join()
    assert answers == [[b"one"]] * len(late)
