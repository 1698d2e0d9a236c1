#!/usr/bin/python3
"""Holds the tree to its rules: layers, sizes, words that are not used.

The table is that of ARCHITECTURE.md. Prints each violation as FILE:LINE: why;
the exit status is 0 if there is none.
"""

import os
import re
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))
LAYERS = {  # library: (layer, libraries of the same layer that it may use)
    "base": (0, ""),
    "crypto": (1, ""), "mime": (1, ""), "smtp": (1, "mime"),
    "imap": (1, "mime"), "milter": (1, ""), "sasl": (1, "crypto"),
    "dkim": (1, "mime crypto"), "spf": (1, ""),
    "queuefile": (1, ""), "config": (1, "crypto"),
    "log": (2, ""), "process": (2, ""), "net": (2, ""), "tls": (2, "net"),
    "dns": (2, "net"), "ipc": (2, "net log"),
    "filters": (3, ""), "maps": (3, ""), "auth": (3, ""), "queue": (3, ""),
    "mailbox": (3, ""), "mailview": (3, "mailbox"),
    "daemon": (4, ""), "login": (4, "daemon"),
}
STATIONS = {"smtpd", "submission", "queue", "delivery", "lmtp", "imapd",
            "pop3d", "authd", "dkim-milter", "master", "tools"}
MAX_LINES, MAX_FUZZ_LINES = 800, 20
NOT_OURS = r"(?<![\w.>:])(?:std::|::)?"  # not a member, not in mail::
FORBIDDEN = [  # pattern of C++ code, why
    (NOT_OURS + r"v?(?:f|s|sn|d|as)?printf\s*\(", "printf family: use fmt"),
    (r"#include <(?:iostream|ostream|istream|fstream|sstream|iomanip)>",
     "iostreams: use fmt and common/base/file.h"),
    (r"#include <regex>|std::regex", "std::regex"),
    (NOT_OURS + r"(?:to(?:lower|upper)|is(?:alpha|alnum|digit|xdigit|space|"
     r"upper|lower|print|punct|cntrl|graph)|strn?casecmp)\s*\(",
     "locale function: use common/base/ascii.h"),
    (NOT_OURS + r"(?:strto(?:u?ll?|f|d|ld)|ato[ifl]l?|sto(?:i|u?ll?|f|d))\s*\(",
     "use common/base/number.h"),
    (NOT_OURS + r"(?:system|popen)\s*\(", "runs a shell: use common/process"),
]
SLEEP = re.compile(r"(?<![\w])(?:u|nano)?sleep(?:_for|_until)?\s*\(")
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def without_comments(text):
    """C++ with comments and the contents of strings blanked, lines kept."""
    pattern = (r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|R"\((?:.*?)\)"|'
               r"'(?:\\.|[^'\\\n])'")

    def blank(match):
        keep = match.group()
        if keep.startswith(('"', "R")):
            return '""' + "\n" * keep.count("\n")
        return "\n" * keep.count("\n")

    return re.sub(pattern, blank, text, flags=re.S)


def place(path):
    """("common", library), ("station", name) or ("tests", directory)."""
    parts = path.split("/")
    if parts[0] == "common":
        return "common", parts[1]
    if parts[0] in STATIONS:
        return "station", parts[0]
    return parts[0], parts[1] if len(parts) > 2 else ""


def judge_include(path, included):
    """Why a file must not include another, or None."""
    kind, name = place(path)
    other_kind, other = place(included)
    if not os.path.exists(f"{ROOT}/{included.split('/')[0]}"):
        return f'"{included}" is not named from the root'
    if kind == "tests":
        return None
    if other_kind == "tests":
        return "the program uses a test's file"
    if other_kind == "station":
        if kind == "station" and name == other:
            return None
        return (f"station {name} includes station {other}" if kind == "station"
                else f"library {name} includes station {other}")
    if other not in LAYERS:
        return f"library {other} is not in the table of ARCHITECTURE.md"
    if kind == "station" or name == other:
        return None
    if name not in LAYERS:
        return f"library {name} is not in the table of ARCHITECTURE.md"
    (layer, same), lower = LAYERS[name], LAYERS[other][0]
    if lower < layer or (lower == layer and other in same.split()):
        return None
    return f"{name} (layer {layer}) must not use {other} (layer {lower})"


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def check_cpp(path, text, report):
    for match in INCLUDE.finditer(text):
        why = judge_include(path, match.group(1))
        if why:
            report(path, line_of(text, match.start(1)), why)
    code = without_comments(text)
    rules = list(FORBIDDEN)
    # What net::sleep itself does is tested where it lives.
    if path.startswith("tests/") and "/common/net/" not in path:
        rules.append((SLEEP.pattern, "sleep in a test: wait for the condition"))
    for pattern, why in rules:
        for match in re.finditer(pattern, code):
            report(path, line_of(code, match.start()), why)
    if re.match(r"tests/fuzz/fuzz_.*\.cc$", path):
        if text.count("\n") > MAX_FUZZ_LINES:
            report(path, 1, f"fuzz target of more than {MAX_FUZZ_LINES} lines")
        corpus = "tests/corpus/" + path[len("tests/fuzz/fuzz_"):-len(".cc")]
        if not os.path.isdir(f"{ROOT}/{corpus}"):
            report(path, 1, f"there is no {corpus}")


