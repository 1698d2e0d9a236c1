#!/usr/bin/env python3
"""Makes C++ of the descriptions in settings/*.tsv.

  generate.py header OUT ROOT SECTIONS SERVICES      typed handles
  generate.py table OUT ROOT SECTIONS SERVICES       names, types, defaults
  generate.py unbuilt OUT TOP ROOT SECTIONS SERVICES which the tree reads
                                                     (rewritten on a change)

A setting is reported as not built when it is set and no source reads it. Flag
"moot": it tunes what only the original has (its index files, its plugins'
directory, TLS that it begins itself), so nothing is missed.
"""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..'))
from text_pool import TextPool

HANDLE = {'bool': 'Bool', 'uint': 'Uint', 'octal': 'Uint', 'port': 'Uint',
          'size': 'Size', 'time': 'Time', 'timems': 'TimeMs',
          'string': 'String', 'vars': 'String', 'enum': 'Enum'}
TYPE = {'bool': 'Bool', 'uint': 'Uint', 'octal': 'Octal', 'port': 'Port',
        'size': 'Size', 'time': 'Time', 'timems': 'TimeMs',
        'string': 'String', 'vars': 'StringVars', 'enum': 'Enum',
        'list': 'List', 'strings': 'Strings'}
SECTIONS = ['root', 'passdb', 'userdb', 'namespace', 'mailbox', 'service',
            'unix_listener', 'fifo_listener', 'inet_listener', 'metric',
            'event_exporter']
KEYWORDS = {'namespace': 'name_space', 'auto': 'auto_', 'default': 'default_'}
PLACES = ['common', 'lmtp', 'imapd', 'pop3d', 'authd', 'submission', 'master',
          'tools']


class Setting:
    def __init__(self, name, kind, default, modules='', flags=''):
        self.name, self.default, self.modules = name, default, modules
        self.kind, _, self.words = kind.partition(':')
        self.flags = flags.split()

    def symbol(self):
        return KEYWORDS.get(self.name, self.name)


def rows(path):
    with open(path, encoding='utf-8') as file:
        for line in file:
            if not line.startswith('#'):
                yield line.rstrip('\n').split('\t')


def read(root, sections, services):
    tables = {name: [] for name in SECTIONS}
    for row in rows(root):
        tables['root'].append(Setting(*row))
    for section, *row in rows(sections):
        tables[section].append(Setting(*row))
    return tables, list(rows(services))


def type_name(section):
    return ''.join(part.title() for part in section.split('_'))


def header(tables):
    out = ['// Made by generate.py of settings/*.tsv. Do not edit.',
           '#pragma once', '', '#include "common/config/dovecot/handle.h"', '',
           'namespace mail::config::dovecot::setting {', '']
    for section in SECTIONS:
        of = type_name(section)
        if section != 'root':
            out.append(f'namespace {KEYWORDS.get(section, section)} {{')
        for number, s in enumerate(tables[section]):
            if s.kind in HANDLE:
                out.append(f'inline constexpr {HANDLE[s.kind]}<{of}> '
                           f'{s.symbol()}{{{number}}};')
        if section != 'root':
            out.append('}')
    out += ['', '}  // namespace mail::config::dovecot::setting', '']
    return '\n'.join(out)


def table(tables, services):
    pool = TextPool()
    out = ['// Made by generate.py of settings/*.tsv. Do not edit.',
           '#include "common/config/dovecot/description.h"', '',
           'namespace mail::config::dovecot {', '',
           'const PackedSetting kPackedSettings[] = {']
    first, count = {}, 0
    for section in SECTIONS:
        first[section] = count
        count += len(tables[section])
        lists = 0
        for s in tables[section]:
            default = (TextPool.NONE if s.default == '-null-'
                       else pool.add(s.default))
            is_list = s.kind == 'list'
            out.append('    {%s, %s, %s, %s, Type::%s, %d, %s},  // %s' % (
                pool.add(s.name), default, pool.add(s.words),
                pool.add(s.modules), TYPE[s.kind],
                lists if is_list else -1,
                'true' if 'hidden' in s.flags else 'false', s.name))
            lists += is_list
    out += ['};', 'constinit const SectionInfo kSections[] = {']
    for section in SECTIONS:
        kids = [SECTIONS.index(s.name) for s in tables[section]
                if s.kind == 'list']
        kids += [-1] * (6 - len(kids))
        out.append('    {"%s", SettingTable(%d), %d, {%s}},' % (
            section, first[section], len(tables[section]),
            ', '.join(map(str, kids))))
    names = sorted((s.name, i) for i, s in enumerate(tables['root']))
    out += ['};', 'const uint16_t kRootByName[] = {']
    out += [f'    {i},  // {name}' for name, i in names]
    out += ['};', 'const PackedDefault kPackedServiceDefaults[] = {']
    out += [f'    {{{pool.add(k)}, {pool.add(v)}}},' for k, v in services]
    out += ['};', f'const int kServiceDefaultCount = {len(services)};', '']
    out += pool.source('kSettingTexts')
    out += ['', '}  // namespace mail::config::dovecot', '']
    return '\n'.join(out)


USE = re.compile(r'\b(?:setting|set)::((?:\w+::)?\w+)')
COMMENT = re.compile(r'//.*')


def uses(top):
    found = set()
    for place in PLACES:
        for directory, _, files in os.walk(os.path.join(top, place)):
            for name in files:
                if name.endswith(('.cc', '.h')):
                    path = os.path.join(directory, name)
                    with open(path, encoding='utf-8') as file:
                        found.update(USE.findall(COMMENT.sub('', file.read())))
    return found


def unbuilt(tables, top):
    found = uses(top)
    out = ['// Made by generate.py of what the sources read. Do not edit.',
           '#include "common/config/dovecot/description.h"', '',
           'namespace mail::config::dovecot {', '',
           'const char* const kBuilt[] = {']
    for section in SECTIONS:
        prefix = ('' if section == 'root'
                  else KEYWORDS.get(section, section) + '::')
        out.append('    "' + ''.join(
            '1' if s.kind not in HANDLE or 'moot' in s.flags or
            prefix + s.symbol() in found or
            s.name in ('name', 'path', 'metric_name') else '0'
            for s in tables[section]) + '",')
    out += ['};', '', '}  // namespace mail::config::dovecot', '']
    return '\n'.join(out)


def main():
    what, target, *rest = sys.argv[1:]
    top = rest.pop(0) if what == 'unbuilt' else None
    tables, services = read(*rest)
    text = {'header': lambda: header(tables),
            'table': lambda: table(tables, services),
            'unbuilt': lambda: unbuilt(tables, top)}[what]()
    if what == 'unbuilt' and os.path.exists(target):
        with open(target, encoding='utf-8') as file:
            if file.read() == text:
                return
    with open(target, 'w', encoding='utf-8') as file:
        file.write(text)


main()
