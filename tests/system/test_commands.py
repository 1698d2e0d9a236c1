"""Commands that anybody may run with the rights of the group postdrop."""


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
