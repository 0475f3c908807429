"""The benchmark: runs the cases (cases.py) on what run.sh has built, prints the table, and writes it as Markdown, JSON
and SVG."""

import argparse
import os
import platform
import shutil
import sys
import tempfile
import time

import report
from cases import CASES, CLIENTS, Samples
from contestants import Machine


def parse():
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--build", required=True, help="where run.sh has built")
    words.add_argument("--rounds", type=int, default=9, help="rounds of each case (default: 9)")
    words.add_argument("--seconds", type=float, default=1, help="that one measurement takes (default: 1)")
    words.add_argument("--only", default=",".join(CASES), help=f"some of: {', '.join(CASES)}")
    words.add_argument("--clients", default=",".join(map(str, CLIENTS)), help="numbers of clients (default: %(default)s)")
    words.add_argument("--sizes", default="0,1000,100000,1000000", help="instances in the stores (default: %(default)s)")
    words.add_argument("--pending", type=int, default=50000, help="operations to recover (default: %(default)s)")
    words.add_argument("--output", default=None, help="the directory for bench.md, .json and .svg (default: the build's)")
    options = words.parse_args()
    options.clients = [int(count) for count in options.clients.split(",")]
    options.sizes = [int(count) for count in options.sizes.split(",")]
    options.only = options.only.split(",")
    unknown = set(options.only) - set(CASES)
    if unknown:
        words.error(f"unknown cases: {', '.join(sorted(unknown))}; there are {', '.join(CASES)}")
    return options


def describe_machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        names = [line.split(":")[1].strip() for line in file if line.startswith("model name")]
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return {"processors": os.cpu_count(), "processor": names[0] if names else platform.machine(),
            "memory_gb": round(pages * size / 2**30), "kernel": platform.release(), "date": time.strftime("%Y-%m-%d")}


def show_progress(words):
    print(f"{time.strftime('%H:%M:%S')} {words}", file=sys.stderr, flush=True)


def publish(samples, options, about, output):
    """Writes what has been measured so far, and gives the page."""
    page = "\n".join([f"{about['processors']} x {about['processor']}, {about['memory_gb']} GB, Linux {about['kernel']}, "
                      f"{about['date']}; {options.rounds} rounds of {options.seconds} s", "", report.table(samples), "",
                      report.reach_table(report.Figures(samples))])
    with open(os.path.join(output, "bench.md"), "w", encoding="utf-8") as file:
        file.write(page + "\n")
    report.write_json(samples, about, os.path.join(output, "bench.json"))
    report.write_svg(samples, os.path.join(output, "bench.svg"))
    return page


def main():
    options = parse()
    output = options.output or os.path.join(options.build, "bench")
    os.makedirs(output, exist_ok=True)
    machine = Machine(options.build, tempfile.mkdtemp(prefix="broker-bench-"))
    os.chmod(machine.scratch, 0o755)
    samples = Samples(show_progress)
    about, page = describe_machine(), ""
    try:
        for name in options.only:  # a case that fails costs none of those before it
            CASES[name](machine, options, samples)
            page = publish(samples, options, about, output)
    finally:
        shutil.rmtree(machine.scratch, ignore_errors=True)
    print(page)
    print(f"\nwritten: {output}/bench.md, bench.json, bench.svg", file=sys.stderr)


if __name__ == "__main__":
    main()
