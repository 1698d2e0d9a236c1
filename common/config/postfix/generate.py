#!/usr/bin/env python3
"""Makes C++ of the parameter descriptions in params/*.tsv.

  generate.py header OUT TSV...      typed handles (params.h)
  generate.py table OUT TSV...       names, defaults, bounds (params_table.cc)
  generate.py unbuilt OUT ROOT TSV.. which parameters the tree reads
                                     (unbuilt.cc)

Each is written only when it changes: a text for the manual builds nothing.
"""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..'))
from text_pool import TextPool, quoted

KIND = {'bool': 'Bool', 'int': 'Int', 'long': 'Int', 'time': 'Time'}
# The names of lmtp(8)'s parameters that say lhlo where smtp's say helo, ehlo.
TWIN = {'helo_name': 'lhlo_name', 'helo_timeout': 'lhlo_timeout',
        'discard_ehlo_keywords': 'discard_lhlo_keywords',
        'discard_ehlo_keyword_address_maps':
            'discard_lhlo_keyword_address_maps'}
# Their defaults name tables of whatever program: that is no use of them.
LISTS_OF_OTHERS = {'proxy_read_maps', 'proxy_write_maps'}
PLACES = ['common', 'smtpd', 'submission', 'queue', 'delivery', 'master',
          'tools', 'lmtp', 'imapd', 'pop3d', 'authd', 'dkim-milter']


class Param:
    def __init__(self, line, where):
        cells = line.rstrip('\n').split('\t')
        if len(cells) != 7:
            sys.exit(f'{where}: 7 columns wanted: {line!r}')
        (self.name, self.type, self.default, self.min, self.max,
         self.readers, self.text) = cells
        self.kind = KIND.get(self.type, 'String')
        self.id = -1

    def symbol(self):
        return ('_' if self.name[0].isdigit() else '') + self.name


def read(paths):
    params, legacy = [], []
    for path in paths:
        with open(path, encoding='utf-8') as file:
            for number, line in enumerate(file, 1):
                if line.startswith('#'):
                    continue
                if os.path.basename(path) == 'legacy.tsv':
                    legacy.append(line.rstrip('\n').split('\t'))
                else:
                    params.append(Param(line, f'{path}:{number}'))
    params.sort(key=lambda p: p.name)
    for number, param in enumerate(params):
        param.id = number
    names = [p.name for p in params]
    if len(set(names)) != len(names):
        sys.exit('a parameter is described twice')
    return params, legacy


def pairs(params):
    """(stem, smtp parameter, lmtp parameter) for each pair."""
    by_name = {p.name: p for p in params}
    for param in params:
        if not param.name.startswith('smtp_'):
            continue
        stem = param.name[len('smtp_'):]
        twin = by_name.get('lmtp_' + TWIN.get(stem, stem))
        if twin:
            yield stem, param, twin


def header(params):
    out = ['// Made by generate.py of params/*.tsv. Do not edit.',
           '#pragma once', '', '#include "common/config/postfix/handle.h"',
           '', 'namespace mail::config::param {', '']
    for p in params:
        out.append(f'inline constexpr {p.kind} {p.symbol()}{{{p.id}}};')
    out += ['', f'inline constexpr int kCount = {len(params)};', '',
            '// smtp_NAME as smtp(8), lmtp_NAME as lmtp(8).',
            'namespace client {']
    for stem, smtp, lmtp in pairs(params):
        out.append(f'inline constexpr Pair<{smtp.kind}> {stem}'
                   f'{{{{{smtp.id}}}, {{{lmtp.id}}}}};')
    out += ['}  // namespace client', '', '}  // namespace mail::config::param',
            '']
    return '\n'.join(out)


def table(params, legacy):
    pool = TextPool()
    out = ['// Made by generate.py of params/*.tsv. Do not edit.',
           '#include "common/config/postfix/param_info.h"', '',
           'namespace mail::config {', '',
           'const PackedParam kPackedParams[] = {']
    for p in params:
        out.append('    {%s, %s, %s, Type::%s, %s, %s},  // %s' % (
            pool.add(p.name), pool.add(p.default), pool.add(p.readers),
            p.type.replace('-', ' ').title().replace(' ', ''),
            p.min or 'kNoBound', p.max or 'kNoBound', p.name))
    out += ['};', f'const int kParamCount = {len(params)};', '',
            'const PackedLegacyParam kPackedLegacyParams[] = {']
    for name, _, successor in sorted(legacy):
        out.append(f'    {{{pool.add(name)}, {pool.add(successor)}}},')
    out += ['};', f'const int kLegacyParamCount = {len(legacy)};', '']
    out += pool.source('kParamTexts')
    out += ['', '}  // namespace mail::config', '']
    return '\n'.join(out)


