"""The crash matrix: the program ends at every crash point that tsuru's main story passes, on every driver's real server,
and is started again. What was acknowledged is there, every operation ends, the server and the records agree, and what
tsuru would send again succeeds.

A first run of the story writes down the points that it passes (include/base/crash.h); then each is a case of its own,
with an instance of its own. CASES_AT_ONCE run side by side, each on a server of its own: a server belongs to one broker.
In a usual run every point is taken once, and the story ends early after the crash; with CRASH_FULL=1 every time that the
story passes a point is a case, and the story is told to its end. CRASH_ONLY=TEXT,... takes the points with one of these texts
in their name.

With SHARED=1 three brokers on one store are asked by turns. Their active one ends at the point, another takes over, and the dead
one comes back. Beside all the rest, no request fails that was asked of one that lived.
"""

import collections
import concurrent.futures
import contextlib
import hashlib
import http.client
import os
import queue
import secrets
import shutil
import tempfile
import time

import pytest

from backends import BACKENDS, PASSWORD, Backend, Denied, configuration, service
from harness import Broker, Tsuru, closing, wait_until
from replica_site import CALM, role
from spread import NAMES, SHARED, Spread

FULL = os.environ.get("CRASH_FULL", "") not in ("", "0")
ONLY = os.environ.get("CRASH_ONLY", "").split(",")
CASES_AT_ONCE = int(os.environ.get("CRASH_CASES_AT_ONCE", "3"))
CRASH_STATUS = 99
END = 30  # seconds that a process that is at its end may take for that
TRIES = 5  # of a case that did not come to its point: work in the background was elsewhere, or the broker that was to end was deposed before
ENDS = {"done", "canceled"}


# ---- drivers without a server of their own ----


class SharedBackend(Backend):
    """The same environment for everybody."""

    name = "shared"

    def start(self):
        pass

    close = stop = start_again = start

    def service(self, name):
        plan = {"env": {"URL": "https://objects.example.com/{instance}"}}
        made = service(name, "shared", {}, plan, plan)
        del made["servers"]
        return made

    def write(self, env, key, value):
        pass

    def read(self, env, key):
        return None

    def works(self, env):
        return env["URL"].startswith("https://objects.example.com/")

    def refused(self, env):
        return True

    def objects(self):
        return set(), set()


class ScriptedBackend(Backend):
    """The scripted driver's journal, which tells what is on the pretended server. One broker at a time."""

    name = "scripted"

    def start(self):
        self.directory = tempfile.mkdtemp(prefix="broker-scripted-")
        with open(os.path.join(self.directory, "rules"), "w", encoding="ascii"):
            pass

    def close(self):
        shutil.rmtree(self.directory)

    def service(self, name):
        return service(name, "scripted", {"state": f"{self.directory}/state", "rules": f"{self.directory}/rules"},
                       {"weight": 1}, {"weight": 2})

    def world(self):
        """What is there: instances, each with whether it is retired, and logins with their instance and hash."""
        instances, logins = {}, {}
        if not os.path.exists(f"{self.directory}/state"):
            return instances, logins
        with open(f"{self.directory}/state", encoding="ascii") as file:
            for verb, name, *rest in (line.split() for line in file):
                if verb == "instance":
                    instances[name] = instances.get(name, False)
                elif verb in ("retire", "restore"):
                    instances[name] = verb == "retire"
                elif verb == "login":
                    logins[name] = rest
                elif verb != "mark":
                    {"drop-instance": instances, "drop-login": logins}[verb].pop(name, None)
        return instances, logins

    def write(self, env, key, value):
        pass

    def read(self, env, key):
        login, password = env["SCRIPTED_USER"].encode(), env["SCRIPTED_PASSWORD"].encode()
        instances, logins = self.world()
        instance, known = logins.get(env["SCRIPTED_USER"], ("", ""))
        given = hashlib.blake2b(b"".join(len(one).to_bytes(8, "little") + one for one in (login, password)),
                                digest_size=32).hexdigest()
        if instances.get(instance, True) or not known or given[:len(known)] != known:
            raise Denied(env["SCRIPTED_USER"])
        return None

    def works(self, env):
        return not self.refused(env)

    def objects(self):
        instances, logins = self.world()
        return set(instances), set(logins)


