#!/usr/bin/python3
"""check_memory.py must tell a crash of the program from one of the test's own, in each form in which glibc writes
a call."""

import pathlib
import subprocess
import tempfile

import check_memory

FORMS = {"Debian 12": "{0}(+{1:#x})[0x55d0c0de0000]\n", "Debian 13": "{0}(+{1:#x}) [0x55d0c0de0000]\n"}
FILES = {"test/unit/one_test.c": "void program(void);\nint main(void)\n{\n\tprogram();\n\treturn 0;\n}\n",
         "src/one.c": "void program(void);\nvoid program(void)\n{\n}\n"}
LIBRARY = ("/lib/libevent.so", 0x24f5)
# Calls, the innermost first, and whether the crash is the test's own.
CRASHES = [(("program", "main"), False), ((LIBRARY, "program", "main"), False), ((LIBRARY,), False), ((), False),
           (("main",), True), ((LIBRARY, "main"), True), ((LIBRARY, "main", "program"), True)]


def built(directory):
    """A program of a test and of what is tested, and where its functions begin."""
    for name, text in FILES.items():
        path = directory / name
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="ascii")
    binary = directory / "one"
    subprocess.run(["cc", "-g", "-O0", "-pie", "-fPIE", "-o", binary, *(directory / name for name in FILES)], check=True)
    lines = subprocess.run(["nm", binary], capture_output=True, text=True, check=True).stdout.splitlines()
    places = {words[-1]: int(words[0], 16) for words in map(str.split, lines) if len(words) == 3}
    return str(binary), {name: (str(binary), places[name]) for name in ("program", "main")}


def main():
    with tempfile.TemporaryDirectory(prefix="broker-memory-") as directory:
        binary, calls = built(pathlib.Path(directory))
        for version, form in FORMS.items():
            for crash, own in CRASHES:
                frames = [form.format(*calls.get(call, call)) for call in crash]
                # The calls that led to the allocation say nothing of the crash.
                written = "allocation 7 fails:\n" + form.format(*calls["main"]) + "crashed:\n" + "".join(frames)
                well, output = check_memory.ended_well(-11, written, binary)
                assert well == own, f"{version}: taken for {'the test' if well else 'the program'}'s own crash:\n{output}"


if __name__ == "__main__":
    main()
