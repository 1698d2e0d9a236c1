"""Reads mailboxes and queue directories from outside."""

import os
import re


def read_mbox(path):
    """The messages of an mbox file: texts that begin with "From "."""
    if not os.path.exists(path):
        return []
    with open(path, encoding="latin-1", newline="") as f:
        text = f.read()
    return re.split(r"(?<=\n\n)(?=From )", text) if text else []


def read_file(path):
    with open(path, encoding="latin-1", newline="") as f:
        return f.read()


def maildir_files(path):
    """The paths of the messages in new/ and cur/, by file name."""
    found = []
    for part in ("new", "cur"):
        folder = f"{path}/{part}"
        if os.path.isdir(folder):
            found += [f"{folder}/{name}" for name in sorted(os.listdir(folder))]
    return found


def read_maildir(path):
    """The texts of the messages in new/ and cur/, by file name."""
    return [read_file(file) for file in maildir_files(path)]


def queue_files(queue, *names):
    """{queue id: path} of the files in the named queue directories."""
    found = {}
    for name in names or ("maildrop", "incoming", "active", "deferred",
                          "hold"):
        for folder, _, files in os.walk(f"{queue}/{name}"):
            for file in files:
                found[file] = f"{folder}/{file}"
    return found


def header(text, name):
    """A header field's value, unfolded; None if absent."""
    head = text.replace("\r\n", "\n").split("\n\n")[0]
    match = re.search(rf"^{name}:[ \t]*(.*(?:\n[ \t].*)*)", head, re.M | re.I)
    return re.sub(r"\n[ \t]+", " ", match.group(1)) if match else None
