"""The how-to's mail server of part 4, as far as Dovecot goes: log in by IMAP
and POP3, in the clear and with TLS."""

import pytest
from postcote import dovecot


@pytest.fixture
def mail(suite, new_site):
    site = dovecot.dovecot_site(new_site, suite,
                                conf="disable_plaintext_auth = no\n")
    return site.start_dovecot()


def test_login(mail):
    for tls in (False, True):
        client = dovecot.imap(mail, tls=tls)
        assert client.login("alice", dovecot.PASSWORD)[0] == "OK"
        assert client.select()[0] == "OK"
        client.logout()
        client = dovecot.pop3(mail, tls=tls)
        client.user("bob")
        assert client.pass_(dovecot.PASSWORD).startswith(b"+OK")
        client.quit()
    mail.wait_for_log(r"dovecot: imap-login: Login: user=<alice>, .* TLS")
    mail.wait_for_log(r"dovecot: pop3-login: Login: user=<bob>, .* TLS")
    assert not mail.log.grep("Panic:|Fatal:")


def test_wrong_password(mail):
    client = dovecot.imap(mail)
    with pytest.raises(client.error, match="AUTHENTICATIONFAILED"):
        client.login("alice", "wrong")
    client.shutdown()
    mail.wait_for_log(r"dovecot: imap-login: .*auth failed, 1 attempts")
