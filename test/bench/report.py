"""From samples to what people read: a table of medians and spreads, the ratios that count with their bounds, JSON and an
SVG. Ratios are medians of the rounds' own ratios: each round has all contestants under the same weather."""

import html
import json
import statistics
from collections import namedtuple

# Of what, how it is read, and what it has to be: "most" or "least".
Reach = namedtuple("Reach", "text value bound kind")
UNITS = {"rate": "/s", "writes": "/s", "cpu_us": "µs CPU", "p50_us": "µs p50", "p99_us": "µs p99", "mean_ms": "ms mean"}


class Figures:
    """The samples, asked for by name; None when the case was not run."""

    def __init__(self, samples):
        self.values = samples.values

    def all(self, case, variant, contestant, quantity):
        return self.values.get((case, variant, contestant, quantity))

    def median(self, case, variant, contestant, quantity):
        values = self.all(case, variant, contestant, quantity)
        return statistics.median(values) if values else None

    def worst(self, case, variant, contestant, quantity):
        values = self.all(case, variant, contestant, quantity)
        return max(values) if values else None

    def share(self, case, variant, contestant, quantity, share):
        """What that share of the values is at most."""
        values = sorted(self.all(case, variant, contestant, quantity) or [])
        return values[min(len(values) - 1, int(share * len(values)))] if values else None

    def ratio(self, case, variant, ours, theirs, quantity):
        left, right = (self.all(case, variant, name, quantity) for name in (ours, theirs))
        if not left or not right:
            return None
        return statistics.median(a / b for a, b in zip(left, right))