TARGET = re.compile(r"\b(?:static_library|executable)\(\s*'[^']*',"
                    r"((?:\s*'[^']*\.cc',?)+)")
ANONYMOUS = re.compile(r"^namespace \{$(.*?)^\}  *(?://.*)?$|^namespace \{$(.*)",
                       re.M | re.S)
DEFINITION = re.compile(
    r"^(?! )(?:template <[^\n]*>\n)?(?:constexpr |const |inline |static )*(?:"
    r"(?:struct|class|enum class|enum|using) (?P<type>\w+)(?= |\n)(?![^\n]*;$)|"
    r"using (?P<alias>\w+) = (?P<meaning>[^;]*);|"
    r"[\w:<>,*& ]+?[ *&](?P<function>\w+)(?P<arguments>\([^{;=]*\)) *(?:const )?\{|"
    r"[\w:<>,*& ]+?[ *&](?P<constant>k[A-Z]\w*)\b)", re.M)


def check_names(path, report):
    """A name in the unnamed namespaces of a target means one thing: what is
    there twice is a duplicate, or two things that look like one. (And
    quickstart compiles many files of a target at once.)"""
    with open(f"{ROOT}/{path}", encoding="utf-8") as f:
        text = f.read()
    for target in TARGET.finditer(text):
        seen = {}
        for file in re.findall(r"'([^']*\.cc)'", target.group(1)):
            file = os.path.normpath(f"{os.path.dirname(path)}/{file}")
            with open(f"{ROOT}/{file}", encoding="utf-8") as f:
                code = without_comments(f.read())
            for space in ANONYMOUS.finditer(code):
                begin = space.start(1) if space.group(1) else space.start(2)
                for match in DEFINITION.finditer(code, begin, space.end()):
                    kinds = match.groupdict()
                    name = (kinds["type"] or kinds["alias"] or
                            kinds["constant"] or kinds["function"])
                    types = re.sub(r"\s+|\w+(?=[,)])", "",
                                   kinds["arguments"] or "")
                    other, meaning = seen.setdefault(
                        (name, types), (file, kinds["meaning"]))
                    if other != file and not (
                            meaning and meaning == kinds["meaning"]):
                        report(file, line_of(code, match.start()),
                               f"{name} is also in {other}")


def check_python(path, text, report):
    if path.startswith("tests/") and not path.endswith("postcote/wait.py"):
        for match in re.finditer(r"time\.sleep\(|from time import [s]leep", text):
            report(path, line_of(text, match.start()),
                   "sleep in a test: wait for the condition")


def sources():
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [f for f in folders
                      if not f.startswith((".", "build", "__"))]
        for file in files:
            if file.endswith((".cc", ".h", ".py", "meson.build")):
                yield os.path.relpath(f"{folder}/{file}", ROOT)


def main():
    count = violations = 0

    def report(path, line, why):
        nonlocal violations
        violations += 1
        print(f"{path}:{line}: {why}")

    for path in sorted(sources()):
        with open(f"{ROOT}/{path}", encoding="utf-8") as f:
            text = f.read()
        count += 1
        if text.count("\n") > MAX_LINES:
            report(path, MAX_LINES, f"more than {MAX_LINES} lines")
        if path.endswith(".py"):
            check_python(path, text, report)
        elif path.endswith("meson.build"):
            if not path.startswith("tests/"):
                check_names(path, report)
        else:
            check_cpp(path, text, report)
    print(f"{count} files, {violations} violations")
    return violations > 0


if __name__ == "__main__":
    sys.exit(main())
