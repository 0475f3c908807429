"""Clients that ask any of three brokers, while these are ended one after the other: what a client reads never goes back behind what
was acknowledged before. HISTORY_STEPS=100000 is the long form."""

import os
import random

from harness import closing, wait_until
from history import History, Instance, service
from replica_site import Site, await_role, role

STEPS = int(os.environ.get("HISTORY_STEPS", "3000"))
FAULT_EVERY = max(500, STEPS // 50)  # steps


def end_one(site, chance):
    """kill -9 of the active one, SIGTERM of it, or kill -9 of another; and it is started again."""
    brokers = list(site.replicas.brokers.values())
    active = site.replicas.await_active()
    kind = chance.choice(["kill", "stop", "kill-standby"])
    broker = chance.choice([one for one in brokers if one is not active]) if kind == "kill-standby" else active
    if kind == "stop":
        broker.stop()
    else:
        broker.kill()
    wait_until("another is active", lambda: any(role(one) == "active" for one in brokers if one is not broker))
    broker.start()
    site.replicas.await_standby(broker)


def test_reads_never_go_back(server, tmp_path):
    with closing(Site(tmp_path, server, service(tmp_path))) as (site,):
        first = site.replicas.start("first")
        await_role(first, "active")
        brokers = [first, site.replicas.start("second"), site.replicas.start("third")]
        history, chance = History(brokers, STEPS), random.Random(STEPS)
        history.start()
        try:
            for left in range(STEPS - FAULT_EVERY, 0, -FAULT_EVERY):
                wait_until("there are some steps", lambda left=left: history.left < left or history.over.is_set(), 600)
                if not history.over.is_set():
                    end_one(site, chance)
        finally:
            history.end()
        print(f"{history.reads} reads, {history.changes} changes, {history.refused} refused, {history.aged} aged")
        assert history.reads > STEPS / 4 and history.changes > STEPS / 10
        assert len(site.replicas.epochs()) > 1
        site.check([one.name for one in history.instances if one.states[-1] is not None])


def test_the_checker_notices_a_step_back():
    instance = Instance("db")
    for state in (("p1", 0), ("p1", 1), None, ("p4", 0)):
        instance.begin(state)
        instance.end()
    instance.begin(("p5", 0))
    assert instance.place(("p1", 0), 1) == 1 and instance.place(None, 1) == 3 and instance.place(("p1", 1), 1) == 2
    assert instance.place(("p4", 0), instance.acknowledged) == 4 and instance.place(("p5", 0), 4) == 5
    for older in (("p1", 0), ("p1", 1), None, ("p6", 0)):
        assert instance.place(older, instance.acknowledged) is None
    assert instance.place(("p4", 0), 5) is None