KEEPS_CONTENT = {kind.name for kind in BACKENDS}
RETAINS = KEEPS_CONTENT - {"osb"} | {"scripted"}
ACTIONS = {"exec-py": "clear"}
OWN_SERVER = {"scripted"}  # a server for every case
SERVERS = {"rabbitmq": 2}  # fewer where they are large


# ---- the story ----


class Story:
    """What tsuru and its users ask about one instance, in order. Each step can be asked again after it was cut off."""

    def __init__(self, backend, broker, name):
        self.backend = backend
        self.broker = broker
        self.tsuru = Tsuru(broker, "s", PASSWORD)
        self.name = name
        self.database, self.app, self.job = name + "db", name + "shop", name + "job"
        self.event = secrets.token_hex(12)
        self.exists = None  # acknowledged: True there, False removed; None: asked, and not answered
        self.alive = {}     # the environments that were acknowledged, by app or job, and must work
        self.dead = []      # those that must not any more
        self.restorable = None  # of the unbind that is taken back
        self.retained = None    # the id of the instance that an operator brings back
        self.content = None     # what the app has stored

    def steps(self):
        steps = [self.create, self.bind_app, self.bind_job, self.unit, self.update, self.rotate, self.act,
                 self.unbind, self.take_unbind_back, self.unbind_again, self.verify]
        if self.backend.name in RETAINS:
            steps += [self.remove, self.undelete, self.remove, self.purge]
        else:
            steps += [self.remove]
        return steps + [self.create, self.bind_app, self.remove_at_once]

    # ---- tsuru's calls ----

    def create(self):
        self.exists, self.content = None, None
        assert self.tsuru.create(self.database, "small").status == 201
        self.exists = True
        self.wait_up()

    def wait_up(self):
        wait_until(f"{self.database} is up", lambda: self.tsuru.is_up(self.database))

    def bind_app(self):
        self.alive.pop(self.app, None)
        self.alive[self.app] = self.bound(lambda: self.tsuru.bind(self.database, self.app))
        self.check_content()
        if self.content is None and self.backend.name in KEEPS_CONTENT:
            self.backend.write(self.alive[self.app], "colour", "red")
            self.content = "red"

    def bind_job(self):
        self.alive.pop(self.job, None)
        self.alive[self.job] = self.bound(lambda: self.tsuru.bind_job(self.database, self.job))

    def bound(self, ask):
        """The environment; a user who is told to repeat the bind does so."""
        def try_once():
            answer = ask()
            assert answer.status in (201, 412, 503), answer
            assert answer.status == 201 or "repeat" in answer.message, answer
            return answer.json if answer.status == 201 else None
        env = wait_until("the bind succeeds", try_once)
        assert self.backend.works(env)
        return env

    def unit(self):
        unit = {"unit-host": "10.1.2.3", "app-host": f"{self.app}.example.com"}
        assert self.tsuru.send("POST", f"/resources/{self.database}/bind", unit).status == 201
        assert self.tsuru.send("DELETE", f"/resources/{self.database}/bind", unit).status == 200

    def update(self):
        assert self.tsuru.update(self.database, "large").status == 200
        wait_until("the plan is reached", lambda: self.tsuru.described(self.database)["Plan in force"] == "large")

    def rotate(self):
        env = self.alive.pop(self.app, None)
        assert self.tsuru.send("POST", f"/resources/{self.database}/rotate", {"app-name": self.app}).status == 202
        self.wait_ended()
        if env is not None:
            self.dead.append(env)
        self.alive[self.app] = self.bound(lambda: self.tsuru.bind(self.database, self.app))

    def act(self):
        action = ACTIONS.get(self.backend.name)
        if action is not None:
            answer = self.tsuru.send("POST", f"/resources/{self.database}/actions/{action}", {}, {"prefix": "tmp"})
            assert answer.status == 202
            self.wait_ended()

    def unbind(self):
        self.restorable = self.alive.pop(self.app, self.restorable)
        assert self.tsuru.unbind(self.database, self.app, self.event).status == 200
        self.wait_ended()
        assert self.backend.refused(self.restorable)

    def take_unbind_back(self):
        """S6: the event of the unbind, no parameters; what is answered is thrown away."""
        fields = {"app-name": self.app, "eventid": self.event}
        env = self.bound(lambda: self.tsuru.send("POST", f"/resources/{self.database}/bind-app", fields, None,
                                                 self.event))
        self.alive[self.app] = self.restorable if self.backend.restores else env
        self.check_content()

    def unbind_again(self):
        env = self.alive.pop(self.app, None)
        assert self.tsuru.unbind(self.database, self.app).status == 200
        assert self.tsuru.unbind(self.database, self.app).status == 200  # S5
        self.wait_ended()
        if env is not None:
            self.dead.append(env)

    def remove(self):
        if self.backend.name in RETAINS and self.retained is None:
            self.retained = self.only_id()
        self.exists, self.locked = None, getattr(self, "locked", None) or dict(self.alive)
        self.alive = {}
        assert self.tsuru.remove(self.database).status == 200
        self.exists = False
        wait_until("it is gone", lambda: self.tsuru.info(self.database).status == 404)
        assert all(self.backend.refused(env) for env in self.locked.values())

    def remove_at_once(self):
        """S9: the plan retains nothing."""
        self.remove()
        assert self.tsuru.remove(self.database).status == 200
        self.dead += self.locked.values()

    # ---- the operator's ----

    def verify(self):
        """Over all, for its list of what is on the server; and again for this instance, which the pass may have left
        out when its server was not known to be up."""
        if self.exists:
            self.wait_up()
        drift = self.broker.ctl("verify", "--json", status=(0, 3))
        assert not drift["found"], drift
        assert not [one for one in drift["strays"] if one["name"].startswith(self.name)], drift
        self.verify_one()

    def verify_one(self):
        if self.exists and self.backend.name != "shared":
            assert self.broker.ctl("verify", f"s/{self.database}", "--json")["drift"] == []

    def only_id(self, filters=""):
        found = [one for one in self.broker.admin("/v1/instances" + filters).json["instances"] if one["name"] == self.database]
        assert len(found) <= 1, found
        return found[0]["id"] if found else None

    def undelete(self):
        self.exists = None
        if self.tsuru.info(self.database).status == 404:
            self.broker.ctl("undelete", self.retained)
        self.exists = True
        self.wait_up()
        self.alive, self.locked = self.locked, None
        assert all(self.backend.works(env) for env in self.alive.values())
        self.check_content()

    def purge(self):
        if self.only_id("?state=retained") is not None:
            self.broker.ctl("purge", self.retained)
        wait_until("it is purged", lambda: self.only_id() is None)
        self.dead += self.locked.values()
        self.locked = self.retained = None
        self.check_nothing_left()

    # ---- what must hold ----

    def wait_ended(self):
        """Every operation has ended, and well: the server has refused nothing."""
        def states():
            answer = self.tsuru.send("GET", f"/resources/{self.database}/operations")
            return {one["state"] for one in answer.json} if answer.status == 200 else set()
        wait_until("the operations have ended", lambda: states() <= ENDS | {"failed"})
        assert states() <= ENDS, self.tsuru.operations(self.database)

    def check_content(self):
        for env in self.alive.values():
            if self.content is not None:
                assert self.backend.read(env, "colour") == self.content

    def check_acknowledged(self):
        status = self.tsuru.status(self.database).status
        if self.exists is True:
            assert status in (204, 202)
        elif self.exists is False:
            assert status == 404
        assert all(self.backend.works(env) for env in self.alive.values())
        assert all(self.backend.refused(env) for env in self.dead)
        self.check_content()

    def check_nothing_left(self):
        assert not self.left(), self.left()

    def left(self):
        return [name for names in self.backend.objects() for name in names if name.startswith(self.name)]


