"""Which program comes from where: the trees laid over a site's /usr."""

import atexit
import functools
import glob
import json
import os
import shutil
import subprocess
import tempfile

from postcote.oracle import find_oracle

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../.."))
DAEMONS = [  # of Debian's untouched master.cf, and master itself
    "anvil", "bounce", "cleanup", "discard", "error", "flush", "lmtp",
    "local", "master", "pickup", "pipe", "postlogd", "proxymap", "qmgr",
    "scache", "showq", "smtp", "smtpd", "tlsmgr", "trivial-rewrite", "verify",
    "virtual",
]
COMMANDS = ["postfix", "postconf", "postmap", "postalias", "postqueue",
            "postsuper", "postcat", "postlog", "postdrop", "postkick",
            "postlock", "postmulti", "sendmail"]
PLACES = ["usr/lib/postfix/sbin", "usr/sbin", "usr/bin", "usr/lib/dovecot"]
COMPONENTS = {
    "postfix": ["usr/lib/postfix", "usr/sbin/post*", "usr/sbin/sendmail",
                "usr/lib/sendmail", "usr/bin/mailq", "usr/bin/newaliases",
                "usr/share/postfix"],
    "dovecot": ["usr/lib/dovecot", "usr/sbin/dovecot", "usr/bin/dove*",
                "usr/share/dovecot"],
    "opendkim": ["usr/sbin/opendkim*", "usr/bin/opendkim*",
                 "usr/lib/opendkim"],
}


def _link(source, target):
    """A hard link where possible, else a copy."""
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.lexists(target):
        os.unlink(target)
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)


def _link_tree(source, target):
    if os.path.isdir(source) and not os.path.islink(source):
        os.makedirs(target, exist_ok=True)
        for name in os.listdir(source):
            _link_tree(f"{source}/{name}", f"{target}/{name}")
    else:
        _link(source, target)


def _install_by_list(build, target):
    """Takes what is built so far, by meson's list of installed files."""
    listed = subprocess.run(["meson", "introspect", "--installed", build],
                            check=True, capture_output=True, text=True)
    for source, place in json.loads(listed.stdout).items():
        if os.path.isfile(source):
            _link(source, target + place)
    for name in ("mailq", "newaliases"):
        if (os.path.exists(f"{target}/usr/sbin/sendmail")
                and not os.path.lexists(f"{target}/usr/bin/{name}")):
            os.makedirs(f"{target}/usr/bin", exist_ok=True)
            os.symlink("../sbin/sendmail", f"{target}/usr/bin/{name}")


def _install(build, target):
    done = subprocess.run(
        ["meson", "install", "-C", build, "--no-rebuild", "--quiet",
         "--destdir", target], capture_output=True, text=True)
    if done.returncode:
        _install_by_list(build, target)


@functools.cache
def find_ours():
    """The root of an installed tree of ours; may lack programs.
    POSTCOTE_BUILD: the build directory; or several, "A:B": of B what A has
    not."""
    builds = os.environ.get("POSTCOTE_BUILD", f"{ROOT}/build").split(":")
    target = tempfile.mkdtemp(prefix="postcote-tree.",
                              dir=os.environ.get("POSTCOTE_SCRATCH", "/var/tmp"))
    atexit.register(shutil.rmtree, target, ignore_errors=True)
    os.chmod(target, 0o755)
    os.makedirs(f"{target}/usr")
    for build in reversed(builds):
        if os.path.isdir(build):
            _install(build, target)
    return target


def find_root(suite):
    if suite == "ours":
        return find_ours()
    root, reason = find_oracle()
    if not root:
        raise RuntimeError(reason)
    return root


def find_program(suite, name):
    """Where a program is in a suite's tree, relative to it; None if not.
    "dovecot/anvil" and "dovecot/lmtp" are Dovecot's of that name."""
    if name.startswith("dovecot/"):
        place = f"usr/lib/{name}"
        return place if os.path.exists(f"{find_root(suite)}/{place}") else None
    for place in PLACES:
        if os.path.exists(f"{find_root(suite)}/{place}/{name}"):
            return f"{place}/{name}"
    return None


