"""A history of what clients of several brokers asked and were answered, checked as it is made: what a client reads never goes back
behind what was acknowledged before it asked, nor behind what it has seen itself.

Each instance is changed by one client, its owner, one change after the other, and read by all of them. What info shows of it (its
plan, how many binds, or that it is not there) is its state; the owner's changes are its versions, each with the state that it leads
to. A read has to show the state of a version that is not older than the reader's floor, and not newer than what was asked for.
A change whose answer was lost may have been done or not: its owner repeats it, as tsuru's users do, until it is answered.

Through a balancer that asks another broker where one is gone, no request fails: then `strict` has no call without a good answer.

An answer with `Age` says itself that it may be old. It still has to be a state that there was.
"""

import http.client
import random
import secrets
import threading
import traceback

from harness import Tsuru

PLANS = 400  # so many updates until a plan's name comes again
ABSENT = None


def plan_of(number):
    return f"p{number % PLANS}"


def service(directory):
    plans = "\n".join(f"      - {{name: p{number}, description: a, retain: 0}}" for number in range(PLANS))
    return f"""  - name: scripted
    driver: scripted
    password: x
    servers:
      - {{name: one, state: {directory}/state, rules: {directory}/rules, parallel: 16}}
    plans:
{plans}
"""


class Instance:
    """The states that it was asked to be in, in their order, and which of them was acknowledged last."""

    def __init__(self, name):
        self.name = name
        self.states = [ABSENT]
        self.acknowledged = 0
        self.lock = threading.Lock()

    def begin(self, state):
        with self.lock:
            self.states.append(state)

    def end(self):
        with self.lock:
            self.acknowledged = len(self.states) - 1

    def place(self, state, floor):
        """The first version from the floor on that has the state; None: there is none."""
        with self.lock:
            return next((at for at in range(floor, len(self.states)) if self.states[at] == state), None)


class Client:
    """Asks any broker anything; owns some of the instances."""

    def __init__(self, history, own, seed):
        self.history = history
        self.own = own
        self.chance = random.Random(seed)
        self.floors = {instance.name: 0 for instance in history.instances}
        self.bound = {}
        self.thread = threading.Thread(target=self.run)

    def run(self):
        try:
            while self.history.step():
                if self.chance.random() < 0.4:
                    self.change(self.chance.choice(self.own))
                else:
                    self.read(self.chance.choice(self.history.instances))
                self.history.over.wait(self.history.pace)
        except Exception:  # pylint: disable=broad-except  # told by the main thread
            self.history.fail(traceback.format_exc())

    def tsuru(self):
        return Tsuru(self.chance.choice(self.history.brokers), "scripted", "x")

    # ---- reading ----

    def read(self, instance):
        floor = max(self.floors[instance.name], instance.acknowledged)
        try:
            answer = self.tsuru().info(instance.name)
        except (OSError, http.client.HTTPException):
            assert not self.history.strict
            return  # that broker is not there
        if answer.status == 503 and not self.history.strict:
            self.history.refused += 1
            return
        assert answer.status in (200, 404), answer
        state = self.state_of(answer)
        if answer.headers["Age"] is not None:
            self.history.aged += 1
            assert instance.place(state, 0) is not None, (instance.name, state)
            return
        at = instance.place(state, floor)
        assert at is not None, f"{instance.name}: {state} was read; not older than {floor} are {instance.states[floor:]}"
        self.floors[instance.name] = at
        self.history.reads += 1

    @staticmethod
    def state_of(answer):
        if answer.status == 404:
            return ABSENT
        shown = {item["label"]: item["value"] for item in answer.json}
        return shown.get("Wanted plan") or shown["Plan in force"], int(shown["Binds"])

    # ---- changing ----

    def change(self, instance):
        state = instance.states[-1]
        next_plan = plan_of(len(instance.states))
        if state is ABSENT:
            self.ask(instance, (next_plan, 0), lambda tsuru, event: tsuru.create(instance.name, next_plan, event=event), 201)
            return
        plan, binds = state
        kind = self.chance.choice(["update", "update", "bind" if binds == 0 else "unbind", "rebind", "remove"])
        if kind == "update":
            self.ask(instance, (next_plan, binds), lambda tsuru, event: tsuru.update(instance.name, next_plan, event=event), 200)
        elif kind == "bind":
            event = secrets.token_hex(12)
            answer = self.ask(instance, (plan, 1), lambda tsuru, _: tsuru.bind(instance.name, "shop", event=event), 201)
            self.bound[instance.name] = event, answer.json
        elif kind == "rebind" and binds == 1:  # tsuru's own repetition, with the same event
            event, environment = self.bound[instance.name]
            answer = self.ask(instance, state, lambda tsuru, _: tsuru.bind(instance.name, "shop", event=event), 201)
            assert answer.json == environment, (instance.name, answer)
        elif kind == "unbind":
            self.ask(instance, (plan, 0), lambda tsuru, event: tsuru.unbind(instance.name, "shop", event=event), 200)
        elif kind == "remove" and binds == 0:
            self.ask(instance, ABSENT, lambda tsuru, event: tsuru.remove(instance.name, event=event), 200, 404)

    def ask(self, instance, state, send, *wanted):
        """Until it is answered well. Not found is well where an earlier copy of the removal has come through."""
        event, copies = secrets.token_hex(12), 0
        instance.begin(state)
        while True:
            copies += 1
            try:
                answer = send(self.tsuru(), event)
            except (OSError, http.client.HTTPException):
                assert not self.history.strict, (instance.name, state)
                answer = None  # that broker is not there, or not any more
            if answer is not None and answer.status in wanted and (answer.status != 404 or copies > 1):
                instance.end()
                self.history.changes += 1
                return answer
            assert not self.history.strict and (answer is None or answer.status in (412, 503)), (instance.name, state, answer)
            self.history.refused += answer is not None
            assert not self.history.failure
            self.history.over.wait(0.05)


class History:
    """So many steps by clients of all the brokers, which others end and start again meanwhile."""

    def __init__(self, brokers, steps, clients=6, own=3, pace=0, strict=False):
        self.brokers = brokers
        self.left = steps
        self.pace = pace  # seconds between a client's steps
        self.strict = strict
        self.reads = self.changes = self.refused = self.aged = 0
        self.failure = None
        self.lock = threading.Lock()
        self.over = threading.Event()
        self.instances = [Instance(f"db-{number}") for number in range(clients * own)]
        self.clients = [Client(self, self.instances[number * own:(number + 1) * own], number) for number in range(clients)]

    def start(self):
        for client in self.clients:
            client.thread.start()

    def step(self):
        """Whether there is one to do."""
        with self.lock:
            self.left -= 1
            if self.left <= 0:
                self.over.set()
            return self.left >= 0 and self.failure is None and not self.over.is_set()

    def fail(self, what):
        with self.lock:
            self.failure = self.failure or what
        self.over.set()

    def end(self):
        for client in self.clients:
            client.thread.join()
        assert self.failure is None, self.failure
