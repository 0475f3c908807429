#!/usr/bin/python3
"""Runs one unit test of a build without sanitizers again and again, each time with another allocation failing. The test
may fail then; the program may not crash, break an assertion of its own, or hang.

Usage: check_memory.py BUILD NAME [K ...]

A test that looks at what it was not given fails by its own fault, as by an assertion: a bad memory access whose innermost
call of the program is in test/unit is no crash of the program.

A first run finds every way through the code (the calls that lead to an allocation) and the first allocation on each:
those fail one by one, at most RUNS of them, evenly spread. MEMORY_FULL=1 takes all of them, and MEMORY_FULL=every each
allocation of the run. With Ks only those fail, and what the test wrote is shown.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time

FULL = os.environ.get("MEMORY_FULL", "0")
RUNS = 25
HANG = 60  # times what an undisturbed run takes, and 20 s
# OpenSSL 3.0 crashes by itself when an allocation of its initialisation fails, and so does libevent's evdns in a request:
# nothing can be demanded of them.
LIBRARIES = "libcrypto:libssl:libevent-2.1"
FAILED = 77  # STATUS_FAILED of failing_malloc.c


def run(build, name, limit, **variables):
    """Gives the exit status (negative: the signal; None: it hung) and what was written."""
    environment = {**os.environ, "LD_PRELOAD": f"{build}/libfailing_malloc.so", "CMOCKA_TEST_ABORT": "1",
                   "FAIL_EXCEPT": LIBRARIES, **variables}
    with subprocess.Popen([f"{build}/unit/{name}"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, env=environment, start_new_session=True) as process:
        try:
            output, _ = process.communicate(timeout=limit)
            return process.returncode, output.decode(errors="replace")
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return None, process.communicate()[0].decode(errors="replace")


def places_of(build, name):
    """The first allocation on each way, the count of all, and how long the run took."""
    with tempfile.TemporaryDirectory(prefix="broker-memory-") as directory:
        path = os.path.join(directory, "places")
        begin = time.monotonic()
        status, output = run(build, name, 600, FAIL_PLACES=path)
        assert status == 0, f"the test fails with no allocation failing ({status}):\n{output}"
        with open(path, encoding="ascii") as file:
            *places, last = file.read().splitlines()
        return [int(place) for place in places], int(last.split()[1]), time.monotonic() - begin


def chosen(places, count):
    if FULL == "every":
        return list(range(1, count + 1))
    most = len(places) if FULL != "0" else RUNS
    if len(places) <= most:
        return places
    return [places[i * len(places) // most] for i in range(most)]


def named(output, binary):
    """The output with the names and lines of the program's own calls."""
    def name(found):
        done = subprocess.run(["addr2line", "-f", "-p", "-e", binary, found.group(1)], capture_output=True,
                              text=True, check=False)
        return "  " + (done.stdout.strip() or found.group(0))
    return re.sub(re.escape(binary) + r"\(\+(0x[0-9a-f]+)\) ?\[0x[0-9a-f]+\]", name, output)


def ended_well(status, output, binary):
    """Whether the test passed or failed, and what it wrote."""
    if status in (0, FAILED):
        return True, output
    output = named(output, binary)
    if status is None:
        return False, output
    if status > 0:  # a fixture that fails: cmocka ends with the number of failures
        return "[  FAILED  ]" in output or "[  ERROR   ]" in output, output
    # A crash inside the test's own function is a failed test: it looked at what it was not given.
    own = re.findall(r"^  (\S+ at \S+)", output.partition("crashed:\n")[2], re.MULTILINE)
    return bool(own) and "/test/unit/" in own[0], output


def said(status):
    if status is None:
        return "hung"
    return f"ended by {signal.Signals(-status).name}" if status < 0 else f"ended with {status}"


def main():
    build, name, *only = sys.argv[1:]
    places, count, seconds = places_of(build, name)
    numbers = [int(k) for k in only] or chosen(places, count)
    failed, bad = 0, []
    for k in numbers:
        status, output = run(build, name, HANG * seconds + 20, FAIL_AT=str(k))
        well, output = ended_well(status, output, f"{build}/unit/{name}")
        failed += well and status != 0
        if not well:
            bad.append(k)
        if not well or only:
            print(f"allocation {k}: {said(status)}\n{output}\n")
    print(f"{name}: {count} allocations, {len(places)} ways to them; {len(numbers)} runs: {failed} failed a test, "
          f"{len(numbers) - failed - len(bad)} passed, {len(bad)} went wrong {bad or ''}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
