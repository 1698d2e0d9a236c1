"""Debian's own packages, unpacked beside the system: what we compare with."""

import fcntl
import functools
import glob
import os
import shutil
import subprocess

PACKAGES = [
    "postfix", "postfix-pcre", "postfix-lmdb", "dovecot-core",
    "dovecot-imapd", "dovecot-pop3d", "dovecot-lmtpd", "opendkim",
    "opendkim-tools",
    # What they need and a build machine does not have.
    "libopendkim11", "libvbr2", "librbl1", "libexttextcat-2.0-0",
    "libexttextcat-data", "liblua5.4-0", "liblua5.3-0", "libhashkit2",
    "libmemcached11", "libopendbx1", "libdb5.3", "libmilter1.0.1", "cpio",
]


def _download(package, updated=[]):
    command = ["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download",
               package]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode and not updated:  # old lists, or none
        updated.append(True)
        subprocess.run(["apt-get", "-q", "update"], capture_output=True)
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{package}: {done.stderr.strip()[-300:]}")


def _fetch(directory, packages):
    os.makedirs(f"{directory}/deb", exist_ok=True)
    before = os.getcwd()
    os.chdir(f"{directory}/deb")
    try:
        for package in packages:
            if not glob.glob(f"{package}_*.deb"):
                _download(package)
    finally:
        os.chdir(before)
    root = f"{directory}/root.new"
    shutil.rmtree(root, ignore_errors=True)
    os.makedirs(root)
    for archive in sorted(glob.glob(f"{directory}/deb/*.deb")):
        subprocess.run(["dpkg-deb", "-x", archive, root], check=True)
    for top in ("bin", "sbin", "lib"):  # under /usr on a merged system
        old = f"{root}/{top}"
        if os.path.isdir(old) and not os.path.islink(old):
            subprocess.run(["cp", "-a", f"{old}/.", f"{root}/usr/{top}/"],
                           check=True)
            shutil.rmtree(old)
    shutil.rmtree(f"{directory}/root", ignore_errors=True)
    os.rename(root, f"{directory}/root")


def _complete(directory, packages):
    """Also false for what was fetched by an older list of packages."""
    return (os.path.isdir(f"{directory}/root") and
            all(glob.glob(f"{directory}/deb/{package}_*.deb")
                for package in packages))


def _find(directory, packages):
    try:
        os.makedirs(directory, exist_ok=True)
        with open(f"{directory}/.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not _complete(directory, packages):
                _fetch(directory, packages)
    except (OSError, RuntimeError, subprocess.SubprocessError) as e:
        return None, f"Debian's packages cannot be had: {e}"
    return f"{directory}/root", None


def _place():
    return os.environ.get("POSTCOTE_ORACLE", "/var/cache/postcote-oracle")


@functools.cache
def find_oracle():
    """(root directory, None), or (None, why there is none)."""
    return _find(_place(), PACKAGES)


@functools.cache
def find_package(name):
    """The same of one package beside the originals, in a root of its own."""
    return find_packages(name, [name])


def find_packages(name, packages):
    """The same of several, in one root."""
    return _find(f"{_place()}/other/{name}", packages)
