"""bind and unbind on PostgreSQL: through the broker, and the very same SQL by pgbench. The SQL is not written down here:
it is what the server's log shows of one bind and one unbind of the broker, with the login's name replaced."""

import os
import re
import secrets
import subprocess

from harness import Postgres  # found by contestants

from contestants import Broker, PASSWORD, load, running

INSTANCES = 16
ENTRY = re.compile(r"^\d{4}-\d\d-\d\d [^\n]*? LOG:  statement: ", re.M)
NEXT_LINE = re.compile(r"^\d{4}-\d\d-\d\d [0-9:.]+ \S+ \[\d+\] ", re.M)


def service(server):
    return {"name": "bench", "driver": "postgres", "password": PASSWORD,
            "servers": [{"name": "main", "url": server.url(), "parallel": INSTANCES, "connections": INSTANCES}],
            "plans": [{"name": "small", "description": "a database", "retain": 0}]}


def measure(machine, options, samples):
    server = Postgres()
    commit_durably(server)
    try:
        with running(Broker(machine, services=[service(server)]).start()) as (broker,):
            load(machine, broker, ("POST", "/resources", "name=i%d&plan=small&team=bench&user=b%40c.com"), clients=4,
                 requests=INSTANCES)
            script = os.path.join(broker.directory, "binds.sql")
            with open(script, "w", encoding="utf-8") as file:
                file.write(as_script(statements(machine, broker, server)))
            quiet_log(server)
            rounds(machine, options, samples, broker, server, script)
    finally:
        server.close()


def commit_durably(server):
    """As PostgreSQL does unless it is told otherwise (the tests' servers are), and as the broker does."""
    server.rows("ALTER SYSTEM SET fsync = 'on'")
    server.rows("SELECT pg_reload_conf()")


def pair(machine, broker, clients, **options):
    return load(machine, broker, ("POST", "/resources/i%c/bind-app", "app-name=a%d&user=b%%40c.com".replace("%%", "%")),
                ("DELETE", "/resources/i%c/bind-app", "app-name=a%d&user=b%%40c.com".replace("%%", "%")), clients=clients,
                **options)


def statements(machine, broker, server):
    """What one bind and one unbind say to the server, message by message."""
    pair(machine, broker, 1, requests=2)  # the session exists from here on
    begin = os.path.getsize(server.log)
    pair(machine, broker, 1, requests=2, first=1)
    with open(server.log, encoding="utf-8") as file:
        file.seek(begin)
        text = file.read()
    found = []
    for entry in ENTRY.finditer(text):
        end = NEXT_LINE.search(text, entry.end())
        found.append(text[entry.end():end.start() if end else len(text)].strip())
    return found


def as_script(messages):
    """A script for pgbench: each message stays one message, each round has a login of its own."""
    login = re.search(r'CREATE ROLE "([^"]+)"', "\n".join(messages))[1]
    lines = ["\\set n random(1, 1000000000)"]
    for message in messages:
        parts = [part.strip() for part in message.replace(login, "bench_:client_id" + "_:n").split(";\n")]
        parts[-1] = parts[-1].rstrip(";")
        lines.append(" \\;\n".join(part for part in parts if part) + ";")
    return "\n".join(lines) + "\n"


def quiet_log(server):
    """From here on statements are not logged: that costs both sides, and says nothing."""
    server.rows("ALTER SYSTEM SET log_statement = 'none'")
    server.rows("SELECT pg_reload_conf()")


def pgbench(server, script, clients, seconds):
    output = subprocess.run([os.path.join(server.bin, "pgbench"), "-n", "-f", script, "-c", str(clients), "-j", "1", "-T",
                             str(max(1, round(seconds))), "-h", "127.0.0.1", "-p", str(server.port), "-U", "admin",
                             "postgres"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            env={**os.environ, "PGPASSWORD": server.password}, check=False)
    text = output.stdout.decode()
    if output.returncode != 0 or not re.search(r"number of failed transactions: 0 ", text):
        raise AssertionError(text + output.stderr.decode()[-2000:])
    return (float(re.search(r"latency average = ([0-9.]+) ms", text)[1]), float(re.search(r"^tps = ([0-9.]+)", text, re.M)[1]))


def rounds(machine, options, samples, broker, server, script):
    first = 10
    for clients in (1, INSTANCES):
        for number in range(options.rounds * 2):
            samples.progress(f"bind and unbind, {clients} clients")
            if number % 4 in (0, 3):
                report = pair(machine, broker, clients, seconds=max(1, options.seconds), first=first)
                first = report["next"]
                samples.add("bind and unbind on PostgreSQL", clients, "broker", rate=report["rate"] / 2,
                            mean_ms=clients * 2000 / report["rate"])
            else:
                latency, rate = pgbench(server, script, clients, options.seconds)
                samples.add("bind and unbind on PostgreSQL", clients, "pgbench", rate=rate, mean_ms=latency)
