"""Our doveconf beside Debian's, over many configurations: equal output."""

import pytest

OPTIONS = ["-n", "-a", "-d", "-N", "-S", "-n -S", "-N -S", "-P -n", "-x -n",
           "-d -s", "-s -a", "-d -S", "-m imap", "-m lmtp -n", "-m auth -a",
           "mail_location", "-h mail_location", "ssl_key",
           "mail_location mail_debug nosuch", "service/lmtp", "passdb",
           "plugin", "namespace", "-S mail_location", "-f protocol=lda -a",
           "-f local=10.0.0.1 -f protocol=pop3 -a", "-f foo=bar", "-c /none"]
CONFIGS = {
    "how-to": """\
disable_plaintext_auth = no
auth_mechanisms = plain login
mail_location = maildir:~/Maildir
ssl = yes
ssl_cert = </etc/dovecot/private/dovecot.pem
ssl_key = </etc/dovecot/private/dovecot.key
service auth {
  unix_listener /var/spool/postfix/private/auth {
    mode = 0666
    user = postfix
    group = postfix
  }
}
service lmtp {
  unix_listener /var/spool/postfix/private/dovecot-lmtp {
    mode = 0600
    user = postfix
    group = postfix
  }
}
protocol lmtp {
  postmaster_address = postmaster@example.com
  mail_plugins = $mail_plugins sieve
}
""",
    "filters": """\
ssl = no
mail_plugins = a
protocol imap {
  mail_plugins = $mail_plugins b
  passdb {
    driver = static
  }
  namespace inbox {
    prefix = x/
  }
  plugin {
    a = 2
    c = 3
  }
  service imap {
    process_limit = 5
  }
}
passdb {
  driver = pam
}
passdb zoo {
  driver = pam
}
plugin {
  z = 1
  a = 1
}
service zed {
  executable = log
}
namespace inbox {
  inbox = yes
  mailbox "a b" {
    special_use = \\Sent
  }
}
namespace {
  prefix = foo/
  ignore_on_failure = yes
}
local 10.0.0.0/8 {
  ssl_cert = </etc/hostname
  protocol imap {
    mail_max_userip_connections = 3
  }
}
remote 10.1.2.3 {
  login_greeting = hi
  protocol !pop3 {
    login_log_format = x
  }
}
remote 10.1.2.0/24 {
  login_greeting = ho
}
local_name mail.example.com {
  ssl_cert = </etc/hosts
}
local_name "a.b c.d" {
  protocol lmtp {
   mail_debug = yes
  }
}
local 127.0.0.5 {
  local_name x.y {
    login_greeting = ex
  }
}
""",
    "values": """\
ssl=no
mail_location = bar #baz
mail_home = "a \\" b"
mail_attachment_dir = "a" b
mail_fsync = always   # hello
auth_cache_ttl = 5400s
auth_cache_size = 2000
mail_max_lock_timeout = 14 days
login_proxy_timeout = 1500 msecs
hostname = $mail_fsync x$mail_home
mail_plugins = $mail_plugins  acl
service a {
 executable = x -y
 vsz_limit = 1024 k
 idle_kill = 90 s
 unix_listener q {
   mode = 666
 }
 fifo_listener "q q" {
   mode = 0644
 }
 inet_listener {
   port = 24
 }
}
passdb {
 driver=static
 args = uid=1 password=x pass=y key=z secret_x=1 nopassword=y xpass=4
}
plugin {
  quota = dict:proxy://user:pw@host/x?pass=a&key=b
  mail_crypt_private_key = abc
  my_nonce = x
  x_key =
  url = http://bob@host/ ftp://a:b@c
  b = "\\"x\\""
  d = "a\\\\b #"
  f = " x"
  j = a  b	c
}
doveadm_password = x
mail_attribute_dict = pgsql:host=x password=y
""",
    "warning": """\
protocol imap {
  mail_plugins = a
}
mail_plugins = b#c
""",
}
ERRORS = ["foo = 1", "service {\n}", "mail_debug = maybe", "ssl = maybe",
          "protocols = foo", "auth_cache_size = 12x", "!include nothere",
          "mail_location { a", "}", "service x {", "mail_location",
          "local 10.0.0.0/8 {\n auth_mechanisms = plain\n}",
          "foo bar baz", "mailbox foo {\n}", "plugin {\n a {\n }\n}",
          "mail_plugins += acl", "protocol imap {\n local 1.2.3.4 {\n }\n}",
          "passdb pam {\n driver = pam\n}\npassdb pam {\n}",
          "auth_cache_ttl = 2", "auth_cache_ttl = 2 fortnights",
          "auth_cache_ttl = 1500ms", "service imap {\n  foo = bar\n}",
          "first_valid_uid = abc", "passdb {\n}"]