# ---- one case ----


def configured(backend):
    """The service that the story is about: one plan retains, where the driver can, and the other does not."""
    made = backend.service("s")
    if backend.name in RETAINS:
        made["plans"][0]["retain"], made["plans"][1]["retain"] = 0, "1h"
    for plan in made["plans"]:
        plan.update({"actions": [ACTIONS[backend.name]]} if backend.name in ACTIONS else {})
    return configuration(made)


class Case:
    """Tells the story to a broker that ends at a point, and goes on with another one on the same data."""

    def __init__(self, backend, broker, point=None):
        self.backend = backend
        self.broker = broker
        self.point = point
        self.crashed_in = None
        self.story = Story(backend, broker, "k" + secrets.token_hex(4))

    def tell(self):
        """Returns whether the broker ended at the point."""
        try:
            self.begin()
            steps = self.story.steps()
            while steps:
                step = steps.pop(0)
                crashed = self.take(step)
                if crashed and not FULL:
                    steps = self.short_end(step)
            self.story.check_acknowledged()
            if FULL:
                self.story.verify()
            self.story.check_nothing_left()
            self.end()
        except Exception as failure:
            told = self.crashed_in.__name__ if self.crashed_in is not None else "no step"
            raise AssertionError(f"{self.point}, crashed in {told}, {self.story.name}: {failure!r}\n"
                                 f"{self.told()}") from failure
        finally:
            self.close()
        return self.crashed_in is not None

    def end(self):
        if self.broker.process.poll() == CRASH_STATUS:  # after all was said
            self.go_on(None)
        self.broker.stop()

    def close(self):
        self.broker.close()

    def told(self):
        """The end of the broker's log, without tsuru's questions."""
        return "\n".join([line for line in self.broker.log().splitlines() if " method=GET " not in line][-30:])

    def begin(self):
        try:
            self.broker.start()
        except AssertionError:
            if not self.has_crashed():
                raise
            self.go_on(self.begin)

    def take(self, step):
        """One step, and again when the broker ended in it; True then."""
        try:
            step()
            return False
        except Exception:  # pylint: disable=broad-except  # whatever a cut answer looks like
            if not self.has_crashed(END):
                raise
        self.go_on(step)
        step()
        self.story.wait_ended()
        self.story.check_acknowledged()
        self.story.verify_one()
        return True

    def short_end(self, step):
        """The rest of the story when it is cut short: the instance is still good for a bind, and goes."""
        story = self.story
        if step in (story.remove, story.purge) and story.backend.name in RETAINS:
            return [story.purge] if step == story.remove else []
        if step == story.remove_at_once:
            return [story.create, story.bind_app, story.remove_at_once]  # S9: another incarnation
        rest = [story.bind_app] if step in (story.create, story.bind_job) else []
        # What the plan retains is purged.
        return rest + ([story.remove, story.purge] if story.backend.name in RETAINS else [story.remove_at_once])

    def has_crashed(self, wait=2):
        deadline = time.monotonic() + wait
        while self.broker.process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        return self.broker.process.poll() == CRASH_STATUS and self.crashed_in is None

    def go_on(self, step):
        self.crashed_in = step or self.go_on
        del self.broker.environment["CRASH_POINT"]
        self.broker.start()
        self.story.check_acknowledged()


