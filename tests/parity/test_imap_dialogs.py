"""Dialogues with imap: ours and Debian's give the same answers."""

import glob
import os
import re

import pytest
from postcote import imap

HERE = os.path.dirname(__file__)
DIALOGS = sorted(glob.glob(f"{HERE}/../dialogs/imap-*.dlg"))
# Told in an order of the file system's by the original, by name here; and
# HIGHESTMODSEQ by the original only where modseqs are in use already.
UNORDERED = re.compile(r"S: \* (LIST|LSUB|STATUS) ")
ABSENT = re.compile(r"S: \* OK \[HIGHESTMODSEQ M\] Highest$")


def settle(lines):
    out, run = [], []
    for line in lines:
        if UNORDERED.match(line):
            run.append(line)
            continue
        out += sorted(run)
        run = []
        if not ABSENT.match(line):
            out.append(line)
    return out + sorted(run)


def read(path):
    with open(path, encoding="utf-8") as f:
        return [line.rstrip("\n") for line in f if not line.startswith("#")]


@pytest.mark.parametrize(
    "path", DIALOGS, ids=lambda p: os.path.basename(p)[5:-4])
def test_dialog(suite, path, tmp_path):
    imap.need(suite, tmp_path)
    expected = read(path)
    lines = [line[3:].encode() for line in expected if line.startswith("C: ")]
    got = imap.play(suite, str(tmp_path), lines,
                    f"{HERE}/../dialogs/imap-messages")
    assert settle(got) == settle(expected)
