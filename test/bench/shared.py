"""Durable creates with the records in PostgreSQL: beside a broker with a store of its own, and beside the statement that such
a store appends a group with, by itself and with the bytes of a group of that size."""

import base64
import json
import subprocess
import urllib.error
import urllib.request

from harness import Postgres, wait_until  # found by contestants

from contestants import PASSWORD, Broker, load, running, settle

CASE = "durable creates, records in PostgreSQL"
ALONE = "a store of its own"
SHARED = "broker"
STATEMENT = "the same statement"


def measure(machine, options, samples, create_body, in_turn):
    server = Postgres("max_wal_size = 4GB\n")
    server.rows("ALTER SYSTEM SET fsync = 'on'")
    server.rows("ALTER SYSTEM SET log_statement = 'none'")
    server.rows("SELECT pg_reload_conf()")
    server.rows("CREATE DATABASE records")
    url = server.url().replace("/postgres", "/records")
    try:
        with running(Broker(machine, name=ALONE).start(),
                     Broker(machine, name=SHARED, store={"postgres": url, "lease": "2s"}).start()) as brokers:
            wait_until_active(brokers[1])
            creates(machine, options, samples, brokers, server, url, create_body, in_turn)
    finally:
        server.close()


def wait_until_active(broker):
    wait_until("it is the active one", lambda: "tsuru_broker_store_active 1" in ask_operators(broker, "/metrics"))


def ask_operators(broker, path, login=False):
    """The body, whatever the status."""
    request = urllib.request.Request(f"http://127.0.0.1:{broker.admin_port}{path}")
    if login:
        request.add_header("Authorization", "Basic " + base64.b64encode(f"admin:{PASSWORD}".encode()).decode())
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.read().decode()


def creates(machine, options, samples, brokers, server, url, create_body, in_turn):
    first = 0
    for clients in options.clients:
        for broker in in_turn(options.rounds, brokers):
            samples.progress(f"{CASE}, {clients} clients, {broker.name}")
            begin = revision(server)
            report = load(machine, broker, ("POST", "/resources", create_body("db%d")), clients=clients, seconds=options.seconds,
                          first=first)
            first = max(first, report["next"])
            samples.add_load(CASE, clients, broker.name, report)
            if broker.name == SHARED:
                groups, keys = server.rows(f"SELECT count(*), avg(cardinality(keys)) FROM tsuru_broker.log WHERE revision > {begin}",
                                           "records")[0]
                rate = statement(machine, options, broker, url, keys) * report["requests"] / groups
                samples.add(CASE, clients, STATEMENT, rate=rate)
            settle()


def revision(server):
    return server.rows("SELECT revision FROM tsuru_broker.head", "records")[0][0]


def statement(machine, options, broker, url, keys):
    """Its rate. The broker does not write meanwhile: it is ended before, and started again."""
    broker.process.end()
    done = json.loads(subprocess.run([machine.program("append"), url, str(round(keys)), str(options.seconds)], check=True,
                                     stdout=subprocess.PIPE).stdout)
    broker.start()
    wait_until_active(broker)
    return done["requests"] / done["seconds"]