def reaches(figures):
    """What is aimed at, in the order of docs/performance.md."""
    found = []
    for what in ("plans", "status", "info"):
        for how, cpu, rate in (("a new connection each", 1.00, 0.95), ("kept connections", 1.10, 0.85)):
            case = f"{what}, {how}"
            found += [Reach(f"{case}: CPU of bare evhttp", figures.ratio(case, 64, "broker", "bare evhttp", "cpu_us"), cpu,
                            "most"),
                      Reach(f"{case}: rate of bare evhttp", figures.ratio(case, 64, "broker", "bare evhttp", "rate"), rate,
                            "least"),
                      Reach(f"{case}: CPU of Flask", figures.ratio(case, 64, "broker", "flask", "cpu_us"), 0.125, "most")]
    for delay, alone, batched in (("", 5, 0.7), (", 2 ms a sync", 18, 0.45), (", 10 ms a sync", 30, None)):
        case = "durable creates" + delay
        found.append(Reach(f"{case}, 64 clients: rate of a commit a request",
                           figures.ratio(case, 64, "broker", "a commit a request", "rate"), alone, "least"))
        found.append(Reach(f"{case}, 1 client: rate of a commit a request",
                           figures.ratio(case, 1, "broker", "a commit a request", "rate"), 0.9, "least"))
        if batched:
            found.append(Reach(f"{case}, 64 clients: rate of a batched log",
                               figures.ratio(case, 64, "broker", "a batched log", "rate"), batched, "least"))
    case = "durable creates, records in PostgreSQL"
    found += [Reach(f"{case}, {of}: rate of {what}", figures.ratio(case, int(of.split()[0]), "broker", what, "rate"), least, "least")
              for of, what, least in (("64 clients", "the same statement", 0.7), ("64 clients", "a store of its own", 0.5),
                                      ("1 client", "the same statement", 0.6))]
    passed = "status, passed on by a standby"
    slower = [figures.median(passed, 64, how, "p50_us") for how in ("forwarded", "direct")]
    found += [Reach(f"{passed}: CPU of one that is asked directly", figures.ratio(passed, 64, "forwarded", "direct", "cpu_us"), 2.2,
                    "most"),
              Reach(f"{passed}: p50 beyond that of one that is asked directly, ms",
                    (slower[0] - slower[1]) / 1000 if slower[0] else None, 0.4, "most"),
              Reach("a takeover after kill -9, beyond the lease, s", figures.median("a takeover", 2, "SIGKILL", "over_the_lease"), 1, "most"),
              Reach("a takeover after SIGTERM, s", figures.median("a takeover", 2, "SIGTERM", "seconds"), 0.5, "most"),
              *(Reach(f"a view of {size:,} instances, s", figures.median("a view made afresh", size, "standby", "seconds"), most, "most")
                for size, most in ((100000, 5), (1000000, 60))),
              Reach("a standby's lag beside 64 writers: p99, ms", figures.share("a standby's lag", 64, "standby", "ms", 0.99), 50, "most"),
              Reach("an idle standby: CPU, %", figures.median("an idle standby", 1, "standby", "cpu_percent"), 1, "most")]
    beside = "status beside 64 writers, 10 ms a sync"
    found += [Reach(f"{beside}: p50, µs", figures.median(beside, 4, "broker", "p50_us"), 500, "most"),
              Reach(f"{beside}: p99, µs", figures.median(beside, 4, "broker", "p99_us"), 2000, "most"),
              Reach("first answer, empty store, ms", figures.median("start-up", 0, "broker", "first_answer_ms"), 5, "most"),
              Reach("first answer, 100,000 instances, ms",
                    figures.median("start-up", 100000, "broker", "first_answer_ms"), 20, "most"),
              Reach("own memory idle, MB", figures.median("start-up", 0, "broker", "own_mb"), 6, "most"),
              Reach("an idle connection, bytes", figures.median("idle connections", 10000, "broker", "bytes_each"), 2560,
                    "most"),
              Reach("own memory when 10,000 connections are closed, MB",
                    figures.median("idle connections", 10000, "broker", "own_mb_after"), 6, "most"),
              Reach("1,024 new connections at once: p99, ms",
                    figures.median("1,024 new connections at once", 1024, "broker", "p99_ms"), 200, "most"),
              Reach("1,024 new connections at once: failed",
                    figures.worst("1,024 new connections at once", 1024, "broker", "failed"), 0, "most"),
              *(Reach(f"{what} beside 5,000 strangers: p99, ms",
                      thousandth(figures.median(f"{what} beside 5,000 strangers", 4, "flooded", "p99_us")), 100, "most")
                for what in ("tsuru's calls", "/ready")),
              *(Reach(f"{what} beside 5,000 strangers: p99 of a quiet broker",
                      figures.ratio(f"{what} beside 5,000 strangers", 4, "flooded", "quiet", "p99_us"), 10, "most")
                for what in ("tsuru's calls", "/ready")),
              *(Reach(f"{what} beside 5,000 strangers: refused or failed",
                      figures.worst(f"{what} beside 5,000 strangers", 4, "flooded", "failed"), 0, "most")
                for what in ("tsuru's calls", "/ready")),
              Reach("out of file descriptors: CPU, %",
                    figures.median("out of file descriptors", 100, "broker", "cpu_percent"), 2, "most")]
    small, large = (figures.median("status of one of many", size, "broker", "cpu_us") for size in (1000, 1000000))
    found += [Reach("a look-up among 1,000,000: CPU of one among 1,000", large / small if small and large else None, 2,
                    "most"),
              Reach("backup with 1,000,000 instances: longest status, ms",
                    figures.median("backup while running", 1000000, "broker", "longest_status_ms"), 10, "most")]
    case = "bind and unbind on PostgreSQL"
    found += [Reach(f"{case}: latency of the same SQL", figures.ratio(case, 1, "broker", "pgbench", "mean_ms"), 1.3, "most"),
              Reach(f"{case}, 16 at once: rate of the same SQL", figures.ratio(case, 16, "broker", "pgbench", "rate"), 0.8,
                    "least")]
    case = "creates and binds on PostgreSQL beside 20 hostile instances"
    found += [Reach(f"{case}: p99 of a {what}, of that alone",
                    figures.ratio(case, 8, "beside them", "alone", f"{what}_p99_ms"), 3, "most")
              for what in ("create", "bind")]
    found += [Reach("64 binds at once on new sessions: longest turn, ms",
                    figures.median("longest turn, binds at once", 64, "broker", "longest_ms"), 20, "most"),
              Reach("rogue servers of each driver: longest turn, ms",
                    figures.median("longest turn, rogue servers", 4, "broker", "longest_ms"), 50, "most")]
    return [one for one in found if one.value is not None]


