#!/usr/bin/python3
"""What the documents for developers say of the code is there: files, places in them (`file.c:function`), links, names of the
code, floors, and the moves of state diagrams. Prints what is missing. Usage: test/check_docs.py [ROOT [DOCUMENT ...]]

A file may be named by its end alone, `intent.c`: then any file that ends so will do, and any of them may have the function.
NAME, X and FLOOR stand for any word; so does a star in a file's name for any part of one."""

import fnmatch
import os
import re
import sys

ROOT = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), ".."))
EXACT = ["docs/architecture.md", "docs/new-driver.md", "CONTRIBUTING.md"]  # names of the code are looked up, too
ELSEWHERE = {"compile_commands.json", "coverage.txt", "lmdb.h"}  # files that are made, or others'
EXAMPLES = {"module_verb_object", "ret_x"}
DOCUMENTS = sys.argv[2:] or [*EXACT, "README.md", "docs/reliability.md"]
FILE = re.compile(r"^[\w./*-]+\.(c|h|py|sh|md|txt|yaml|yml|json)$|^(src|include|test|docs|conf)(/[\w.*-]+)*/?$|^Dockerfile$")
PLACE = re.compile(r"^([\w./-]+\.[ch]):(\w+)$")
NAME = re.compile(r"^(?:struct |enum |&)?([a-z][a-z0-9]*(?:_[a-z0-9]+)+|[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?:\(.*\))?[,;]?$")


def list_files():
    found = []
    for folder, folders, names in os.walk(ROOT):
        here = os.path.relpath(folder, ROOT)
        folders[:] = [one for one in folders if one not in (".git", "corpus") and not one.startswith("build")]
        found += [os.path.normpath(os.path.join(here, name)) for name in names + folders]
    return found


FILES = list_files()  # and folders


def text_of(path):
    if os.path.isdir(os.path.join(ROOT, path)):
        return ""
    with open(os.path.join(ROOT, path), encoding="utf-8", errors="replace") as file:
        return file.read()


def code():
    return "\n".join(text_of(path) for path in FILES
                     if re.match(r"(src|include|test|conf)/.*\.(c|h|py|sh|txt|yaml)$|CMakeLists.txt$", path)
                     and not path.startswith("test/check_docs"))


def resolve(name):
    """The files that a name may stand for."""
    pattern = re.sub(r"NAME|FLOOR|\bX\b", "*", name.rstrip("/"))
    return [path for path in FILES if fnmatch.fnmatchcase(path, pattern) or fnmatch.fnmatchcase(path, "*/" + pattern)]


def defines(path, name):
    """Whether it is a function, a table or a macro that the file defines."""
    return re.search(rf"(?m)^(?!\s*(?:return|else|case|if)\b)(?:[a-z][^;=()]*?[\s*]{name}\((?![^{{;]*;)"
                     rf"|[\w\s*]+\b{name}(?:\[\w*\])* = |#define {name}\b)", text_of(path)) is not None


def check_place(place, function):
    """What is wrong with a place in the code."""
    found = resolve(place)
    if not found:
        return f"there is no file {place}"
    return None if any(defines(path, function) for path in found) else f"{place} defines no {function}"


def check_word(word, place, exact, known):
    """What is wrong with a word that is set as code; place is the file that a function before it in a list is of."""
    name = NAME.match(word)
    if PLACE.match(word):
        return check_place(*PLACE.match(word).groups())
    if FILE.match(word):
        return None if resolve(word) or word in ELSEWHERE else f"there is no file {word}"
    if name and place:
        return check_place(place, name[1])
    return f"nothing is called {name[1]}" if exact and name and name[1] not in known else None


def check_line(line, exact, known):
    """What is wrong with the words of a line: `file.c:function`, `function` says that both are of the file."""
    place = None
    for before, word in re.findall(r"([^`]*)`([^`]+)`", line):
        place = PLACE.match(word)[1] if PLACE.match(word) else place if before == ", " else None
        wrong = check_word(word, place, exact, known)
        if wrong:
            yield wrong


def check_links(line, folder):
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", line):
        if not os.path.exists(os.path.join(ROOT, folder, target)):
            yield f"there is no file {target} to link to"


def moves_of(path, prefix):
    """The table of moves in a file: {state: states that may follow}."""
    text = re.sub(r"(?s)/\*.*?\*/", "", text_of(path))
    return {state: set(re.findall(rf"{prefix}_(\w+)", row))
            for state, row in re.findall(rf"\[{prefix}_(\w+)\] = ([^\[}}]*)", text)}


def check_diagram(lines):
    """A state diagram beside the table that its first comment names."""
    subject = re.search(r"%% moves of (\S+), (\w+)", "\n".join(lines))
    if not subject:
        return
    if not resolve(subject[1]):
        yield f"there is no file {subject[1]}"
        return
    table = moves_of(resolve(subject[1])[0], subject[2])
    drawn = {}
    for before, after in re.findall(r"^\s*(\w+) --> (\w+)", "\n".join(lines), re.M):
        drawn.setdefault(before, set()).add(after)
    if not table:
        yield f"{subject[1]} has no table of moves"
    for state in sorted({*table, *drawn}):
        for after in sorted(table.get(state, set()) ^ drawn.get(state, set())):
            where = "drawn and not allowed" if after in drawn.get(state, ()) else "allowed and not drawn"
            yield f"the move from {state} to {after} is {where} ({subject[1]})"


def check_floors(text):
    """Every folder of src is in the picture of floors."""
    picture = "\n".join(re.findall(r"```mermaid\nflowchart(.*?)```", text, re.S))
    for folder in sorted({path.split("/")[1] for path in FILES if re.match(r"src/\w+/", path)}):
        if picture and not re.search(rf"\b{folder}\b", picture):
            yield f"the floor {folder} is not in the picture"


def check(document, known):
    text, exact, fence = text_of(document), document in EXACT, None
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("```"):
            for wrong in check_diagram(fence) if fence else ():
                yield number, wrong
            fence = None if fence is not None else []
        elif fence is not None:
            fence.append(line)
        else:
            for wrong in (*check_line(line, exact, known), *check_links(line, os.path.dirname(document))):
                yield number, wrong
    for wrong in check_floors(text):
        yield 1, wrong


def main():
    known = EXAMPLES | set(re.findall(r"\w+", code()))
    missing = [f"{document}:{number}: {wrong}" for document in DOCUMENTS for number, wrong in check(document, known)]
    print("\n".join(missing), file=sys.stderr, end="\n" if missing else "")
    return 1 if missing else 0


sys.exit(main())
