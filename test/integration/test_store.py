"""Stores that earlier versions wrote. test/fixtures/store-N/ was made by each of them: data.mdb, the master key, the pretended
server's state, and the environments that the apps were given. In each: "mydb" of the team red with the app "shop" (event e1), the
job "report" (e2), the app "gone" (bound by e3, unbound by e4), an update to "large" that had not ended; "failed" of the team blue,
whose update failed; "removed", which is.
"""

import glob
import json
import os
import shutil

import pytest

from harness import Broker, Tsuru, wait_until

FIXTURES = sorted(glob.glob(os.path.join(os.path.dirname(__file__), "..", "fixtures", "store-*")))


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
    broker = Broker(services)
    os.mkdir(broker.data, 0o700)
    shutil.copy(os.path.join(fixture, "data.mdb"), broker.data)
    shutil.copy(os.path.join(fixture, "state"), tmp_path)
    shutil.copy(os.path.join(fixture, "secret.key"), broker.data)
    os.chmod(os.path.join(broker.data, "secret.key"), 0o600)
    broker.start()
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
        assert broker.ctl("instances", "--json") == []
    finally:
        broker.close()


def test_there_is_a_fixture():
    assert FIXTURES