def thousandth(value):
    return value / 1000 if value is not None else None


def reached(one):
    return one.value <= one.bound if one.kind == "most" else one.value >= one.bound


def number(value):
    if value == 0:
        return "0"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def table(samples):
    """A line for each figure: median, least and most."""
    lines = ["| case | of | contestant | quantity | median | least | most |", "|---|---|---|---|---|---|---|"]
    for (case, variant, contestant, quantity), values in samples.values.items():
        lines.append(f"| {case} | {variant:,} | {contestant} | {UNITS.get(quantity, quantity)} | "
                     f"{number(statistics.median(values))} | {number(min(values))} | {number(max(values))} |")
    return "\n".join(lines)


def reach_table(figures):
    lines = ["| aim | measured | bound | |", "|---|---|---|---|"]
    for one in reaches(figures):
        sign = "≤" if one.kind == "most" else "≥"
        lines.append(f"| {one.text} | {number(one.value)} | {sign} {number(one.bound)} | "
                     f"{'reached' if reached(one) else 'missed'} |")
    return "\n".join(lines)


def write_json(samples, machine, path):
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"machine": machine, "samples": [
            {"case": case, "of": variant, "contestant": contestant, "quantity": quantity, "values": values}
            for (case, variant, contestant, quantity), values in samples.values.items()]}, file, indent=1)


# ---- the plot ----

COLOURS = ("#1f6f8b", "#b9b9b9", "#d98b3a", "#7a9e5c")
WIDTH, ROW, LABEL, BAR = 900, 15, 260, 480


def write_svg(samples, path):
    """Rates as bars: one group for each case and number of clients, one bar for each contestant."""
    groups = {}
    for (case, variant, contestant, quantity), values in samples.values.items():
        if quantity == "rate":
            groups.setdefault((case, variant), {})[contestant] = values
    parts, y = [], 40
    names = list(dict.fromkeys(name for group in groups.values() for name in group))
    for (case, variant), group in groups.items():
        most = max(max(values) for values in group.values())
        parts.append(text(LABEL - 8, y + ROW * len(group) / 2 + 4, f"{case}: {variant}", "end"))
        for name, values in group.items():
            parts += bar(y, values, most, COLOURS[names.index(name) % len(COLOURS)], name)
            y += ROW
        y += 8
    title = text(10, 22, "Requests a second: medians, with the least and the most of all rounds", size=14)
    with open(path, "w", encoding="utf-8") as file:
        file.write(f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y + 10}" '
                   f'font-family="sans-serif"><rect width="100%" height="100%" fill="white"/>'
                   + title + "".join(parts) + "</svg>\n")


def text(x, y, words, anchor="start", size=10):
    return f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}" text-anchor="{anchor}">{html.escape(words)}</text>'


def bar(y, values, most, colour, name):
    scale = BAR / most
    middle = statistics.median(values)
    at = y + (ROW - 3) / 2
    return [f'<rect x="{LABEL}" y="{y}" width="{middle * scale:.1f}" height="{ROW - 3}" fill="{colour}"/>',
            f'<line x1="{LABEL + min(values) * scale:.1f}" x2="{LABEL + max(values) * scale:.1f}" y1="{at}" y2="{at}" '
            f'stroke="black"/>',
            text(LABEL + max(values) * scale + 6, y + ROW - 5, f"{name}  {number(middle)}")]
