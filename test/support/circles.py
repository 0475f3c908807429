#!/usr/bin/python3
"""No circle of more than two files in src/: a file with its header is one, and leads to those that it includes, and to
those whose functions and tables it uses. These are two graphs, since a folder's contract is read by all who fulfil it.
Nor is one function or table in two files, and the name of a structure means one thing. Usage: circles.py BUILD (whose
objects show it), in the project's root. Prints what it finds, and fails."""
import collections
import json
import os
import re
import subprocess
import sys


def files_below(*folders):
    return [os.path.join(at, name) for folder in folders for at, _, names in os.walk(folder) for name in names]


def name_of(path):
    """src/http/tls.c, src/http/tls.h and include/http/tls.h are one: http/tls."""
    return re.sub(r"^(src|include)/|\.[ch]$", "", path)


def graph_of(edges):
    """edges are (from, to, what for)."""
    graph = collections.defaultdict(lambda: collections.defaultdict(set))
    for source, target, what in edges:
        if source != target:
            graph[source][target].add(what)
    return graph


def includes(paths, names):
    for path in paths:
        with open(path, encoding="utf-8") as file:
            headers = re.findall(r'^#include "(.*)\.h"', file.read(), re.MULTILINE)
        for header in headers:
            beside = name_of(os.path.join(os.path.dirname(path), header))
            yield name_of(path), header if header in names else beside, header + ".h"


def symbols_of(build, sources):
    """(source, kind, symbol) of each object of those sources; a build holds those of tests, too."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        compiled = [(re.search(r" -o (\S+) ", row["command"])[1], os.path.relpath(row["file"])) for row in json.load(file)]
    objects = {os.path.join(build, path): source for path, source in compiled if source in sources}
    if not objects:
        sys.exit(f"{build} is no build of this tree")
    listed = subprocess.run(["nm", "-A", *objects], check=True, stdout=subprocess.PIPE, text=True).stdout
    for line in listed.splitlines():
        path, kind, symbol = re.fullmatch(r"(.*?):[0-9a-f ]* ([A-Za-z]) (\S+)", line).groups()
        yield objects[path], kind, symbol


def homes_of(symbols):
    homes = collections.defaultdict(list)
    for source, kind, symbol in symbols:
        if kind.isupper() and kind not in "UVW":
            homes[symbol].append(source)
    return homes


def calls(symbols):
    homes = homes_of(symbols)
    for source, kind, symbol in symbols:
        for home in homes[symbol] if kind == "U" else []:
            yield name_of(source), name_of(home), symbol


def ways_from(graph, start, without=None):
    """What each file that start leads to is led to by, on the shortest way; that does not use the edge without."""
    before = {start: None}
    queue = collections.deque([start])
    while queue:
        at = queue.popleft()
        for target in sorted(graph.get(at, ())):
            if target not in before and (at, target) != without:
                before[target] = at
                queue.append(target)
    return before


def groups_of(graph):
    """The groups of more than two that all lead to each other."""
    reached = {start: ways_from(graph, start) for start in sorted(graph)}
    grouped = set()
    for start, ends in reached.items():
        group = {end for end in ends if start in reached.get(end, ())}
        if start not in grouped and len(group) > 2:
            yield group
        grouped |= group


def way_back(graph, source, target):
    """From target to source, but not by one step: with the edge between them a circle of more than two. Or nothing."""
    before = ways_from(graph, target, without=(target, source))
    way = [source] if source in before else []
    while way and way[0] != target:
        way.insert(0, before[way[0]])
    return way


def circle_in(graph, group):
    """The shortest way of more than two that comes back; in pairs that hang together, to the second pair and back."""
    inner = {name: [end for end in graph[name] if end in group] for name in group}
    ways = [way_back(inner, name, end) for name in sorted(group) for end in sorted(inner[name])]
    way = min(filter(None, ways), key=len, default=None)
    if way:
        return [way[-1], *way]
    middle = next(name for name in sorted(group) if len(inner[name]) > 1)
    first, second = sorted(inner[middle])[:2]
    return [first, middle, second, middle, first]


def report(graph, verb):
    found = False
    for group in groups_of(graph):
        found = True
        circle = circle_in(graph, group)
        print(f"{len(group)} files are in one circle by what they {verb}: {' -> '.join(circle)}", file=sys.stderr)
        for source, target in zip(circle, circle[1:]):
            print(f"  {source} {verb}s {target}: {', '.join(sorted(graph[source][target]))}", file=sys.stderr)
        print(f"  in it are: {', '.join(sorted(group))}", file=sys.stderr)
    return found


def report_twins(symbols):
    """The linker takes the first of two from its libraries, without a word."""
    twins = {symbol: files for symbol, files in homes_of(symbols).items() if len(files) > 1}
    for symbol, files in sorted(twins.items()):
        print(f"{symbol} is defined in {' and '.join(sorted(files))}", file=sys.stderr)
    return bool(twins)


def report_namesakes(paths):
    homes = collections.defaultdict(list)
    for path in paths:
        with open(path, encoding="utf-8") as file:
            for name in re.findall(r"^(?:static )?(?:const )?((?:struct|enum|union) \w+) \{", file.read(), re.MULTILINE):
                homes[name].append(path)
    doubled = {name: files for name, files in homes.items() if len(files) > 1}
    for name, files in sorted(doubled.items()):
        print(f"{name} is declared in {' and '.join(sorted(files))}", file=sys.stderr)
    return bool(doubled)


def main():
    paths = [path for path in files_below("src", "include") if path.endswith((".c", ".h"))]
    names = {name_of(path) for path in paths}
    sources = [path for path in paths if path.endswith(".c")]
    symbols = list(symbols_of(sys.argv[1], sources))
    found = [report(graph_of(includes(paths, names)), "include"), report(graph_of(calls(symbols)), "call")]
    sys.exit(any([*found, report_twins(symbols), report_namesakes(paths)]))


main()