def why_not(suite, names=None):
    """Why a suite (or some programs of it) cannot run, or None."""
    if suite == "debian":
        return find_oracle()[1]
    missing = [n for n in (names or DAEMONS + COMMANDS)
               if not find_program(suite, n)]
    return f"not built: {', '.join(missing)}" if missing else None


class Tree:
    """base: the suite of all programs that nothing else is said of.
    dovecot, opendkim: the suite of these components, None for none.
    replace: {program: suite}. others: the roots of more packages, whose
    /usr, /etc and /var/lib are there as well."""

    def __init__(self, base, dovecot="debian", opendkim="debian",
                 replace=None, others=()):
        self.suites = {"postfix": base, "dovecot": dovecot,
                       "opendkim": opendkim}
        self.replace = dict(replace or {})
        self.others = list(others)

    def other_places(self, name):
        """The directories of that name in the other packages."""
        return [f"{root}/{name}" for root in self.others
                if os.path.isdir(f"{root}/{name}")]

    def root(self, component="postfix"):
        return find_root(self.suites[component])

    def compose(self, directory, postdrop_gid):
        """Makes the parts that are no suite's own under directory. Returns
        mount(8) argument lists that lay the tree over /usr."""
        layer, sealed = f"{directory}/layer", f"{directory}/sealed"
        os.makedirs(f"{layer}/usr", exist_ok=True)
        for component, patterns in COMPONENTS.items():
            if not self.suites[component]:
                continue
            for pattern in patterns:
                for path in glob.glob(f"{self.root(component)}/{pattern}"):
                    place = os.path.relpath(path, self.root(component))
                    into = sealed if place.startswith("usr/lib/") else layer
                    _link_tree(path, f"{into}/{place}")
        if self.suites["dovecot"] == "debian":  # as the postinst scripts do
            into = f"{layer}/usr/share/dovecot/protocols.d"
            os.makedirs(into, exist_ok=True)
            for name in ("imap", "lmtp", "pop3"):
                with open(f"{into}/{name}d.protocol", "w") as f:
                    f.write(f"protocols = $protocols {name}\n")
        for name, suite in self.replace.items():
            place = find_program(suite, name)
            into = sealed if place.startswith("usr/lib/") else layer
            _link(f"{find_root(suite)}/{place}", f"{into}/{place}")
        if "debian" in {*self.replace.values(), self.suites["postfix"]}:
            for path in glob.glob(f"{find_root('debian')}/usr/lib/postfix/*.so"):
                _link(path, f"{sealed}/usr/lib/postfix/" +
                      os.path.basename(path))
        for name in ("postdrop", "postqueue"):
            self._set_gid(f"{layer}/usr/sbin/{name}", postdrop_gid)
        return self._mounts(layer, sealed)

    @staticmethod
    def _set_gid(path, gid):
        """Own copies of the set-gid commands, as group ids differ."""
        if os.path.exists(path):
            shutil.copyfile(path, path + ".copy")
            os.rename(path + ".copy", path)
            os.chown(path, 0, gid)
            os.chmod(path, 0o2555)

    def _mounts(self, layer, sealed):
        lower = [f"{layer}/usr"]
        for suite in ("ours", "debian"):
            if suite in {*self.suites.values(), *self.replace.values()}:
                lower.append(f"{find_root(suite)}/usr")
        lower += self.other_places("usr")
        mounts = [["-t", "overlay", "usr", "-o",
                   f"lowerdir={':'.join(lower)}:/usr", "/usr"]]
        for name in ("postfix", "dovecot"):
            if os.path.isdir(f"{sealed}/usr/lib/{name}"):
                mounts.append(["--bind", f"{sealed}/usr/lib/{name}",
                               f"/usr/lib/{name}"])
        return mounts
