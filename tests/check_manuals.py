#!/usr/bin/python3
"""Each program that is installed has a manual, and each manual is clean.

check_manuals.py BUILD [GENERATED...]: the build's list of installed files, and
manuals that the build makes. Status 0: all well; 77: mandoc is missing; 1:
prints what is wrong, one line each.
"""

import json
import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))
PROGRAMS = re.compile(r"/(s?bin|lib/dovecot|lib/postfix/sbin)/([^/]+)$")
MANUAL = re.compile(r"/man\d/([^/]+)\.(\d\w*)$")
SCRIPTS = {"postfix-script", "configure-instance.sh"}  # of postfix(1)


def names_of(program):
    """A program's directory and name -> the manuals that may describe it."""
    place, name = program
    if place == "lib/postfix/sbin":
        return [f"{name}.8postfix"]
    if place == "lib/dovecot":
        return [f"{name}.8", f"{name}.1", f"dovecot-{name}.8"]
    return [f"{name}.1", f"{name}.8"]


def installed(build):
    """Programs and manuals in the install plan of BUILD."""
    with open(f"{build}/meson-info/intro-install_plan.json",
              encoding="utf-8") as file:
        plan = json.load(file)
    programs, manuals = [], set()
    for group in plan.values():
        for entry in group.values():
            place = entry["destination"].replace("{bindir}", "/usr/bin")
            place = place.replace("{prefix}", "/usr")
            if found := PROGRAMS.search(place):
                programs.append(found.groups())
            if found := MANUAL.search(place):
                manuals.add(".".join(found.groups()))
    return programs, manuals


def links():
    """Links to manuals: name -> what it points to. They are in no plan."""
    with open(f"{ROOT}/man/meson.build", encoding="utf-8") as file:
        found = re.findall(r"'man\d/([^']+)': '([^']+)'", file.read())
    return dict(found)


def lint(path):
    done = subprocess.run(["mandoc", "-Tlint", "-Wwarning", path],
                          capture_output=True, text=True)
    return (done.stdout + done.stderr).splitlines()


def without_text(path):
    """Parameters whose entry has a default alone."""
    with open(path, encoding="utf-8") as file:
        bare = re.findall(r"^\.It Va (\S+) .*\nDefault:", file.read(), re.M)
    return [f"{path}: {name} has no text (params/*.tsv, the last column)"
            for name in bare]


def main():
    build, *generated = sys.argv[1:]
    programs, manuals = installed(build)
    wrong = [f"link {link} points to {page}, which is not installed"
             for link, page in links().items() if page not in manuals]
    manuals |= set(links())
    programs = [p for p in programs if p[1] not in SCRIPTS]
    wrong += [f"{place}/{name}: no manual" for place, name in programs
              if not manuals & set(names_of((place, name)))]
    sources = [os.path.join(top, name)
               for top, _, files in os.walk(f"{ROOT}/man") for name in files
               if re.search(r"\.\d\w*$", name)]
    missing = [p for p in sources if os.path.basename(p) not in manuals]
    wrong += [f"{path} is not installed" for path in missing]
    if len(programs) < 20 or len(sources) < 20:
        wrong.append(f"only {len(programs)} programs, {len(sources)} manuals")
    for path in generated:
        wrong += without_text(path)
    mandoc = shutil.which("mandoc")
    if mandoc:
        for path in sources + generated:
            wrong += lint(path)
    print("\n".join(wrong) or f"{len(programs)} programs, "
          f"{len(sources) + len(generated)} manuals")
    if not wrong and not mandoc:
        print("mandoc is missing: not linted")
        return 77
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