COMMENT = re.compile(r'//.*')
USE = re.compile(r'\bparam::(client::)?(\w+)')
CLIENT_USE = re.compile(r'\bclient::(\w+)')
TRANSPORT_USE = re.compile(r'\bTransport(?:Int|Time|String)::(\w+)')
TEXT_USE = re.compile(r'\bexpand(?:_text)?\("\$(\w+)"\)')
REFERENCE = re.compile(r'\$[{(]?(\w+)')


def uses(root):
    """The handles and transport suffixes that the sources name."""
    found, suffixes = set(), set()
    for place in PLACES:
        for top, _, files in os.walk(os.path.join(root, place)):
            for name in files:
                if not name.endswith(('.cc', '.h')):
                    continue
                with open(os.path.join(top, name), encoding='utf-8') as file:
                    text = COMMENT.sub('', file.read())
                found.update(('', name) for name in TEXT_USE.findall(text))
                if 'param::' in text:
                    found.update(USE.findall(text))
                if 'param::client' in text:  # by an alias of the namespace
                    found.update(('client::', stem)
                                 for stem in CLIENT_USE.findall(text))
                if 'Transport' in text and 'transport.h' != name:
                    suffixes.update(TRANSPORT_USE.findall(text))
    return found, suffixes


def built_names(params, legacy, root):
    found, suffixes = uses(root)
    by_symbol = {p.symbol(): p for p in params}
    by_name = {p.name: p for p in params}
    todo = [by_symbol[name].name for client, name in found
            if not client and name in by_symbol]
    for stem, smtp, lmtp in pairs(params):
        if ('client::', stem) in found:
            todo += [smtp.name, lmtp.name]
    for suffix in suffixes:
        todo += ['default_' + suffix, suffix]
        todo += [p.name for p in params if p.name.endswith('_' + suffix)
                 and not p.name.startswith('postscreen_')]  # no transport
    built = set()
    old = {name for name, _, _ in legacy}
    while todo:  # what a built default refers to is read too
        name = todo.pop()
        if name in built or (name not in by_name and name not in old):
            continue
        built.add(name)
        if name in by_name and name not in LISTS_OF_OTHERS:
            todo += REFERENCE.findall(by_name[name].default)
    return built, suffixes


def unbuilt(params, legacy, root):
    built, suffixes = built_names(params, legacy, root)
    bits = ''.join('1' if p.name in built else '0' for p in params)
    out = ['// Made by generate.py of what the sources read. Do not edit.',
           '#include "common/config/postfix/param_info.h"', '',
           'namespace mail::config {', '', 'const char kBuilt[] =']
    for start in range(0, len(bits), 64):
        out.append(f'    "{bits[start:start + 64]}"')
    out[-1] += ';'
    out += ['constinit const std::string_view kUnbuiltLegacy[] = {']
    missing = sorted(n for n, _, _ in legacy if n not in built)
    out += [f'    {quoted(n)},' for n in missing] or ['    "",']
    out += ['};', f'const int kUnbuiltLegacyCount = {len(missing)};',
            'constinit const std::string_view kBuiltSuffixes[] = {']
    out += [f'    {quoted(s)},' for s in sorted(suffixes)] or ['    "",']
    out += ['};', f'const int kBuiltSuffixCount = {len(suffixes)};', '',
            '}  // namespace mail::config', '']
    return '\n'.join(out)


def main():
    what, target, *rest = sys.argv[1:]
    root = rest.pop(0) if what == 'unbuilt' else None
    params, legacy = read(rest)
    text = {'header': lambda: header(params),
            'table': lambda: table(params, legacy),
            'unbuilt': lambda: unbuilt(params, legacy, root)}[what]()
    if os.path.exists(target):
        with open(target, encoding='utf-8') as file:
            if file.read() == text:
                return
    with open(target, 'w', encoding='utf-8') as file:
        file.write(text)


if __name__ == '__main__':
    main()
