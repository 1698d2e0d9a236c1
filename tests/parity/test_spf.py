"""policyd-spf answers as Debian's postfix-policyd-spf-python does."""

import os
import subprocess

import pytest
from postcote import namespaces, oracle
from postcote.dns import FakeDns
from postcote.namespaces import Namespace

PACKAGES = ["postfix-policyd-spf-python", "python3-spf-engine", "python3-spf",
            "python3-authres", "python3-dnspython"]
BUILD = os.path.abspath(os.environ.get("POSTCOTE_BUILD", "build"))
ZONE = {
    "pass.test": "v=spf1 ip4:192.0.2.1 -all",
    "fail.test": "v=spf1 -all",
    "exp.test": "v=spf1 -all exp=why.exp.test",
    "why.exp.test": "Go away %{i} from %{d} says %{r}",
    "soft.test": "v=spf1 ~all",
    "neutral.test": "v=spf1 ?all",
    "unknown.test": "v=spf1 foo:bar -all",
    "voids.test": "v=spf1 a:v1.test a:v2.test a:v3.test -all",
    "many.test": "v=spf1 " + " ".join(
        f"a:h{i}.hosts.test" for i in range(11)) + " -all",
    "include.test": "v=spf1 include:nowhere.test -all",
    "redirect.test": "v=spf1 redirect=nowhere.test",
    "moved.test": "v=spf1 redirect=pass.test",
    "mx.test": "v=spf1 mx -all",
    "ptr.test": "v=spf1 ptr -all",
    "exists.test": "v=spf1 exists:%{ir}.%{l1r-}.x.test -all",
    "v6.test": "v=spf1 ip6:2001:db8::/32 a//64 -all",
    "ip4.test": "v=spf1 ip4:300.1.1.1 -all",
    "cidr.test": "v=spf1 ip4:1.2.3.4/33 -all",
    "host-cidr.test": "v=spf1 a/33 -all",
    "no-domain.test": "v=spf1 include -all",
    "empty-domain.test": "v=spf1 mx: -all",
    "label.test": "v=spf1 a:example -all",
    "all-word.test": "v=spf1 all:foo",
    "twice.test": "v=spf1 redirect=a.test redirect=b.test",
    "modifier.test": "v=spf1 x=%{ ip4:192.0.2.1 -all",
}
REJECTING = "PermError_reject = True\nTempError_Defer = True\n"


@pytest.fixture(scope="module")
def programs():
    """(answers of ours, answers of Debian's) to (requests, configuration)."""
    reason = namespaces.why_not()
    roots = []
    for package in PACKAGES:
        root, missing = oracle.find_package(package)
        reason = reason or missing
        roots.append(root)
    if reason:
        pytest.skip(reason)
    space = Namespace("mx", [])
    scratch = subprocess.run(["mktemp", "-d"], capture_output=True, text=True,
                             check=True).stdout.strip()
    with open(f"{scratch}/resolv.conf", "w") as f:
        f.write("nameserver 127.0.0.1\n")
    space.run(["mount", "--bind", f"{scratch}/resolv.conf",
               "/etc/resolv.conf"])
    dns = FakeDns(space, "127.0.0.1")
    for name, text in ZONE.items():
        dns.add(name, "TXT", text)
    dns.add("two.test", "TXT", "v=spf1 a", "v=spf1 -all")
    dns.add("mx.test", "MX", "10 mail.mx.test")
    dns.host("mail.mx.test", "192.0.2.1")
    dns.host("mail.ptr.test", "192.0.2.9")
    dns.add("9.2.0.192.bad.x.test", "A", "127.0.0.2")
    dns.add("v6.test", "AAAA", "2001:db8:1::1")
    for i in range(11):
        dns.add(f"h{i}.hosts.test", "A", "9.9.9.9")
    dns.rcodes["broken.test"] = "SERVFAIL"

    def ask(argv, environment):
        def answers(requests, configuration):
            with open(f"{scratch}/conf", "w") as f:
                f.write(configuration)
            return space.run([*argv, f"{scratch}/conf"], input=requests,
                             env=environment).stdout
        return answers

    path = ":".join(f"{root}/usr/lib/python3/dist-packages" for root in roots)
    yield (ask([f"{BUILD}/smtpd/policyd-spf/policyd-spf"], {}),
           ask(["/usr/bin/python3", f"{roots[0]}/usr/bin/policyd-spf"],
               {"PYTHONPATH": path}))
    dns.close()
    space.close()
    subprocess.run(["rm", "-rf", scratch], check=True)


