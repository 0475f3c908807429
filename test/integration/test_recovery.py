"""kill -9 at random moments of concurrent work, and a restart: what was acknowledged is there, every operation ends, and
the store and the server agree.

ROUNDS, WORKERS and SEED in the environment make it longer, wider, and repeat it. test_soak.py kills in the middle of everything else.
"""

import concurrent.futures
import os
import random
import threading
import time

import pytest

from backends import PASSWORD, configuration
from harness import Tsuru, scripted_service, wait_until

ROUNDS = int(os.environ.get("ROUNDS", "3"))
WORKERS = int(os.environ.get("WORKERS", "40"))  # requests at once
SEED = int(os.environ.get("SEED", str(random.randrange(10**6))))
NAMES_EACH = 2  # instances that one worker creates, binds and removes


class Load:
    """Concurrent creates, binds and removals, and what was acknowledged of them."""

    def __init__(self, tsuru, choice):
        self.tsuru = tsuru
        self.choice = choice
        self.lock = threading.Lock()
        self.created = {}  # name -> True: acknowledged, False: asked and not answered, absent: removed or never asked
        self.stopped = threading.Event()

    def run(self, count):
        """Works on names of its own each, until stopped: tsuru's lock lets only one change at a time be under way."""
        with concurrent.futures.ThreadPoolExecutor(count) as pool:
            list(pool.map(self.work, range(count)))

    def work(self, i):
        chance = random.Random(f"{self.choice}-{i}")
        while not self.stopped.is_set():
            name = f"db-{i}-{chance.randrange(NAMES_EACH)}"
            try:
                self.step(name, chance)
            except OSError:  # the broker is gone: this call was not answered
                return
            except Exception:  # pylint: disable=broad-except  # a cut answer is no answer either
                return

    def step(self, name, chance):
        state = self.created.get(name)
        if state is not True:
            with self.lock:
                self.created[name] = False
            if self.tsuru.create(name).status == 201:
                with self.lock:
                    self.created[name] = True
        elif chance.random() < 0.6:
            self.tsuru.bind(name, f"app-{chance.randrange(3)}")
        elif chance.random() < 0.5:
            self.tsuru.unbind(name, f"app-{chance.randrange(3)}")
        else:
            with self.lock:
                self.created[name] = False
            if self.tsuru.remove(name).status == 200:
                with self.lock:
                    del self.created[name]


def settle(tsuru, names):
    """Waits until every operation of every instance has ended."""
    def ended(name):
        answer = tsuru.send("GET", f"/resources/{name}/operations")
        if answer.status == 404:
            return True
        states = {operation["state"] for operation in answer.json}
        return states <= {"done", "failed", "canceled"} and (tsuru.status(name).status in (204, 404) or tsuru.why_down(name))

    for name in names:
        try:
            wait_until(f"the operations of {name} end", lambda name=name: ended(name), 90)
        except AssertionError as late:
            raise AssertionError(f"{late}: {tsuru.send('GET', f'/resources/{name}/operations').body}") from late


def check_acknowledged(tsuru, load):
    for name, state in load.created.items():
        status = tsuru.status(name).status
        if state is True:
            assert status == 204, f"{name} was acknowledged, and its status is {status} (seed {SEED})"


def present(tsuru, names):
    """The instances that the broker knows, with their names on the server and their binds."""
    known = {}
    for name in names:
        if tsuru.info(name).status == 200:
            logins = {bind["login"] for bind in tsuru.send("GET", f"/resources/{name}/binds").json
                      if bind["state"] == "bound"}
            known[name] = tsuru.described(name)["Name on the server"], logins
    return known


def crash_once(broker, tsuru, chance, check):
    load = Load(tsuru, chance.random())
    thread = threading.Thread(target=load.run, args=(WORKERS,))
    thread.start()
    time.sleep(chance.uniform(0.05, 0.05 * WORKERS))
    broker.kill()
    load.stopped.set()
    thread.join()
    broker.start()
    names = {f"db-{i}-{j}" for i in range(WORKERS) for j in range(NAMES_EACH)}
    settle(tsuru, names)
    check_acknowledged(tsuru, load)
    check(present(tsuru, names))
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        list(pool.map(tsuru.remove, names))
    settle(tsuru, names)
    check({})


@pytest.mark.parametrize("number", range(ROUNDS))
def test_drivers(start_broker, backend, number):
    before = backend.objects()
    broker = start_broker(configuration(backend.service("s")))

    def check(known):
        instances, logins = backend.objects()
        assert instances - before[0] == {resource for resource, _ in known.values()}, f"seed {SEED}"
        assert logins - before[1] == {login for _, logins in known.values() for login in logins}, f"seed {SEED}"

    crash_once(broker, Tsuru(broker, "s", PASSWORD), random.Random(f"{SEED}-{number}"), check)


@pytest.mark.parametrize("number", range(ROUNDS))
def test_scripted(start_broker, tmp_path, number):
    (tmp_path / "rules").write_text("* delay 0 20ms\n")
    broker = start_broker(scripted_service(tmp_path, "x").replace("name: one,", "name: one, parallel: 16,"))

    def check(known):
        instances, logins = set(), set()
        for line in (tmp_path / "state").read_text().splitlines():
            words = line.split()
            if words[0] == "mark":
                continue
            {"instance": instances.add, "drop-instance": instances.discard, "login": logins.add,
             "drop-login": logins.discard}[words[0]](words[1])
        assert instances == {resource for resource, _ in known.values()}, f"seed {SEED}"
        assert logins == {login for _, names in known.values() for login in names}, f"seed {SEED}"

    crash_once(broker, Tsuru(broker, "scripted", "x"), random.Random(f"{SEED}-{number}"), check)
