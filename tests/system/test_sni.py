"""Certificates by the name that a client asks for (tls_server_sni_maps)."""

import re

import pytest
from postcote.wait import wait_until


@pytest.fixture
def chains(site):
    """Writes /etc/postfix/NAME.pem, key and chain, for each name."""
    def make(name, subject):
        certificate, key = site.certificate(subject)
        with open(f"{site.etc}/postfix/{name}.pem", "w") as out:
            for part in (key, certificate):
                with open(part) as f:
                    out.write(f.read())

    for name in ("a.example", "b.example", "w.example"):
        make(name, name)
    with open(f"{site.etc}/postfix/sni", "w") as f:
        f.write("a.example /etc/postfix/a.example.pem\n"
                ".b.example /etc/postfix/b.example.pem\n")
    site.run("postmap", "-F", "hash:/etc/postfix/sni")
    site.main.set("smtpd_tls_loglevel = 1",
                  "tls_server_sni_maps = hash:/etc/postfix/sni, inline:{ { "
                  "w.example = /etc/postfix/w.example.pem } }")
    return make


def shown(site, name):
    """The name in the certificate that who asks for `name` is shown."""
    done = site.run("openssl", "s_client", "-connect", "127.0.0.1:25",
                    "-starttls", "smtp", "-servername", name, input="QUIT\n",
                    check=False)
    found = re.search(r"subject=CN = (\S+)", done.stdout)
    return found and found.group(1)


def test_each_name_has_its_certificate(site, chains):
    site.start()
    mark = site.log.mark()
    assert shown(site, "a.example") == "a.example"
    site.wait_for_log(r"smtpd\[\d+\]: Anonymous TLS connection established "
                      r"from localhost\[127.0.0.1\] to a.example: TLSv1.3",
                      since=mark)
    assert shown(site, "A.EXAMPLE") == "a.example"
    assert shown(site, "x.b.example") == "b.example"
    assert shown(site, "y.x.b.example") == "b.example"
    assert shown(site, "w.example") == "w.example"
    # A name below a domain is not the domain's; unknown ones have the default.
    for name in ("b.example", "x.a.example", "other.example",
                 "mx.example.com"):
        assert shown(site, name) == "mx.example.com"


def test_a_new_table_is_served_without_a_reload(site, chains):
    site.start()
    assert shown(site, "a.example") == "a.example"
    chains("a.example", "renewed.example")
    assert shown(site, "a.example") == "a.example"  # until postmap
    site.run("postmap", "-F", "hash:/etc/postfix/sni")
    wait_until("the new certificate", lambda: shown(site, "a.example") ==
               "renewed.example")


def test_a_chain_that_only_root_may_read_is_read_as_root(site, chains):
    site.run("chmod", "600", "/etc/postfix/w.example.pem")
    site.start()
    assert shown(site, "w.example") == "w.example"