def request(number, **changes):
    attributes = {
        "request": "smtpd_access_policy", "protocol_state": "RCPT",
        "client_address": "192.0.2.9", "helo_name": "helo.example.test",
        "sender": "bad-Strong@pass.test", "recipient": "u@Example.Org",
        "instance": f"i{number}", "queue_id": "", **changes}
    return "".join(f"{k}={v}\n" for k, v in attributes.items()) + "\n"


def same(programs, requests, configuration=""):
    ours, theirs = (ask(requests, configuration) for ask in programs)
    assert ours == theirs
    return ours


def test_every_sender_gets_the_same_verdict(programs):
    names = [name for name in ZONE if name != "why.exp.test"]
    names += ["two.test", "nowhere.test"]
    requests = ""
    for name in names:
        for client in ("192.0.2.1", "192.0.2.9", "2001:db8:1::2"):
            requests += request(len(requests), sender=f"bad-strong@{name}",
                                client_address=client)
    answers = same(programs, requests, REJECTING)
    assert answers.count("action=") == 3 * len(names)


def test_helo_decides_where_it_should(programs):
    requests = ""
    for helo in ("pass.test", "fail.test", "soft.test", "neutral.test",
                 "unknown.test", "label", "nowhere.test"):
        for sender in ("", "a@nowhere.test", "a@pass.test"):
            requests += request(len(requests), helo_name=helo, sender=sender,
                                client_address="192.0.2.1")
    for policy in ("Fail", "Softfail", "SPF_Not_Pass", "Null", "False",
                   "No_Check"):
        same(programs, requests, f"HELO_reject = {policy}\n")


@pytest.mark.parametrize("configuration", [
    "Header_Type = AR\nAuthserv_Id = mx.example.org\n",
    "Header_Type = None\n", "TestOnly = 0\n", "Hide_Receiver = Yes\n",
    "SPF_Enhanced_Status_Codes = No\n", "Mail_From_reject = Softfail\n",
    "Mail_From_reject = SPF_Not_Pass\n", "Mail_From_reject = No_Check\n",
    "Mail_From_reject = False\n", "No_Mail = True\n", "Mock = True\n",
    "Reject_Not_Pass_Domains = neutral.test,soft.test\n",
    "Whitelist = 192.0.2.8/31\n", "skip_addresses = 192.0.2.0/24\n",
    "Domain_Whitelist = ptr.test\n", "Domain_Whitelist_PTR = ptr.test\n",
    "HELO_Whitelist = mail.ptr.test\n",
    "Mail_From_pass_restriction = passed\n",
    "Reason_Message = No {rejectdefer} {spf} {url}\n",
    "Prospective = 192.0.2.1\nHELO_reject = No_Check\n",
])
def test_settings_mean_the_same(programs, configuration):
    requests = request(0, recipient="")
    for name in ("pass", "fail", "soft", "neutral", "exp", "nowhere"):
        requests += request(name, sender=f"a@{name}.test")
        requests += request(name + "p", sender=f"a@{name}.test",
                            client_address="192.0.2.1")
        requests += request(name + "l", sender=f"a@{name}.test",
                            client_address="127.0.0.1")
        requests += request(name + "h", sender=f"a@{name}.test",
                            helo_name="mail.ptr.test")
    same(programs, requests, configuration)


def test_users_have_settings_of_their_own(programs, tmp_path):
    users = tmp_path / "users"
    users.write_text("# comment\nopen@example.org,Mail_From_reject=No_Check|"
                     "HELO_reject=No_Check\n"
                     "perm@example.org,PermError_reject=True\n"
                     "skip@example.org,skip_addresses=192.0.2.0/24\n")
    requests = ""
    for user in ("open", "perm", "skip", "other"):
        for name in ("fail", "pass", "unknown"):
            requests += request(user + name, sender=f"a@{name}.test",
                                recipient=f"{user}@example.org")
    same(programs, requests, f"Per_User = text,{users}\nHide_Receiver = Yes\n")


def test_further_recipients_are_told_refusals_alone(programs):
    requests = (request(1, client_address="192.0.2.1") +
                request(1, client_address="192.0.2.1", recipient="v@b.test") +
                request(2) + request(2, recipient="w@b.test"))
    answers = same(programs, "no attribute\n" + requests)
    assert answers.count("action=dunno") == 1
    assert answers.count("action=550") == 2