MOMENTARY = ("may soon not be the active one", "this broker stands by", "has not been looked at yet")


class Cut(Exception):
    """What was asked of the broker that ended was not answered."""


class Brokers(Spread):
    """Three, of which the active one is to end at a point. It is another one from case to case."""

    def __init__(self, server, services):
        super().__init__(server, services, lease=CALM)
        self.doomed = None  # which it is, until it has ended
        self.asked = None   # of tsuru's last request
        self.begun = 0      # epochs, when it had become active

    def next(self):
        """Of those that live."""
        self.asked = next(broker for broker in self.turns if broker.process is not None and broker.process.poll() is None)
        return self.asked

    def has_ended(self, wait):
        """Whether the one that is to end has, within so many seconds."""
        deadline = time.monotonic() + wait
        while self.doomed.process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        return self.doomed.process.poll() == CRASH_STATUS

    def was_cut(self):
        """Whether tsuru's last request was asked of the one that ended."""
        return self.asked is self.doomed and self.has_ended(END)

    def ctl(self, *arguments, **options):
        """Asked again where it was refused for a moment, in which there is no active one that may begin anything."""
        return wait_until(f"{arguments} is done", lambda: self.try_ctl(*arguments, **options))

    def try_ctl(self, *arguments, **options):
        broker = wait_until("one is active", self.active)
        try:
            return broker.ctl(*arguments, **options) or True
        except (AssertionError, OSError, http.client.HTTPException) as failure:
            is_momentary = any(told in str(failure) for told in MOMENTARY)
            if broker is self.doomed and self.has_ended(0 if is_momentary else END):
                raise Cut(str(failure)) from failure
            if is_momentary:
                return None
            raise

    def doom(self, variables):
        """One of those that stand by is started again with the variables, and the others step down for it. One that has not ended
        where it was to is the next one, too."""
        self.start()
        active = self.active()
        self.doomed = self.doomed or next(broker for broker in self.brokers if broker is not active)
        self.doomed.stop()
        self.doomed.environment.update(variables)
        self.doomed.start()
        wait_until("it is active, or has ended", self.prefer_doomed)
        self.begun = len(self.replicas.epochs())

    def prefer_doomed(self):
        if self.doomed.process.poll() is not None or role(self.doomed) == "active":
            return True
        active = self.active()
        if active is not None and active is not self.doomed:
            with contextlib.suppress(OSError):
                active.admin("/v1/step-down", "POST", fields={})  # refused where nobody is known to stand by yet
        return False

    def was_deposed(self):
        """Whether somebody took over although it had not ended."""
        return len(self.replicas.epochs()) > self.begun

    def bury(self):
        """The dead one; who takes over is active then."""
        dead, self.doomed = self.doomed, None
        dead.process = None
        self.forget(dead)
        wait_until("another is active", self.active)

    @staticmethod
    def forget(broker):
        for name in ("CRASH_POINT", "CRASH_LOG"):
            broker.environment.pop(name, None)

    def recover(self):
        """After a case, however it went."""
        for broker in self.brokers:
            if broker.process is not None and broker.process.poll() == CRASH_STATUS:
                broker.process = None
        if self.doomed is not None:
            self.forget(self.doomed)
            if self.doomed.process is None:
                self.doomed = None


