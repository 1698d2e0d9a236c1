#!/usr/bin/env python3
"""Writes the table of Unicode full case folding (CaseFolding.txt, C and F)."""
import sys

entries = []
for code in range(0x80, 0x110000):
    if 0xD800 <= code < 0xE000:
        continue
    folded = chr(code).casefold()
    if folded != chr(code):
        entries.append((code, folded.encode()))
with open(sys.argv[1], 'w') as out:
    for code, folded in entries:
        text = ''.join('\\%03o' % byte for byte in folded)
        out.write('{0x%x, %d, "%s"},\n' % (code, len(folded), text))
