"""Three brokers behind nginx, as the manual has it, on a database with a synchronous standby, about 100 requests a second, and kill -9 of
whoever is active, again and again.
Whoever is killed is started again at once. No request fails, what was acknowledged is there, and nothing was done twice.

KILLS_SECONDS=600 is the long form.
"""

import os
import random
import time

from harness import closing
from history import ABSENT, History, service
from nginx_server import Balancer
from postgres_pair import Pair
from replica_site import Site, await_role, tsuru_of
from replicas import await_known
from test_property import World

SECONDS = int(os.environ.get("KILLS_SECONDS", "40"))
LEAST = 4  # kills, on a slow machine, too
CLIENTS, RATE = 40, 200  # requests a second while somebody is active, which is half of the time


def kill_active(site, chance):
    """And waits until another is active, or itself again."""
    broker = site.replicas.await_active()
    broker.kill()
    broker.start()
    site.replicas.await_active()
    time.sleep(chance.uniform(0, 5))


def kill_for(seconds, site, history, chance):
    """How often."""
    kills, end = 0, time.monotonic() + seconds
    while (kills < LEAST or time.monotonic() < end) and not history.failure:
        kill_active(site, chance)
        kills += 1
    return kills


def count(history, is_one):
    """Of the changes that were asked for, all of which were acknowledged: each is a state and the one behind it."""
    return sum(is_one(old, new) for one in history.instances for old, new in zip(one.states, one.states[1:]))


def made_on(path):
    """How many instances and logins the pretended server was told to make that it did not have."""
    made, present = {"instance": 0, "login": 0}, set()
    with open(path, encoding="ascii") as journal:
        for line in journal:
            kind, name, *_ = line.split()
            if kind.startswith("drop-"):
                present.discard((kind.removeprefix("drop-"), name))
            elif kind in made:
                made[kind] += (kind, name) not in present
                present.add((kind, name))
    return made


def check_server(history, path):
    """It made one thing for each create and each bind, not more, and has those that stand."""
    assert made_on(path) == {
        "instance": count(history, lambda old, _: old is ABSENT),
        "login": count(history, lambda old, new: ABSENT not in (old, new) and old[1] < new[1]),
    }
    world, present = World(path), [one.states[-1] for one in history.instances if one.states[-1] is not ABSENT]
    assert sorted(world.instances.values()) == sorted(plan for plan, _ in present)
    assert len(world.logins) == sum(binds for _, binds in present)


def check_instance(client, instance, tsuru, world):
    """It has the state that was acknowledged last; the credentials of its bind open it; and no operation has failed."""
    state = client.state_of(tsuru.info(instance.name))
    assert state == instance.states[-1], (instance.name, state, instance.states[-3:])
    if state is ABSENT:
        return
    assert all(one["state"] == "done" for one in tsuru.operations(instance.name)), tsuru.operations(instance.name)
    if state[1]:
        environment = client.bound[instance.name][1]
        assert world.opens(environment["SCRIPTED_USER"], environment["SCRIPTED_PASSWORD"]), instance.name


def start(site):
    first = site.replicas.start("first")
    await_role(first, "active")
    brokers = [first, site.replicas.start("second"), site.replicas.start("third")]
    for broker in brokers[1:]:
        await_role(broker, "standby")
        await_known(broker, "first")
    return brokers


def test_no_request_fails(tmp_path):
    chance = random.Random(SECONDS)
    with closing(Pair(synchronous=True)) as (pair,), closing(Site(tmp_path, pair, service(tmp_path))) as (site,):
        with closing(Balancer([broker.port for broker in start(site)])) as (front,):
            history = History([front], float("inf"), CLIENTS, pace=CLIENTS / RATE, strict=True)
            history.start()
            try:
                kills = kill_for(SECONDS, site, history, chance)
            finally:
                history.over.set()
                history.end()
            seen = front.seen()
        again = sum("," in one["upstream"] for one in seen)
        print(f"{kills} kills, {len(seen)} requests, {again} of them again; {history.reads} reads, {history.changes} changes, {history.aged} aged")
        assert again and {one["status"] for one in seen} <= {200, 201, 404}
        assert len(site.replicas.epochs()) > kills
        present = [one.name for one in history.instances if one.states[-1] is not ABSENT]
        site.check(present)
        check_server(history, tmp_path / "state")
        tsuru, world = tsuru_of(site.active()), World(tmp_path / "state")
        for client in history.clients:
            for instance in client.own:
                check_instance(client, instance, tsuru, world)
