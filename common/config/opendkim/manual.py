#!/usr/bin/python3
"""Makes opendkim.conf(5) of a template and the table in parameters.cc.

manual.py TABLE TEMPLATE OUTPUT
"""

import re
import sys

ROW = re.compile(r'\{"([^"]+)",\s*(\w+),\s*"([^"]*)",\s*(\w+),\s*'
                 r'"((?:[^"\\]|\\.)*)"\s*\}')
NOTES = {"Built": "", "Idle": "Accepted, without effect.",
         "Missing": "Not supported: setting it is warned of."}


def quote(text):
    """Safe at the begin of a line and inside it, for mdoc."""
    text = text.replace("\\\"", '"').replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{text}" if text[:1] in ".'" else text


def entry(row):
    name, kind, default, state, meaning = row
    lines = [f".It {quote(name)} Pq {kind.lower()}",
             f"{quote(meaning[:1].upper() + meaning[1:])}."]
    if default:
        lines.append(f"Default: {quote(default)}.")
    if NOTES[state]:
        lines.append(NOTES[state])
    return "\n".join(lines)


def main():
    table, template, output = sys.argv[1:]
    with open(table, encoding="utf-8") as f:
        rows = ROW.findall(f.read())
    with open(template, encoding="utf-8") as f:
        text = f.read()
    with open(output, "w", encoding="utf-8") as f:
        f.write(text.replace("@SETTINGS@", "\n".join(map(entry, rows))))


if __name__ == "__main__":
    main()
