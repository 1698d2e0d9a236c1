"""Each program of Debian's untouched master.cf from one suite in a site of
the other: ours in a genuine Postfix, and a genuine one in ours."""

import hashlib
import os
import sys

import pytest
from postcote import tree

sys.path.insert(0, os.path.dirname(__file__))

from passage import furnish, walk  # noqa: E402

PROGRAMS = tree.DAEMONS + ["postdrop", "sendmail", "postqueue", "postmap",
                           "postalias", "postsuper"]


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("host,donor", [("debian", "ours"),
                                        ("ours", "debian")])
def test_transplant(new_site, host, donor, program):
    reason = (tree.why_not(donor, [program]) if host == "debian"
              else tree.why_not("ours"))
    if reason:
        pytest.skip(reason)
    site = new_site(tree.Tree(host, replace={program: donor}))
    furnish(site)
    place = tree.find_program(donor, program)
    with open(f"{tree.find_root(donor)}/{place}", "rb") as f:
        wanted = hashlib.sha256(f.read()).hexdigest()
    assert site.run("sha256sum", f"/{place}").stdout.startswith(wanted)
    if program == "postlogd":
        site.log_to_file()
    site.start()
    walk(site)


@pytest.mark.parametrize("host", ["debian", "ours"])
@pytest.mark.parametrize("logger", ["syslog", "postlogd"])
def test_whole_suite(new_site, host, logger):
    """Without a transplant, so that a failure above can be told."""
    site = new_site(host)
    furnish(site)
    if logger == "postlogd":
        site.log_to_file()
    site.start()
    walk(site)