class SharedCase(Case):
    """The same with three brokers that share a store."""

    def __init__(self, backend, brokers, variables, point=None):
        super().__init__(backend, brokers, point)
        self.variables = variables

    def begin(self):
        self.broker.doom(self.variables)
        if self.broker.has_ended(0):
            self.go_on(self.begin)
            self.broker.start()

    def take(self, step):
        cut = False
        try:
            step()
        except (OSError, http.client.HTTPException, Cut) as failure:
            if self.crashed_in is not None or not (isinstance(failure, Cut) or self.broker.was_cut()):
                raise
            cut = True
        if self.crashed_in is not None or not (cut or self.broker.has_ended(0)):
            return False
        self.go_on(step)
        if cut:
            step()
        self.story.wait_ended()
        self.story.check_acknowledged()
        self.story.verify_one()
        self.broker.start()  # the dead one stands by
        self.check_everywhere()
        return True

    def go_on(self, step):
        self.crashed_in = step or self.go_on
        self.broker.bury()
        self.story.check_acknowledged()

    def check_everywhere(self):
        """Each of the three says the same."""
        said = {self.story.tsuru.status(self.story.database).status for _ in NAMES}
        assert said <= ({404} if self.story.exists is False else {202, 204}), said

    def end(self):
        if self.crashed_in is None and self.broker.has_ended(0):
            self.go_on(None)

    def close(self):
        self.broker.recover()

    def told(self):
        lines = []
        for name, broker in zip(NAMES, self.broker.brokers):
            lines += [f"---- {name} ----", *[line for line in broker.log().splitlines() if " method=GET " not in line][-15:]]
        return "\n".join(lines)


# ---- all cases ----


