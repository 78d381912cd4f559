"""Reads Graphviz dot as far as nbqc writes it, by the grammar of graphviz.org/doc/info/lang.html: fails on what is not
dot, on an edge to a node that is not there, on a node said twice. Graphviz itself, where installed, reads it as well.
    python3 dot.py GRAPH.dot
"""

import re
import shutil
import subprocess
import sys

TOKEN = re.compile(r'\s+|(?P<edge>->)|(?P<mark>[][{};,=])|(?P<id>[A-Za-z_][A-Za-z0-9_]*)|"(?P<text>(?:[^"\\]|\\.)*)"')
source = open(sys.argv[1], encoding='utf-8').read()
tokens, at = [], 0
while at < len(source):
    m = TOKEN.match(source, at)
    if not m:
        sys.exit(f'no dot at {source[at:at + 40]!r}')
    at = m.end()
    if m.lastgroup:
        tokens.append((m.lastgroup, m.group(m.lastgroup)))
tokens.reverse()
nodes, edges = set(), []


def take(kind=None, text=None):
    found = tokens.pop() if tokens else ('end', '')
    if (kind and found[0] != kind) or (text and found[1] != text):
        sys.exit(f'found {found}, expected {kind} {text}')
    return found[1]


def follows(text):
    return bool(tokens) and tokens[-1][0] in ('mark', 'edge') and tokens[-1][1] == text


def attributes():
    while not follows(']'):
        take('id')
        take('mark', '=')
        tokens.pop()
        if follows(','):
            take()
    take('mark', ']')


def statements():
    while not follows('}'):
        name = take('id')
        if name == 'subgraph':
            take('id')
            take('mark', '{')
            statements()
            continue
        if follows('='):
            take()
            take('text')
        elif follows('->'):
            take()
            edges.append((name, take('id')))
            if follows('['):
                take()
                attributes()
        elif follows('['):
            take()
            attributes()
            if name in nodes:
                sys.exit(f'{name} twice')
            nodes.add(name)
        take('mark', ';')
    take('mark', '}')


take('id', 'digraph')
take('text')
take('mark', '{')
statements()
for a, b in edges:
    if a not in nodes or b not in nodes:
        sys.exit(f'{a} -> {b}: no such node')
if tokens or not edges:
    sys.exit(f'left over: {tokens[-5:]}')
if shutil.which('dot'):
    subprocess.run(['dot', '-Tcanon', '-o', '/dev/null', sys.argv[1]], check=True)
