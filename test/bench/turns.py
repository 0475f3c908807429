"""The longest turn of the loop, by its own measure: while 64 apps are bound at once on a good PostgreSQL, whose sessions are all
new, and while servers of each driver do what they can to hold the loop (test/support/rogue.py)."""

import os
import subprocess
import time
from pathlib import Path

import rogue  # found by contestants
from harness import Postgres

from contestants import Broker, PASSWORD, load, running
from sql import commit_durably, pair, quiet_log

AT_ONCE = 64
ROGUE_SECONDS = 12  # two checks of each server, and the load beside them
ITERATIONS = 20_000_000


def measure(machine, options, samples, loop_stall):
    for _ in range(min(options.rounds, 3)):
        samples.progress(f"{AT_ONCE} binds at once, new sessions")
        samples.add("longest turn, binds at once", AT_ONCE, "broker", longest_ms=binds(machine, loop_stall))
        samples.progress("rogue servers of each driver")
        samples.add("longest turn, rogue servers", 4, "broker", longest_ms=rogues(machine, loop_stall))


def good_service(server):
    return {"name": "bench", "driver": "postgres", "password": PASSWORD,
            "servers": [{"name": "main", "url": server.url(), "parallel": AT_ONCE, "connections": AT_ONCE}],
            "plans": [{"name": "small", "description": "a database", "retain": 0}]}


def binds(machine, loop_stall):
    server = Postgres()
    commit_durably(server)
    quiet_log(server)
    broker = Broker(machine, services=[good_service(server)]).start()
    try:
        with running(broker):
            load(machine, broker, ("POST", "/resources", "name=i%d&plan=small&team=bench&user=b%40c.com"), clients=4, requests=AT_ONCE)
            broker.process.end()
            broker.start()  # without sessions
            pair(machine, broker, AT_ONCE, requests=4 * AT_ONCE)
            return loop_stall(broker)
    finally:
        server.close()


def certificate(directory):
    paths = [os.path.join(directory, name) for name in ("rogue.pem", "rogue.key")]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-out", paths[0], "-keyout", paths[1], "-subj", "/CN=evil",
                    "-addext", "subjectAltName=IP:127.0.0.1"], check=True, stderr=subprocess.DEVNULL)
    return paths


def one(driver, number, url, **more):
    plan = {"name": "p", "description": "d", **({"upstream_plan": "p"} if driver == "osb" else {})}
    return {"name": f"{driver}{number}", "driver": driver, "password": PASSWORD, "plans": [plan],
            "servers": [{"name": "evil", "url": url, **more}]}


def rogue_services(servers, authority):
    login, tls = {"username": "a", "password": "b"}, {"ca_file": authority}
    postgres, mysql, redis, http, dh = servers
    return [one("postgres", 1, f"postgres://a:b@127.0.0.1:{postgres.port}/postgres"),
            one("mysql", 1, f"mysql://a:b@127.0.0.1:{mysql.port}"),
            one("redis", 1, f"redis://a:b@127.0.0.1:{redis.port}"), one("redis", 2, f"rediss://a:b@127.0.0.1:{dh.port}", **tls),
            one("rabbitmq", 1, f"http://127.0.0.1:{http.port}", **login),
            one("rabbitmq", 2, f"https://127.0.0.1:{dh.port}", **login, **tls),
            one("osb", 1, f"http://127.0.0.1:{http.port}", **login, service="s"),
            one("postgres", 2, f"postgres://a:b@127.0.0.1:{dh.port}/postgres?sslmode=require"),
            {"name": "bench", "driver": "shared", "password": PASSWORD,
             "plans": [{"name": "small", "description": "a", "env": {"HOST": "127.0.0.1"}}]}]


def rogues(machine, loop_stall):
    directory = machine.directory("rogues")
    authority, key = certificate(directory)
    servers = [rogue.RoguePostgres(ITERATIONS), rogue.RogueMysql(), rogue.RogueRedis(b"*2147483647\r\n"),
               rogue.RogueHttp(b"[" + b"1," * 99_000 + b"1]"),  # just what is still taken
               rogue.RogueTls(Path(directory), authority, key)]
    try:
        with running(Broker(machine, services=rogue_services(servers, authority)).start()) as (broker,):
            end = time.monotonic() + ROGUE_SECONDS
            while time.monotonic() < end:
                load(machine, broker, ("GET", "/resources/plans", ""), clients=4, requests=200)
                time.sleep(0.1)
            return loop_stall(broker)
    finally:
        for server in servers:
            server.close()