class Lane:
    """A server, and who is told the stories about it, one after the other: each a broker of its own, or three on one store."""

    def __init__(self, backend, store):
        self.backend = backend
        self.store = store
        self.brokers = Brokers(store, configured(backend)) if SHARED else None

    def start(self):
        if self.brokers is not None:
            self.brokers.start()

    def tell(self, variables, point=None):
        """Whether the broker ended at the point."""
        if self.brokers is not None:
            return SharedCase(self.backend, self.brokers, variables, point).tell()
        own = type(self.backend)() if self.backend.name in OWN_SERVER else self.backend
        if own is not self.backend:
            own.start()
        try:
            own.hand_over()
            return Case(own, Broker(configured(own), environment=variables), point).tell()
        finally:
            if own is not self.backend:
                own.close()

    def run(self, point):
        """Whether it was reached, and the failure, or None. A point that background work passes may be missed now and then."""
        try:
            for _ in range(TRIES):
                reached = self.tell({"CRASH_POINT": point}, point)
                if reached or FULL and not (self.brokers is not None and self.brokers.was_deposed()):
                    break
            return reached, None
        except AssertionError as failure:
            return True, str(failure)

    def close(self):
        if self.brokers is not None:
            self.brokers.close()

    def check(self):
        """No broker wrote behind another one's back."""
        if self.brokers is not None:
            self.brokers.check()


def points_of(lane, path):
    """Every point that the story passes, with how often."""
    lane.tell({"CRASH_LOG": path})
    with open(path, encoding="ascii") as file:
        passed = collections.Counter(line.rstrip("\n") for line in file)
    points = []
    for name, count in passed.items():
        # A step's end is followed at once by the next one's begin or the call's end: nothing lies between.
        if any(text in name for text in ONLY) and (FULL or not (name.startswith("step:") and name.endswith(":after"))):
            points += [f"{name}:{n + 1}" for n in range(count if FULL else 1)]
    return passed, points


@pytest.fixture(params=[SharedBackend, ScriptedBackend, *BACKENDS], ids=lambda kind: kind.name)
def lanes(request):
    """As many servers as there are brokers side by side: a server belongs to one store."""
    kind = request.param
    store = request.getfixturevalue("server") if SHARED else None
    alone = kind is SharedBackend or not SHARED and kind.name in OWN_SERVER
    most = 1 if alone else min(SERVERS.get(kind.name, CASES_AT_ONCE), CASES_AT_ONCE)
    servers = [kind() for _ in range(most)]
    with concurrent.futures.ThreadPoolExecutor(CASES_AT_ONCE) as pool, closing(*servers):
        list(pool.map(lambda server: server.start(), servers))
        made = [Lane(server, store) for server in (servers * CASES_AT_ONCE if alone else servers)]
        with closing(*made):
            list(pool.map(lambda lane: lane.start(), made))
            yield made


def test_every_point(lanes, tmp_path):
    begin = time.monotonic()
    backend = lanes[0].backend
    before = [lane.backend.objects() for lane in lanes]
    passed, points = points_of(lanes[0], str(tmp_path / "points"))
    assert {"intent:before", "intent:durable", "reply:before", "call:bind:before"} <= set(passed)
    free = queue.Queue()
    for lane in lanes:
        free.put(lane)

    def run(point):
        lane = free.get()
        try:
            return point, *lane.run(point)
        finally:
            free.put(lane)

    with concurrent.futures.ThreadPoolExecutor(len(lanes)) as pool:
        ended = list(pool.map(run, points))
    failures = [failure for _, _, failure in ended if failure is not None]
    missed = [point for point, crashed, _ in ended if not crashed]
    print(f"{backend.name}: {len(passed)} points, passed {sum(passed.values())} times; {len(points)} cases, "
          f"{len(missed)} not reached ({' '.join(missed)}), {time.monotonic() - begin:.0f} s")
    assert not failures, f"{len(failures)} of {len(points)}:\n" + "\n\n".join(failures)
    assert not [point for point in missed if point.endswith(":1")]
    if SHARED or backend.name not in OWN_SERVER:
        wait_until("nothing is left on the servers", lambda: [lane.backend.objects() for lane in lanes] == before)
    for lane in lanes:
        lane.check()
