"""Random sequences of tsuru's calls, with its failures and retries (sequences S1 to S13 of docs/tsuru.md), against a
model that knows what must be true (property_model.py). Many instances, several calls at once, one after the other for
each instance as tsuru's lock has it, with the calls beside that take no lock; a driver that fails, delays and hangs; kills.

    STEPS=100000 SEED=1 BROKER=.../tsuru-broker python3 -m pytest -s test/integration/test_property.py

With SHARED=1 it is three brokers on one store that are asked by turns, and the active one that is killed.

SECONDS (60) is how long it goes on when STEPS is not given. A seed fixes what is asked and what the driver is told, not
who is first; so a failure shows all that was done to the instance."""

import collections
import concurrent.futures
import hashlib
import json
import os
import random
import secrets
import socket
import threading
import time
import urllib.parse

import pytest

from harness import Broker, wait_until
from property_model import ABSENT, BOUND, GOING, PLANS, PRESENT, REMOVALS, UNKNOWN, Instance, Peace, Violation, demand

SEED = int(os.environ.get("SEED", time.time_ns() // 1000000 % 1000000000))
STEPS = int(os.environ.get("STEPS", 0))
SECONDS = int(os.environ.get("SECONDS", 60))
INSTANCES = 32
WORKERS = 8
ROUND = 25  # steps of an instance between two looks in peace
PATIENCE = 120  # seconds that an answer may take for a caller that does not give up: longer than any wait
TRACE = 80  # calls of an instance that a failure shows

AUTHORIZATION = "Authorization: Basic c2NyaXB0ZWQ6eA==\r\n"
SERVICE = """  - name: scripted
    driver: scripted
    password: x
    wait: 300ms
    bind_wait: 1s
    attempt_timeout: 1s
    servers:
      - {{name: one, state: {directory}/state, rules: {directory}/rules, parallel: 16}}
    plans:
      - {{name: small, description: a, retain: 0}}
      - {{name: large, description: b, retain: {retain}}}
"""
KEEPS, DROPS = "24h", "0"  # what the plan large says; it drops only while what failed under the other is taken up
KEPT_MAX = 12  # instances that may be retained before the oldest are brought back or purged

# What is asked of it is durable behind all that was asked before.
BARRIER = """  - name: barrier
    driver: shared
    username: scripted
    password: x
    plans: [{name: only, description: c, env: {A: b}}]
"""

BINDS = [("app", "shop"), ("app", "web"), ("job", "shop"), ("app", "old.example.com")]


class World:
    """What the pretended server has, from its journal."""

    def __init__(self, path):
        self.instances, self.logins, self.retired = {}, {}, set()
        with open(path, encoding="ascii") as journal:
            for line in journal:
                kind, *words = line.split()
                if kind == "instance":
                    self.instances[words[0]] = words[1]
                elif kind == "login":
                    self.logins[words[0]] = (words[1], words[2])
                elif kind == "drop-instance":
                    self.instances.pop(words[0], None)
                    self.retired.discard(words[0])
                elif kind == "retire":
                    self.retired.add(words[0])
                elif kind == "restore":
                    self.retired.discard(words[0])
                elif kind == "drop-login":
                    self.logins.pop(words[0], None)

    def opens(self, login, password):
        digest = hashlib.blake2b(digest_size=32)
        for part in (login.encode(), password.encode()):
            digest.update(len(part).to_bytes(8, "little") + part)
        return self.logins.get(login, ("", ""))[1] == digest.hexdigest()[:32]


class Slot:
    """One instance's name: its model, its chance, and what was done to it."""

    def __init__(self, index, seed):
        self.name = f"db{index}"
        self.model = Instance(self.name)
        self.random = random.Random(f"{seed} {index}")
        self.trace = collections.deque(maxlen=TRACE)
        self.beside = collections.deque(maxlen=TRACE)  # what an operator did to any
        self.events = []  # of late, to be repeated
        self.lock = threading.Lock()  # over model and trace: some calls run side by side
        self.may_shrink = False  # in this round somebody asked for the plan that keeps nothing

    def event(self):
        event = f"{self.random.getrandbits(48):012x}"
        self.events = self.events[-3:] + [event]
        return event

    def note(self, text, beside=False):
        (self.beside if beside else self.trace).append(f"{time.monotonic():.3f} {text}")

    def story(self):
        return "\n".join(sorted([*self.trace, *self.beside], key=lambda line: float(line.split()[0])))


def is_nobodys(head, body):
    """Whether it is the answer of a broker that found no active one, or is that no more: a state of the past, or it is not known
    whether anything was done."""
    return "\r\nAge: " in head or (head[9:12] == "503" and ("no other has taken over" in body or "the active one" in body))


class Property:
    """The broker under test, and everybody who calls it. make: gives one for services."""

    def __init__(self, directory, seed, make):
        self.directory = directory
        self.random = random.Random(f"{seed} rounds")
        self.slots = [Slot(i, seed) for i in range(INSTANCES)]
        self.steps = self.rounds = 0
        self.seen = collections.Counter()
        self.rough = False
        self.up = threading.Event()
        self.meddled = False
        self.precious = {}  # what has to be on the server until it is purged: its name there, by the instance's id
        self.numbers = 0  # of names that were made up
        self.broker = make(self.services(KEEPS))
        self.broker.start()
        self.up.set()
        self.pool = concurrent.futures.ThreadPoolExecutor(WORKERS)
        assert self.send("POST", "/barrier/resources", {"name": "barrier", "team": "red"}, PATIENCE)[0] == 201
        self.beside = concurrent.futures.ThreadPoolExecutor(WORKERS)

    def close(self):
        self.pool.shutdown()
        self.beside.shutdown()
        self.broker.close()

    def services(self, retain):
        return SERVICE.format(directory=self.directory, retain=retain) + BARRIER

    # ---- one call ----

    def next(self):
        """Whom to ask."""
        return self.broker

    def send(self, method, path, fields, patience, broker=None, request=""):
        """Status and body; None when there was no answer within patience, or none at all."""
        broker = broker or self.next()
        identity = f"X-Request-Id: {request}\r\n" if request else ""
        body = urllib.parse.urlencode(fields or {})
        event = f"X-Tsuru-Eventid: {fields['eventid']}\r\n" if fields and "eventid" in fields else ""
        text = (f"{method} {path} HTTP/1.1\r\nHost: x\r\n{AUTHORIZATION}Connection: close\r\n{event}{identity}"
                f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n{body}")
        try:
            with socket.create_connection(("127.0.0.1", broker.port), timeout=PATIENCE) as connection:
                connection.sendall(text.encode())
                connection.settimeout(patience)
                answer = b""
                while chunk := connection.recv(65536):
                    answer += chunk
        except OSError:
            return None, ""
        head, _, body = answer.decode().partition("\r\n\r\n")
        return (int(head[9:12]), body) if head and not is_nobodys(head, body) else (None, "")

    def call(self, slot, method, path, fields=None, patience=None):
        """A call of tsuru's."""
        self.up.wait(PATIENCE)
        given_up = patience is not None
        broker, request = self.next(), secrets.token_hex(8)
        process = broker.process
        status, body = self.send(method, "/scripted" + path, fields, patience or PATIENCE, broker, request)
        self.steps += 1
        if status is None and given_up and method != "GET":
            self.settle(broker, process, request)
        with slot.lock:
            slot.note(f"{method} {path} {fields or ''} -> {status} {body[:300]}")
        return status, body

    def settle(self, _broker, _process, _request):
        """What was given up may still be on its way to the disk; so something else is made durable behind it, twice, as it may have
        had to be decided again."""
        for _ in range(2):
            self.send("PUT", "/barrier/resources/barrier", {"eventid": "barrier"}, PATIENCE)

    def change(self, slot, method, path, fields, patience):
        """A call that has nothing to change in what is being removed."""
        status, body = self.call(slot, method, path, fields, patience)
        return GOING if status == 503 and "is being removed" in body else status, body

    def patience(self, slot):
        return slot.random.choice((None, None, 0.02, 0.1, 0.4)) if self.rough else None

    # ---- tsuru's verbs; each says what it learnt ----

    def create(self, slot):
        model = slot.model
        if model.teams and slot.random.random() < 0.7:
            team = slot.random.choice(sorted(model.teams))
        else:
            team = slot.random.choice(("red", "blue"))
        plan = slot.random.choice(PLANS)
        slot.may_shrink |= plan == "small"
        event = slot.random.choice(slot.events) if slot.events and slot.random.random() < 0.2 else slot.event()
        before = model.life
        status, _ = self.call(slot, "POST", "/resources",
                              {"name": slot.name, "team": team, "plan": plan, "user": "u", "eventid": event},
                              self.patience(slot))
        with slot.lock:
            model.created(status, team, plan, before)
        return "create", status

    def update(self, slot):
        plan = slot.random.choice(PLANS + ("",))
        slot.may_shrink |= plan == "small"
        before = slot.model.life
        status, _ = self.change(slot, "PUT", f"/resources/{slot.name}",
                                {"plan": plan, "user": "u", "eventid": slot.event()}, self.patience(slot))
        with slot.lock:
            slot.model.updated(status, plan, before)
        return "update", status

    def remove(self, slot):
        before = slot.model.life
        status, _ = self.call(slot, "DELETE", f"/resources/{slot.name}", {"user": "u", "eventid": slot.event()},
                              self.patience(slot))
        with slot.lock:
            slot.model.deleted(status, before)
        return "remove", status

    def bind(self, slot, key=None, event=None):
        kind, name = key = key or slot.random.choice(BINDS)
        if event is None:
            event = slot.random.choice(slot.events) if slot.events and slot.random.random() < 0.25 else slot.event()
        before = slot.model.life
        fields = {"eventid": event, "user": "u"}
        path, method = f"/resources/{slot.name}/bind-app", "POST"
        if kind == "job":
            path, method = f"/resources/{slot.name}/binds/jobs/{name}", "PUT"
        elif "." in name:
            fields["app-host"] = name
        else:
            fields["app-name"] = name
            path = slot.random.choice((path, f"/resources/{slot.name}/bind"))
        status, body = self.change(slot, method, path, fields, self.patience(slot))
        with slot.lock:
            slot.model.bound(status, key, event, json.loads(body) if status == 201 else None, before)
        return "bind", status

    def unbind(self, slot, key=None, event=None):
        kind, name = key = key or slot.random.choice(BINDS)
        before = slot.model.life
        fields = {"eventid": event or slot.event(), "user": "u"}
        path = f"/resources/{slot.name}/bind-app" if kind == "app" else f"/resources/{slot.name}/binds/jobs/{name}"
        if kind == "app":
            fields["app-host" if "." in name else "app-name"] = name
        status, _ = self.call(slot, "DELETE", path, fields, self.patience(slot))
        with slot.lock:
            slot.model.unbound(status, key, fields["eventid"], before)
        return "unbind", status

    def take_back(self, slot):
        """S6: the unbind, and a bind of the same event."""
        key, event = slot.random.choice(BINDS), slot.event()
        self.unbind(slot, key, event)
        if slot.random.random() < 0.3:
            self.unbind(slot, key, event)
        return "take-back", self.bind(slot, key, event)[1]

    def repeat_bind(self, slot):
        """S4: the same bind twice or thrice, under one event or several."""
        key, event = slot.random.choice(BINDS), slot.event()
        self.bind(slot, key, event)
        return "bind", self.bind(slot, key, slot.random.choice((event, None)))[1]

    def unit(self, slot):
        before = slot.model.life
        method = slot.random.choice(("POST", "DELETE"))
        status, _ = self.change(slot, method, f"/resources/{slot.name}/bind",
                                {"unit-host": "10.0.0.1", "app-host": "old.example.com"}, self.patience(slot))
        with slot.lock:
            slot.model.unit(status, before)
        return "unit", status

    def look(self, slot):
        what = slot.random.choice(("plans", "info", "status", "status"))
        path = {"plans": "/resources/plans", "info": f"/resources/{slot.name}",
                "status": f"/resources/{slot.name}/status"}[what]
        with slot.lock:
            before = slot.model.life
        status, body = self.call(slot, "GET", path)
        if what == "status" and status == 200 and "down: " in str(body)[:8]:
            status = 500  # the model goes by codes: it is down, and not up with a text
        with slot.lock:
            # Beside a call that changes it, what was known may be out of date.
            slot.model.looked(what, status, before if before == slot.model.life else UNKNOWN)
            if what == "info" and status == 200:
                demand(all(isinstance(item["label"], str) and isinstance(item["value"], str)
                           for item in json.loads(body)), "info has something else than texts")
        return what, status

    def unlocked(self, slot):
        """S7 and S10: what takes no lock in tsuru, beside what does."""
        others = [key for key in BINDS if key[0] == "app"]
        key = slot.random.choice(others)
        partner = slot.random.choice((self.update, self.look, self.other_bind))
        beside = self.beside.submit(self.look if slot.random.random() < 0.5 else partner, slot)
        if partner is self.other_bind:
            key = others[0]
        self.unbind(slot, key)
        beside.result()
        return "unlocked", None

    def other_bind(self, slot):
        return self.bind(slot, ("job", "shop"))

    VERBS = ((create, 5), (update, 3), (remove, 2), (bind, 8), (unbind, 4), (take_back, 3), (repeat_bind, 3), (unit, 2),
             (look, 6), (unlocked, 3))

    def step(self, slot):
        verbs = [verb for verb, weight in self.VERBS for _ in range(weight)]
        if slot.model.life == ABSENT and slot.random.random() < 0.6:
            verbs = [Property.create]
        what, status = slot.random.choice(verbs)(self, slot)
        self.seen[f"{what} {status}"] += 1

    def work(self, slots):
        """One worker: its instances take turns."""
        chance = random.Random(f"{slots[0].name} {self.steps}")
        turns = [slot for slot in slots for _ in range(ROUND)]
        chance.shuffle(turns)
        for slot in turns:
            try:
                self.step(slot)
            except Violation as violation:
                slot.note(f"VIOLATION: {violation}")
                raise Violation(f"{slot.name}: {violation}\n{slot.story()}") from violation

    # ---- rounds ----

    def choose_rules(self):
        """What the driver is told for a round, and what follows from it."""
        lines, final = [], set()
        for _ in range(self.random.randint(1, 6)):
            kind = self.random.choice(("provision", "update", "deprovision", "retire", "bind", "unbind", "*"))
            behaviour = self.random.choice(("fail-transient", "fail-transient", "delay", "delay", "lost", "hang", "fail-final",
                                            "fail-after"))
            if kind == "*" and behaviour in ("fail-final", "fail-after"):
                behaviour = "delay"
            if behaviour.startswith(("fail-final", "fail-after")):
                final.add(kind)
            delay = {"delay": f" {self.random.choice((5, 30, 200))}ms"}.get(behaviour, "")
            lines.append(f"{kind} {behaviour} {self.random.randint(1, 4 if behaviour in ('hang', 'lost') else 12)}{delay}")
        return lines, final

    def set_rules(self, lines):
        path = os.path.join(self.directory, "rules")
        with open(path + ".new", "w", encoding="ascii") as file:
            file.write("\n".join(lines) + "\n")
        os.rename(path + ".new", path)

    def begin_round(self):
        missing = self.rounds > 1 and not self.has_seen_all()  # a slow machine has few rounds, and an operator is in a quarter of them
        self.rounds += 1
        self.rough = self.random.random() < 0.65 or missing
        self.meddled = self.rough and (self.random.random() < 0.4 or missing)
        lines, final = self.choose_rules() if self.rough else ([], set())
        self.set_rules(lines)
        for slot in self.slots:
            slot.model.peace = Peace(self.rough, final, self.meddled)
            slot.may_shrink = False
            slot.note(f"round: {'; '.join(lines) or 'peace'}{', an operator meddles' if self.meddled else ''}")
        return self.rough and self.random.random() < 0.3

    def kill(self):
        time.sleep(self.random.random())
        self.up.clear()
        for slot in self.slots:
            slot.note("kill -9")
        self.broker.kill()
        self.broker.start()
        self.up.set()

    def run_round(self):
        kills = self.begin_round()
        workers = [self.pool.submit(self.work, self.slots[i::WORKERS]) for i in range(WORKERS)]
        if kills:
            self.kill()
        while self.meddled and not all(worker.done() for worker in workers):
            self.meddle()
        for worker in workers:
            worker.result()
        self.compare()

    # ---- an operator in between ----

    def new_name(self):
        self.numbers += 1
        return f"back{self.numbers}"

    def note_all(self, text):
        for slot in self.slots:
            slot.note(text, beside=True)

    def verb(self, path, **fields):
        """Tries it; what cannot be done now is refused."""
        answer = self.broker.admin(path, "POST", fields=fields)
        self.note_all(f"POST {path} {fields or ''} -> {answer.status} {answer.body[:200]}")
        self.seen[f"{path.rpartition('/')[2]} {answer.status}"] += 1
        return answer.status < 300

    def meddle(self):
        """Cancels, retries, and brings back."""
        what = self.random.choice(("cancel", "cancel", "retry", "undelete"))
        if what == "cancel":
            found = self.admin("/v1/operations?state=pending&limit=1000")["operations"]
            path = "/v1/operations/{}/cancel"
        else:
            wanted = ("removal-failed", "retained") if what == "undelete" else ("removal-failed", "failed", "ready")
            found = [one for one in self.instances() if one["state"] in wanted]
            path = "/v1/instances/{}/" + what
        if found:
            fields = {"name": self.new_name()} if what == "undelete" else {}
            self.verb(path.format(self.random.choice(found)["id"]), **fields)

    # ---- in peace ----

    def admin(self, path, method="GET"):
        answer = self.broker.admin(path, method, fields={} if method == "POST" else None)
        return answer.json if answer.status == 200 else None

    def is_quiet(self):
        pending = self.admin("/v1/operations?state=pending&limit=1000")["operations"]
        for operation in pending:
            self.admin(f"/v1/operations/{operation['id']}/retry", "POST")
        return not pending

    def wait_for_quiet(self):
        wait_until("no work is left", self.is_quiet)
        wait_until("the server is known to be up", self.is_server_up)

    def is_server_up(self):
        return all(server["state"] == "up" for service in self.admin("/v1/services")["services"]
                   for server in service["servers"])

    def instances(self):
        return self.admin("/v1/instances?service=scripted&limit=1000")["instances"]

    def restart(self):
        self.broker.kill()
        self.broker.start()

    def finish_removals(self):
        """A removal that failed for good is taken up by whoever asks again; by now the plan keeps nothing, but it did."""
        stuck = [instance for instance in self.instances() if instance["state"] == "removal-failed"]
        final = self.slots[0].model.peace.final
        demand(not stuck or REMOVALS & final, f"a removal does not end: {stuck}")
        if not stuck:
            return
        self.broker.write_config(self.services(DROPS))
        self.restart()
        for instance in stuck:
            self.ask_again(instance)
            if self.random.random() < 0.1:
                self.restart()
        self.wait_for_quiet()
        demand(not [one for one in self.instances() if one["state"] == "removal-failed"], "a removal fails, and nothing fails")
        self.broker.write_config(self.services(KEEPS))
        self.restart()

    def ask_again(self, instance):
        """tsuru, the user, or an operator, who may bring it back instead."""
        path = f"/scripted/resources/{instance['name']}"
        fields = {"user": "u", "eventid": f"{self.random.getrandbits(48):012x}"}
        named = [one["id"] for one in self.instances() if one["name"] == instance["name"] and one["state"] != "retained"]
        # No newer one does, nor did: the name went with it.
        holds = named == [instance["id"]] and self.send("GET", path + "/operations", None, PATIENCE)[0] == 200
        what = self.random.choice(("remove", "retry", "undelete", "operator"))
        self.note_all(f"{what} of {instance['name']} ({instance['id']}), which is {instance['state']}")
        if what == "remove" and holds:
            status, body = self.send("DELETE", path, fields, PATIENCE)
            demand(status == 200, f"the removal of {instance} cannot be repeated: {status} {body}")
        elif what == "retry" and holds:
            status, body = self.send("POST", path + "/operations/retry", fields, PATIENCE)
            demand(status == 202, f"{instance} cannot be retried: {status} {body}")
        elif what == "undelete" and "retain_seconds" in instance:
            self.bring_back(instance)
            self.precious.pop(instance["id"], None)  # it was removed anew, by the plan that keeps nothing
        self.admin(f"/v1/instances/{instance['id']}/retry", "POST")

    def bring_back(self, instance):
        """It is there, with its content and its logins; then it is removed again."""
        name = self.new_name()
        demand(self.verb(f"/v1/instances/{instance['id']}/undelete", name=name), f"{instance} does not come back")
        found = self.admin(f"/v1/instances/{instance['id']}")
        world = World(os.path.join(self.directory, "state"))
        demand(found["state"] == "ready" and found["name"] == name, f"{found} is not back")
        demand(found["resource"] in world.instances and found["resource"] not in world.retired, f"{found} is not open")
        for bind in found["binds"]:
            demand(bind["state"] != "bound" or bind["login"] in world.logins, f"the login of {bind} is gone")
        demand(self.send("DELETE", f"/scripted/resources/{name}", {"user": "u", "eventid": name}, PATIENCE)[0] == 200,
               f"{name}, which is back, is not removed")

    def check_precious(self, found):
        """What was to be retained is on the server, locked away or in use, unless its plan may have changed."""
        world = World(os.path.join(self.directory, "state"))
        shrinking = {slot.name for slot in self.slots if slot.may_shrink}
        kept = {instance["id"] for instance in found}
        for incarnation, (name, resource, state) in self.precious.items():
            if state == "ready" and name in shrinking:
                continue
            demand(resource in world.instances and incarnation in kept, f"{resource} of {name} was to be kept, and is gone")
        for instance in found:
            if instance["state"] == "retained":
                demand(instance["resource"] in world.retired, f"{instance} is not locked away")
        self.precious = {one["id"]: (one["name"], one["resource"], one["state"]) for one in found
                         if one["state"] in ("ready", "retained") and one["plan"] == "large" and "wanted_plan" not in one}

    def thin_out(self, found):
        """The oldest of too many retained ones come back, or are purged."""
        retained = [one for one in found if one["state"] == "retained"]
        for instance in retained[:max(0, len(retained) - KEPT_MAX)]:
            if self.random.random() < 0.5:
                self.bring_back(instance)
            demand(self.verb(f"/v1/instances/{instance['id']}/purge"), f"{instance} is not purged")
            self.precious.pop(instance["id"], None)
        for instance in found:
            if instance["state"] in ("ready", "failed") and instance["name"].startswith("back"):
                demand(self.send("DELETE", f"/scripted/resources/{instance['name']}", {"user": "u", "eventid": "gone"},
                                 PATIENCE)[0] == 200, f"{instance} is not removed")
                self.precious.pop(instance["id"], None)

    def binds(self, slot):
        status, body = self.send("GET", f"/scripted/resources/{slot.name}/binds", None, PATIENCE)
        return json.loads(body) if status == 200 else []

    def finish_unbinds(self, slot):
        """An unbind that failed for good is asked again, as tsuru's user would."""
        for bind in self.binds(slot):
            if bind["state"] != "bound":
                demand("unbind" in slot.model.peace.final, f"a bind is {bind['state']}, and no work is left")
                key = (bind["kind"], bind["name"])
                self.unbind(slot, key)
                slot.model.bind_of(key).ended = None

    def compare(self):
        self.rough = False
        self.set_rules([])
        self.wait_for_quiet()
        self.finish_removals()
        for slot in self.slots:
            self.judge(slot, lambda slot=slot: self.finish_unbinds(slot))
        self.wait_for_quiet()
        self.check_precious(self.instances())
        self.thin_out(self.instances())
        self.wait_for_quiet()
        found = {instance["name"]: instance for instance in self.instances() if instance["state"] != "retained"}
        world = World(os.path.join(self.directory, "state"))
        for slot in self.slots:
            logins = {(bind["kind"], bind["name"]): bind["login"] for bind in self.binds(slot)}
            self.judge(slot, lambda slot=slot, logins=logins: slot.model.resolve(found.get(slot.name), logins, world))
        self.compare_leftovers(found, world)

    def has_seen_all(self):
        return all(self.seen[what] for what in ("undelete 200", "cancel 200", "take-back 201", "create 409"))

    def is_to_go_on(self, seconds):
        """A slow machine takes longer until everything was tried."""
        if STEPS:
            return self.steps < STEPS
        return seconds < SECONDS or (seconds < 5 * SECONDS and not self.has_seen_all())

    def judge(self, slot, check):
        try:
            check()
        except Violation as violation:
            raise Violation(f"{slot.name}: {violation}\n{slot.model.__dict__}\n{slot.story()}") from violation

    def compare_leftovers(self, found, world):
        """The server has what the records say, and nothing else."""
        retained = [instance for instance in self.instances() if instance["state"] == "retained"]
        ready = {instance["resource"] for instance in list(found.values()) + retained if instance["state"] in ("ready", "retained")}
        demand(set(world.instances) == ready, f"on the server alone: {set(world.instances) - ready}, "
                                              f"in the records alone: {ready - set(world.instances)}")
        binds = [bind for slot in self.slots for bind in self.binds(slot)]
        binds += [bind for one in retained for bind in self.admin(f"/v1/instances/{one['id']}")["binds"]]
        logins = {bind["login"] for bind in binds}
        bound = {bind["login"] for bind in binds if bind["state"] == "bound"}  # a bind may have been cut off by the removal
        demand(bound <= set(world.logins) <= logins, f"on the server alone: {set(world.logins) - logins}, "
                                                     f"in the records alone: {bound - set(world.logins)}")


class SharedProperty(Property):
    """Three brokers that are asked by turns, also while none of them is active."""

    def next(self):
        return self.broker.next()

    def settle(self, broker, process, request):
        """Behind what was given up comes something else only once the broker that was asked has ended it, or has died: it may have
        to send it to the active one again. What that one has got of a dead one's comes before what it is asked then."""
        self.broker.await_end(broker, process, request)
        for _ in range(2):
            wait_until("the barrier is durable", lambda: self.send("PUT", "/barrier/resources/barrier", {"eventid": "barrier"},
                                                                   PATIENCE)[0] == 200)

    def kill(self):
        """Who calls meanwhile does not wait until another is active."""
        time.sleep(self.random.random())
        for slot in self.slots:
            slot.note("kill -9 of the active one")
        self.broker.kill()
        self.broker.start()


@pytest.fixture
def everybody(tmp_path, make_broker):
    print(f"seed {SEED}")
    everybody = (Property if make_broker is Broker else SharedProperty)(str(tmp_path), SEED, make_broker)
    yield everybody
    everybody.close()


def test_random_sequences(everybody):
    begin = time.monotonic()
    while everybody.is_to_go_on(time.monotonic() - begin):
        try:
            everybody.run_round()
        except Violation as violation:
            raise AssertionError(f"SEED={SEED}, round {everybody.rounds}, after {everybody.steps} steps: {violation}") from None
    print(f"{everybody.steps} steps in {everybody.rounds} rounds; " +
          ", ".join(f"{what}: {count}" for what, count in sorted(everybody.seen.items())))
    assert everybody.has_seen_all(), everybody.seen