OLD = ["protocols = imap imaps pop3s", "protocols = imaps",
       "ssl_disable = yes", "ssl_disable = no", "fsync_disable = yes",
       "ssl_protocols = !SSLv3 !TLSv1", "ssl_protocols = TLSv1.1 TLSv1.2",
       "ssl_protocols = !TLSv1.2", "ssl_protocols = !SSLv3 !TLSv1.1",
       "ssl_protocols = SSLv3 TLSv1.2",
       "imap_client_workarounds = outlook-idle delay-newmail netscape-eoh",
       "protocol imap {\n  imap_client_workarounds = outlook-idle delay-newmail"
       "\n  ssl_protocols = !SSLv3\n}",
       "sieve = ~/x.sieve\nsieve_storage = ~/s",
       "protocol lda {\n  sieve = ~/x\n}",
       "service dns_client {\n  process_limit = 3\n}",
       "plugin {\n  imap_zlib_compress_level = 3\n}",
       "login_user = joe\nlogin_process_size = 64\n"
       "login_process_per_connection = no\nlogin_processes_count = 3\n"
       "login_max_processes_count = 50\nlogin_max_connections = 100\n"
       "login_chroot = no\nlogin_executable = /x",
       "login_process_per_connection = maybe\nlogin_max_processes_count = x\n"
       "mail_process_size = 1G\nmail_executable = /y",
       "protocol imap {\n  login_executable = /x\n  mail_executable = /y\n"
       "  listen = *:10143\n  ssl_listen = *:10943\n}",
       "max_mail_processes = 70\nmail_process_size = 128\n"
       "mail_drop_priv_before_exec = yes",
       "auth_executable = /x\nauth_process_size = 99\nauth_user = joe\n"
       "auth_chroot = /c\nauth_count = 2",
       "listen = *:143\nssl_listen = *:993", "listen = [::]:143, *:144",
       "listen = 10.0.0.1\nssl_listen = *", "listen = *, ::",
       "protocol pop3 {\n  listen = 10.0.0.1\n}",
       "ssl_cert_file = /etc/hosts\nlogin_dir = /x\nssl_dh_parameters_length "
       "= 2048\ndbox_rotate_size = 10M\nmail_cache_compress_min_size = 1M"]


@pytest.fixture(scope="module")
def site(hosts):
    """Debian's doveconf, with ours beside it as our-doveconf."""
    from postcote import tree
    from postcote.network import Network
    from postcote.site import Site
    if reason := tree.why_not("ours", ["doveconf"]):
        pytest.skip(reason)
    network = Network()
    made = Site(network, tree.Tree("debian"))
    with open(f"{tree.find_ours()}/usr/bin/doveconf", "rb") as program:
        with open(f"{made.home}/our-doveconf", "wb") as copy:
            copy.write(program.read())
    made.run("chmod", "755", "/home/our-doveconf")
    yield made
    made.close()
    network.close()


def ask(site, program, arguments):
    done = site.run(program, *arguments, check=False)
    return done.stdout, done.stderr, done.returncode


def write(site, text):
    with open(f"{site.home}/test.conf", "w") as f:
        f.write(text)


@pytest.mark.parametrize("options", OPTIONS)
def test_untouched(site, options):
    ours = ask(site, "/home/our-doveconf", options.split())
    assert ours == ask(site, "doveconf", options.split())


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("options", ["-n", "-a", "-N", "-S -n", "-x -n",
                                     "-P -n", "plugin", "passdb",
                                     "-f protocol=imap -a"])
def test_edited(site, name, options):
    write(site, CONFIGS[name])
    arguments = ["-c", "/home/test.conf", *options.split()]
    ours = ask(site, "/home/our-doveconf", arguments)
    assert ours == ask(site, "doveconf", arguments)


@pytest.mark.parametrize("text", ERRORS)
def test_error(site, text):
    """The last line and the status are the original's; ours may list more
    in front."""
    write(site, text + "\n")
    arguments = ["-c", "/home/test.conf", "-n"]
    ours = ask(site, "/home/our-doveconf", arguments)
    theirs = ask(site, "doveconf", arguments)
    assert ours[2] == theirs[2] == 89
    assert ours[1].splitlines()[-1] == theirs[1].splitlines()[-1]


@pytest.mark.parametrize("text", OLD)
def test_old_settings_are_converted(site, text):
    write(site, text + "\n")
    arguments = ["-c", "/home/test.conf", "-n"]
    ours = ask(site, "/home/our-doveconf", arguments)
    assert ours == ask(site, "doveconf", arguments)


def test_all_errors_in_one_run(site):
    write(site, "\n".join(ERRORS[:4]) + "\n")
    text = ask(site, "/home/our-doveconf",
               ["-c", "/home/test.conf", "-n"])[1]
    assert "line 1: Unknown setting: foo" in text
    assert ("line 4: Invalid boolean value: maybe (use yes or no)") in text
    assert ("line 5: Invalid value: maybe (ssl: one of yes, no, required)"
            ) in text
