"""A request that the active broker dies with is sent again by the one that had passed it on: nothing of it is done twice, and
its client sees one answer. The active one dies when the request is accepted, when its work is done, and just before it answers."""

import threading

import pytest

from harness import TIMEOUT, Broker, free_port, scripted_service, wait_until
from replicas import KEY, Replicas, await_known, await_role, tsuru_of

POINTS = ["intent:durable", "result:durable", "reply:before"]
BIND = "/resources/mydb/bind-app"


class Flushing(Replicas):
    """Their plan has an action."""

    def broker(self, name, **_):
        services = scripted_service(self.directory, "x", more="    wait: 60s\n    bind_wait: 60s\n")
        broker = Broker(services.replace("weight: 1}", "weight: 1, actions: [flush]}"), limits=self.store(name) + "limits: {history: 100}\n",
                        environment={"SECRET_KEY": KEY}, listen=f"127.0.0.1:{free_port()}")
        self.brokers.append(broker)
        return broker.start()

    def effects(self, kind):
        """What the server was made to do, a line each."""
        with open(self.directory / "state", encoding="ascii") as file:
            return sorted({line.strip() for line in file if line.startswith(kind + " ")})


@pytest.fixture
def replicas(server, tmp_path):
    made = Flushing(server, tmp_path)
    yield made
    made.close()


def pair_that_dies(replicas, point, prepare=None):
    """An active one that dies when it passes the point for the first time after prepare, and a standby."""
    second = replicas.broker("second")
    await_role(second, "active")
    if prepare is not None:
        prepare(tsuru_of(second))
    first = replicas.broker("first")
    first.stop()
    first.environment["CRASH_POINT"] = point
    first.start()
    second.stop()
    await_role(first, "active")
    second.start()
    await_known(second, "first")
    return first, second


def kinds(tsuru):
    return sorted(one["kind"] for one in tsuru.operations("mydb"))


def await_all_done(tsuru):
    wait_until("all is done", lambda: {one["state"] for one in tsuru.operations("mydb")} == {"done"})


def created(tsuru):
    assert tsuru.create("mydb", "small").status == 201


def bound(tsuru):
    created(tsuru)
    assert tsuru.send("POST", BIND, {"app-name": "shop"}).status == 201


def has_died(first):
    """The request met the point."""
    first.process.wait(TIMEOUT)
    first.process = None


@pytest.mark.parametrize("point", POINTS)
def test_action_runs_once(replicas, point):
    first, second = pair_that_dies(replicas, point, created)
    answer = tsuru_of(second).send("POST", "/resources/mydb/actions/flush", {})
    has_died(first)
    await_role(second, "active")
    assert answer.status == 202
    await_all_done(tsuru_of(second))
    assert kinds(tsuru_of(second)) == ["action", "create"]


@pytest.mark.parametrize("point", POINTS)
def test_rotation_runs_once(replicas, point):
    first, second = pair_that_dies(replicas, point, bound)
    before = len(replicas.effects("login"))
    assert tsuru_of(second).send("POST", "/resources/mydb/rotate", {}).status == 202
    has_died(first)
    await_role(second, "active")
    await_all_done(tsuru_of(second))
    assert kinds(tsuru_of(second)) == ["bind", "create", "rotate"]
    assert len(replicas.effects("login")) == before + 1


@pytest.mark.parametrize("point", POINTS)
def test_bind_has_one_password(replicas, point):
    """Without an event, by which a repeat is known otherwise."""
    first, second = pair_that_dies(replicas, point, created)
    answer = tsuru_of(second).send("POST", BIND, {"app-name": "shop"})
    has_died(first)
    assert answer.status == 201 and answer.json["SCRIPTED_PASSWORD"]
    assert len(replicas.effects("login")) == 1


@pytest.mark.parametrize("point", POINTS)
def test_create_and_removal_are_answered_once(replicas, point):
    first, second = pair_that_dies(replicas, point)
    assert tsuru_of(second).create("mydb", "small").status == 201
    has_died(first)
    await_role(second, "active")
    assert kinds(tsuru_of(second)) == ["create"]
    assert len(replicas.effects("instance")) == 1

    first.start()
    second.stop()
    await_role(first, "active")
    second.start()
    await_known(second, "first")
    assert tsuru_of(second).remove("mydb").status == 200
    has_died(first)
    await_role(second, "active")
    wait_until("it is gone", lambda: tsuru_of(second).info("mydb").status == 404)


def test_failed_create_is_not_tried_again(replicas):
    first, second = pair_that_dies(replicas, "reply:before")
    (replicas.directory / "rules").write_text("provision fail-final 1\n", encoding="ascii")
    answer = tsuru_of(second).create("mydb", "small")
    has_died(first)
    assert answer.status == 422
    await_role(second, "active")
    # What it has left is cleaned up behind the answer, and noted then.
    tried = wait_until("it is over", lambda: [one for one in second.ctl("audit", "--json") if one["action"] == "create"])
    assert [one["outcome"] for one in tried] == ["failed"] and replicas.effects("instance") == []


def test_many_are_each_done_once(replicas):
    """Twenty clients at once, each with an action of its own, while the active one dies."""
    first, second = pair_that_dies(replicas, "intent:durable:8", created)
    answers = []

    def act():
        answers.append(tsuru_of(second).send("POST", "/resources/mydb/actions/flush", {}).status)

    clients = [threading.Thread(target=act) for _ in range(20)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    has_died(first)
    assert answers == [202] * 20
    await_role(second, "active")
    await_all_done(tsuru_of(second))
    assert kinds(tsuru_of(second)) == ["action"] * 20 + ["create"]
