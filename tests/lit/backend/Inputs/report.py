"""A report in JSON against its text, its documentation and the rows nbq-run prints of the program.
    python3 report.py REPORT.json REPORT.txt ROWS.txt
"""

import json
import os
import re
import sys

WIDTH = 120
report = json.load(open(sys.argv[1], encoding='utf-8'))
text = open(sys.argv[2], encoding='utf-8').read().splitlines()
rows = open(sys.argv[3], encoding='utf-8', errors='replace').read().splitlines()


def check(good, *what):
    if not good:
        sys.exit('report.py: ' + ' '.join(map(str, what)))


def same(a, b, what):
    check(a == b, what, 'is', a, 'and', b)


# The page names every key there is, in order, and no other.
page = os.path.join(os.path.dirname(__file__), '../../../../docs/report.md')
documented = [[]]
for line in open(page, encoding='utf-8'):
    if line.startswith('## '):
        documented.append([])
    elif line.startswith('| ') and not line.startswith('| key '):
        documented[-1].append(line.split('|')[1].strip())
head, tensors, layers, totals = documented[1:]
groups = ['inputs', 'outputs', 'layers', 'totals']
same(list(report), head + groups, 'keys of the program')
for group, keys in (('inputs', tensors), ('outputs', tensors), ('layers', layers)):
    for n, entry in enumerate(report[group]):
        same(list(entry), keys, f'keys of {group}[{n}]')
same(list(report['totals']), totals, 'keys of totals')

for line in text:
    check(len(line) <= WIDTH, len(line), 'columns:', line)
    check(line == line.rstrip(), 'spaces at the end of:', line)

# Sums.
for total, of in (
    ('macs', 'macs'),
    ('weights', 'weights'),
    ('estimated_dram_bytes', 'estimated_dram_bytes'),
    ('estimated_cycles', 'estimated_cycles'),
):
    same(report['totals'][total], sum(l[of] or 0 for l in report['layers']), total)
same(report['totals']['layers'], len(report['layers']), 'layers')
ms = report['totals']['estimated_cycles'] / report['mhz'] / 1e3
check(abs(report['totals']['estimated_ms'] - ms) < 0.00006, 'ms', ms)

# Rows of nbq-run: number, name, then these, split at spaces.
start = next(n for n, line in enumerate(rows) if re.match(r' +layer +kind ', line))
found = rows[start + 1 : start + 1 + len(report['layers'])]
check(len(found) == len(report['layers']), len(found), 'rows')
for layer, line in zip(report['layers'], found):
    at = line.rfind(f" {layer['kind']} ")
    check(at > 0, 'no', layer['kind'], 'in row', line)
    shown = line[at:].split()
    same(int(line[:3]), layer['index'], 'index')
    exps, bits = layer['weight_exp'], layer['bits']
    expected = [
        layer['kind'],
        'x'.join(map(str, layer['in'])),
        'x'.join(map(str, layer['out'])),
        layer['place'],
        '-' if bits is None else str(bits) + ('+' if layer['terms'] == 2 else ''),
        str(layer['macs']),
        str(layer['weights']),
        '-' if exps is None else f'{exps[0]}…{exps[1]}',
        '-' if layer['margin'] is None else str(layer['margin']),
    ]
    same(shown[: len(expected)], expected, 'row ' + line)
    if layer['tiles'] is not None:
        same(shown[len(expected)], str(layer['tiles']), 'tiles of ' + line)
    same(' '.join(shown[len(expected) + 1 :]), layer['note'] or '', 'note of ' + line)
