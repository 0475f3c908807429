"""A server carries the mark of the store that it belongs to: a wrong url, a copy of the store and an old backup do no harm,
and ctl claim settles whose it is. On the scripted driver; what carries the mark on real servers is tested with their drivers."""

import os
import shutil
import subprocess

import pytest

from harness import BROKER, Broker, Tsuru, closing, scripted_service, wait_until

PASSWORD = "api-password"


@pytest.fixture
def place(tmp_path):
    (tmp_path / "rules").touch()
    return tmp_path


def service(place):
    return scripted_service(place, PASSWORD, more="    wait: 1s\n    bind_wait: 20s\n")


def make_broker(place):
    broker = Broker(service(place))
    return broker, Tsuru(broker, "scripted", PASSWORD)


def state(broker):
    return broker.servers()[0]["state"]


def reason(broker):
    return broker.servers()[0].get("reason") or ""


def lines(place, word):
    return [line for line in (place / "state").read_text().splitlines() if line.split()[0] == word]


def expect_shut(broker, why):
    wait_until(f"nothing is done there: {why}", lambda: why in reason(broker))
    answer = broker.ctl("health", status=3)
    assert why in answer and "tsuru-broker ctl claim scripted/one" in answer


def test_another_broker_leaves_the_server_alone_until_it_claims_it(place):
    first, tsuru = make_broker(place)
    second, other = make_broker(place)
    with closing(first, second):
        first.start()
        assert tsuru.create("mydb").status == 201
        wait_until("it is up", lambda: tsuru.is_up("mydb"))
        second.start()
        expect_shut(second, "belongs to another broker's store")
        before = (place / "state").read_text()
        answer = other.bind("mydb", "shop")
        assert answer.status == 404
        assert (place / "state").read_text() == before

        # It is asked first; without an answer nothing happens.
        asked = subprocess.run([BROKER, "ctl", "claim", "scripted/one", "-c", second.config], input=b"n\n",
                               capture_output=True, timeout=60, check=False)
        assert asked.returncode != 0 and b"belongs to another" in asked.stderr and b"nothing was claimed" in asked.stderr
        assert (place / "state").read_text() == before
        asked = subprocess.run([BROKER, "ctl", "claim", "scripted/one", "-c", second.config], input=b"y\n",
                               capture_output=True, timeout=60, check=False)
        assert asked.returncode == 0 and asked.stdout == b"claimed\n", asked
        assert other.create("theirs").status == 201

        # The first one sees it with its next call, and with its next check.
        assert tsuru.bind("mydb", "shop").status in (412, 503)
        assert not lines(place, "login")
        expect_shut(first, "belongs to another broker's store")
        assert "another broker's store" in tsuru.why_down("mydb")
        assert any(entry["action"] == "claim" for entry in second.ctl("audit", "--json"))


def test_a_restored_backup_does_nothing_until_it_is_claimed(place):
    broker, tsuru = make_broker(place)
    with closing(broker):
        broker.start()
        assert tsuru.create("mydb").status == 201
        wait_until("it is up", lambda: tsuru.is_up("mydb"))
        backup = os.path.join(broker.directory, "backup.mdb")
        broker.ctl("backup", backup)
        assert tsuru.bind("mydb", "shop").status == 201  # the backup does not know of it
        broker.stop()
        os.remove(os.path.join(broker.data, "data.mdb"))
        shutil.move(backup, os.path.join(broker.data, "data.mdb"))
        broker.start()
        expect_shut(broker, "a copy or a restored backup")
        before = (place / "state").read_text()
        assert tsuru.remove("mydb").status == 200  # accepted, and it waits
        assert (place / "state").read_text() == before
        broker.ctl("claim", "scripted/one", "--yes")
        wait_until("it is removed", lambda: lines(place, "drop-instance"))


def test_a_store_is_its_own_after_restarts_and_reloads(place):
    broker, tsuru = make_broker(place)
    with closing(broker):
        for number in range(3):
            broker.start()
            wait_until("the server is up", lambda: state(broker) == "up")
            assert tsuru.create(f"mydb-{number}").status == 201
            assert "event=reloaded" in broker.reload(service(place))
            assert tsuru.bind(f"mydb-{number}", "shop").status == 201
            broker.kill() if number else broker.stop()
    marks = [line.split()[1].rsplit("-", 1)[0] for line in lines(place, "mark")]
    assert [mark.split("-")[1] for mark in marks] == ["1", "2", "3"]
    assert len({mark.split("-")[0] for mark in marks}) == 1


def test_a_claim_that_makes_no_sense(place):
    broker, _ = make_broker(place)
    with closing(broker):
        broker.start()
        assert 'has no server "nine"' in broker.ctl("claim", "scripted/nine", "--yes", status=1)
        assert "SERVICE/NAME" in broker.ctl("claim", "scripted", "--yes", status=1)
