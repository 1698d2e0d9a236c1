"""Who may submit mail by command, and as whom."""

import pytest

TEXT = "Subject: x\n\nx\n"
DIALOGUE = "EHLO x\r\nQUIT\r\n"


@pytest.fixture
def people(site):
    for name in ("alice", "bob", "mallory"):
        site.add_user(name)
    return site


def submit(site, user, *options):
    return site.run("sendmail", *options, "alice", input=TEXT, user=user,
                    check=False)


def test_only_those_on_the_list_submit(people):
    people.main.set("authorized_submit_users = !mallory, !root, static:all")
    people.start()
    assert submit(people, "alice").returncode == 0
    uid = people.run("id", "-u", "mallory").stdout.strip()
    refusal = f"fatal: User mallory({uid}) is not allowed to submit mail"
    refused = submit(people, "mallory")
    assert (refused.returncode, refused.stderr.strip()) == (
        75, f"sendmail: {refusal}")
    # Neither past sendmail, nor as a server on standard input.
    past = people.run("postdrop", input="x", user="mallory", check=False)
    assert (past.returncode, past.stderr.strip()) == (1, f"postdrop: {refusal}")
    served = people.run("sendmail", "-bs", input=DIALOGUE, user="mallory",
                        check=False)
    assert (served.returncode, served.stdout) == (75, "")
    # root has no privilege here, as it has with the queue.
    assert "User root(0) is not allowed" in submit(people, None).stderr
    people.wait_for_mbox("alice")


def test_users_send_as_those_that_a_table_names(people):
    people.main.set("local_login_sender_maps = inline:{ { alice = alice "
                    "alice@example.com @alice.example }, { bob = <>, "
                    "bob@example.com }, { uid:4711 = x } }")
    people.start()

    def answer(user, sender):
        done = submit(people, user, "-f", sender)
        assert done.returncode in (0, 75)
        return done.stderr.strip()

    for sender in ("alice", "alice+ext", "ALICE", "Alice+x@EXAMPLE.com",
                   "any@alice.example"):
        assert answer("alice", sender) == ""
    uid = people.run("id", "-u", "alice").stdout.strip()
    assert answer("alice", "other@x") == (
        f"sendmail: fatal: other@x({uid}): not authorized to use "
        "sender='other@x'")
    assert answer("alice", "<>") == (
        f"sendmail: fatal: ({uid}): not authorized to use sender=''")
    assert answer("bob", "<>") == ""
    assert "not authorized" in answer("bob", "bob")
    assert "not authorized" in answer("mallory", "mallory")

    def nobody(sender):  # who has no account
        return people.run("setpriv", "--reuid=4711", "--clear-groups",
                          "sendmail", "-f", sender, "alice", input=TEXT,
                          check=False).stderr.strip()

    assert nobody("x") == ""
    assert nobody("y") == ("sendmail: fatal: y(4711): not authorized to use "
                           "sender='y'")


def test_a_table_that_cannot_be_read_lets_nobody_send(people):
    people.main.set("local_login_sender_maps = hash:/etc/postfix/none")
    people.start()
    refused = submit(people, "alice")
    assert refused.returncode == 75
    assert "open database /etc/postfix/none.db: No such file or directory" \
        in refused.stderr
    assert not people.queue_files()


def test_the_null_sender_has_a_name_of_its_own_in_tables(people):
    people.main.set(
        "local_login_sender_maps = inline:{ { bob = null } }",
        "empty_address_local_login_sender_maps_lookup_key = null")
    people.start()
    assert submit(people, "bob", "-f", "<>").returncode == 0
    assert submit(people, "alice", "-f", "<>").returncode == 75
