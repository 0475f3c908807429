"""Stores that earlier versions wrote. test/fixtures/store-N/ was made by each of them: data.mdb, the master key, the pretended
server's state, and the environments that the apps were given. In each: "mydb" of the team red with the app "shop" (event e1), the
job "report" (e2), the app "gone" (bound by e3, unbound by e4), an update to "large" that had not ended; "failed" of the team blue,
whose update failed; "removed", which is.

test/fixtures/removals-1 is of the version before removals kept their promise in the instance: under a plan that kept them for 24 h, with
one app each (binds.json), "failed", whose removal failed for good; "pending", whose removal waits for its server; "again", whose removal
failed, was asked for again, and waits; "purged", whose purge failed; and "unbound", whose app's unbind failed. The 24 h are by the
wall clock, which the broker gets as it was then.
"""

import glob
import json
import os
import shutil
import time

import pytest

from harness import Broker, Tsuru, wait_until
from machine import Machine

REMOVALS = os.path.join(os.path.dirname(__file__), "..", "fixtures", "removals-1")
REMOVALS_AT = 1795890780  # 2026-11-28 18:33 UTC
FIXTURES = sorted(glob.glob(os.path.join(os.path.dirname(__file__), "..", "fixtures", "store-*")))


def start_on(fixture, services, directory, now=None):
    """A broker on a copy of the fixture; the pretended server's state is in the directory. now: what its wall clock shows."""
    broker = Broker(services)
    if now is not None:
        machine = Machine(directory)
        machine.clock_ms = round((now - time.time()) * 1000)
        machine.attach(broker)
    os.mkdir(broker.data, 0o700)
    shutil.copy(os.path.join(fixture, "data.mdb"), broker.data)
    shutil.copy(os.path.join(fixture, "state"), directory)
    shutil.copy(os.path.join(fixture, "secret.key"), broker.data)
    os.chmod(os.path.join(broker.data, "secret.key"), 0o600)
    return broker.start()


@pytest.mark.parametrize("fixture", FIXTURES, ids=os.path.basename)
def test_a_store_of_an_earlier_version_goes_on(fixture, tmp_path):
    def said(name):
        with open(os.path.join(fixture, name), encoding="ascii") as file:
            return json.load(file)

    services = f"""  - name: scripted
    driver: scripted
    password: x
    instances_per_team: 2
    servers: [{{name: one, state: {tmp_path}/state, rules: {tmp_path}/rules}}]
    plans: [{{name: small}}, {{name: large}}]
"""
    broker = start_on(fixture, services, tmp_path)
    try:
        tsuru = Tsuru(broker, "scripted", "x")
        wait_until("the update that was pending has ended", lambda: broker.ctl("show", "scripted/mydb", "--json")["plan"] == "large")
        assert tsuru.is_up("mydb") and tsuru.status("failed").status == 200
        assert broker.ctl("show", "scripted/failed", "--json")["update_failed"] is True
        assert {one["name"] for one in broker.ctl("show", "scripted/mydb", "--json")["binds"]} == {"shop", "report"}
        assert tsuru.bind("mydb", "shop", event="e1").json == said("bind.json")
        assert tsuru.bind("mydb", "gone", event="e4").json == said("gone.json")
        assert tsuru.remove("removed").status == 200 and tsuru.info("removed").status == 404
        # What came later counts the old ones, too.
        assert tsuru.create("second", "small").status == 201
        assert "2 of 2" in tsuru.create("third", "small").message
        assert {one["instances"] for one in broker.ctl("services", "--json")["services"][0]["plans"]} == {1, 2}
        for name in ("mydb", "failed", "second"):
            assert tsuru.remove(name).status == 200
        wait_until("they are gone", lambda: broker.ctl("instances", "--json") == [])
    finally:
        broker.close()


def test_removals_of_an_earlier_version_keep_their_promise(tmp_path):
    services = f"""  - name: scripted
    driver: scripted
    password: x
    servers: [{{name: one, state: {tmp_path}/state, rules: {tmp_path}/rules}}]
    plans: [{{name: small, retain: 0}}]
"""
    with open(os.path.join(REMOVALS, "binds.json"), encoding="ascii") as file:
        environments = json.load(file)
    broker = start_on(REMOVALS, services, tmp_path, now=REMOVALS_AT)
    try:
        tsuru = Tsuru(broker, "scripted", "x")

        def states():
            return {one["name"]: one["state"] for one in broker.ctl("instances", "--json")}

        wait_until("what was pending has ended", lambda: not broker.ctl("operations", "--json"))
        assert states() == {"failed": "removal-failed", "pending": "retained", "again": "retained", "purged": "retained",
                            "unbound": "ready"}
        assert tsuru.remove("failed").status == 200
        wait_until("it is locked away", lambda: states()["failed"] == "retained")
        for name in ("failed", "pending", "again", "purged"):
            assert broker.ctl("undelete", f"scripted/{name}") == "done\n"
            wait_until("it is back", lambda name=name: tsuru.is_up(name))
            assert tsuru.bind(name, "shop", event="e-" + name).json == environments[name]
        assert "drop-instance" not in (tmp_path / "state").read_text(encoding="ascii")
        # The login that should be dead is told, and ended by whoever asks.
        assert 'tsuru_broker_logins_to_end{service="scripted"} 1' in broker.admin("/metrics").body
        assert broker.admin("/ready").json["logins_to_end"] == 1 and "logins_to_end" in broker.ctl("health")
        assert [one["name"] for one in broker.ctl("drift", "--json", status=3)["logins"]] == ["shop"]
        broker.ctl("retry", "scripted/unbound")
        wait_until("it is ended", lambda: broker.admin("/ready").json["logins_to_end"] == 0)
        assert tsuru.send("GET", "/resources/unbound/binds").json == []
    finally:
        broker.close()


def test_there_is_a_fixture():
    assert FIXTURES
