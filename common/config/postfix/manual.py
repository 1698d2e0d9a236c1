#!/usr/bin/env python3
"""Makes postconf(5) of a template and params/*.tsv.

manual.py TEMPLATE OUTPUT ROOT TSV...
"""

import os
import sys

sys.dont_write_bytecode = True  # the sources are nobody's to write to
import generate  # noqa: E402

KINDS = {'bool': 'yes or no', 'int': 'number', 'long': 'number',
         'enum': 'word', 'raw': 'string', 'restriction-list': 'restrictions',
         'table-list': 'tables'}
TWIN = {lmtp: smtp for smtp, lmtp in generate.TWIN.items()}


def quote(text):
    """Safe at the begin of a line and inside it, for mdoc."""
    text = text.replace('\\', '\\e')
    return f'\\&{text}' if text[:1] in ".'" else text


def default(param):
    if param.default == '-host-':
        return "Default: of this host or process."
    if not param.default:
        return 'Default: empty.'
    return f'Default: {quote(param.default)}'


def meaning(param, names):
    """lmtp_X is told of as smtp_X."""
    if param.name.startswith('lmtp_') and not param.text:
        stem = param.name[len('lmtp_'):]
        smtp = 'smtp_' + TWIN.get(stem, stem)
        if smtp in names:
            return f'As\n.Va {smtp} ,\nfor LMTP.'
    text = param.text
    return f'{quote(text[:1].upper() + text[1:])}.' if text else ''


def entry(param, names, built):
    lines = [f'.It Va {param.name} Pq {KINDS.get(param.type, param.type)}']
    text = meaning(param, names)
    if text:
        lines.append(text)
    if param.readers == 'postfix' and param.type == 'path':
        lines.append('For people and scripts; of no effect.')
    elif param.name not in built:
        lines.append('Not in this version: setting it is warned of.')
    lines.append(default(param))
    return '\n'.join(lines)


def main():
    template, output, root, *areas = sys.argv[1:]
    params, legacy = generate.read(areas)
    built, suffixes = generate.built_names(params, legacy, root)
    names = {p.name for p in params}
    entries = [entry(p, names, built) for p in params]
    parts = {
        '@PARAMETERS@': '\n'.join(['.Bl -tag -width Ds', *entries, '.El']),
        '@SUFFIXES@': ' ,\n'.join(f'.Va transport_{s}'
                                  for s in sorted(suffixes))}
    with open(template, encoding='utf-8') as file:
        text = file.read()
    for mark, part in parts.items():
        text = text.replace(f'{mark}.' if mark == '@SUFFIXES@' else mark,
                            f'{part} .' if mark == '@SUFFIXES@' else part)
    if os.path.exists(output):
        with open(output, encoding='utf-8') as file:
            if file.read() == text:
                return
    with open(output, 'w', encoding='utf-8') as file:
        file.write(text)


if __name__ == '__main__':
    main()
