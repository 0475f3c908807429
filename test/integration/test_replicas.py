"""Several brokers on one store in PostgreSQL: one is the active one, the others stand by and take over."""

import contextlib
import os
import re
import signal
import subprocess
import threading

import psycopg2
import pytest

from harness import BROKER, TIMEOUT, Broker, scripted_service, wait_until
from replicas import KEY, Later, Replicas, active_and_standby, await_role, outcome, role, tsuru_of

BEATS = 4  # renewals, of which there are three in a lease


def test_standby_does_nothing_and_says_who_does(replicas):
    first, second = active_and_standby(replicas)
    assert tsuru_of(first).create("mydb", "small").status == 201
    ready = second.admin("/ready")
    assert ready.status == 200 and ready.json["ready"] is True and ready.json["role"] == "standby"
    assert ready.json["active"] == "first" and '"first"' in ready.json["store"]
    assert first.admin("/ready").status == 200
    assert first.admin("/active", user=None).status == 200 and second.admin("/active", user=None).status == 503
    refused = second.admin("/v1/verify", method="POST")
    assert refused.status == 503 and '"first"' in refused.message
    wait_until("the standby shows what the active one has done",
               lambda: [one["name"] for one in second.ctl("instances", "--json")] == ["mydb"])


@pytest.mark.takeover
def test_kill_of_the_active_one_loses_nothing(replicas):
    first, second = active_and_standby(replicas)
    made = [f"db{i}" for i in range(20)]
    for name in made:
        assert tsuru_of(first).create(name, "small").status == 201
    bound = tsuru_of(first).bind("db0", "shop", event="e1").json
    first.kill()
    await_role(second, "active")
    for name in made:
        assert tsuru_of(second).info(name).status == 200
    assert tsuru_of(second).bind("db0", "shop", event="e1").json == bound
    assert tsuru_of(second).create("next", "small").status == 201
    # Who was killed comes back as one that stands by, with a view that it had.
    first.start()
    await_role(first, "standby")
    wait_until("it has what came meanwhile", lambda: len(first.ctl("instances", "--json")) == 21)


def test_stop_hands_over_at_once(replicas):
    first, second = active_and_standby(replicas)
    assert tsuru_of(first).create("mydb", "small").status == 201
    first.stop()
    await_role(second, "active")
    assert tsuru_of(second).info("mydb").status == 200
    assert "event=became-active" in second.log()


def create_that_waits(first, name, directory):
    """Its call is under way at the first broker, which knows of the other; whoever does it next is not held."""
    rules = directory / "rules"
    rules.write_text("provision hang\n", encoding="ascii")
    waiting = Later(lambda: tsuru_of(first).create(name, "small"))
    wait_until("its call is under way", lambda: first.ctl("operations", "--json"))
    wait_until("it knows of the other", lambda: any(one["name"] == "second" for one in first.ctl("replicas", "--json")["replicas"]))
    rules.write_text("", encoding="ascii")
    return waiting


def test_who_waits_is_answered_by_the_next_one(replicas, tmp_path):
    """SIGTERM while a create waits for its server: the other broker takes it up, and the client hears of it by the one that ends."""
    first, second = active_and_standby(replicas)
    waiting = create_that_waits(first, "mydb", tmp_path)
    first.stop()
    assert waiting.result().status == 201
    await_role(second, "active")
    wait_until("the other has done it", lambda: tsuru_of(second).is_up("mydb"))


@pytest.mark.takeover
def test_active_one_that_was_stopped_does_nothing_more(replicas):
    """SIGSTOP for longer than the lease: it wakes up, writes nothing, and stands by; it is the active one again in its turn."""
    first, second = active_and_standby(replicas)
    assert tsuru_of(first).create("mydb", "small").status == 201
    first.process.send_signal(signal.SIGSTOP)
    await_role(second, "active")
    assert tsuru_of(second).remove("mydb").status == 200
    first.process.send_signal(signal.SIGCONT)
    await_role(first, "standby")
    wait_until("it says so", lambda: "event=deposed" in first.log() and "event=lease-over" in first.log())
    wait_until("it follows", lambda: first.ctl("instances", "--json") == [])
    assert tsuru_of(second).create("next", "small").status == 201
    second.stop()
    await_role(first, "active")
    assert tsuru_of(first).info("mydb").status == 404
    assert tsuru_of(first).bind("next", "shop").status == 201


@pytest.mark.takeover
def test_work_under_way_is_taken_up(replicas, tmp_path):
    (tmp_path / "rules").write_text("provision hang\n", encoding="ascii")
    first, second = active_and_standby(replicas)
    Later(lambda: outcome(lambda: tsuru_of(first).create("mydb", "small")))
    wait_until("it is accepted", lambda: tsuru_of(first).status("mydb").status == 202)
    first.kill()
    (tmp_path / "rules").write_text("", encoding="ascii")
    await_role(second, "active")
    wait_until("the create that the first one had accepted is done", lambda: tsuru_of(second).is_up("mydb"))


def sessions(replicas):
    """Their processes at the server."""
    return {row[0] for row in replicas.server.rows(f"SELECT pid FROM pg_stat_activity WHERE datname = '{replicas.database}'")}


@pytest.mark.takeover
def test_store_s_password_is_there_until_the_end(replicas, server, tmp_path):
    """A reload replaces the configuration that it came with, and a connection may be needed to the very last: to hand over."""
    password = tmp_path / "password"
    password.write_text("sekret", encoding="ascii")
    more = f", password_file: '{password}'"
    first = replicas.broker("first", more)
    await_role(first, "active")
    assert "event=reloaded" in first.reload(scripted_service(tmp_path, "x"), replicas.store("first", more))
    before = sessions(replicas)
    server.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s" % f"'{replicas.database}'")
    wait_until("it has seen that", lambda: (now := sessions(replicas)) and not now & before)
    first.stop()
    assert server.rows("SELECT is_led FROM tsuru_broker.head", replicas.database) == [(False,)]


def test_database_that_is_away_for_a_moment(replicas, server):
    first, _ = active_and_standby(replicas)
    assert tsuru_of(first).create("mydb", "small").status == 201
    server.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s" % f"'{replicas.database}'")
    wait_until("changes are taken again", lambda: tsuru_of(first).create("other", "small").status == 201)
    assert role(first) == "active"


def test_database_that_is_away_for_longer_than_the_lease(own_server, tmp_path):
    """What is under way is cancelled, and taken up once the database is back, by the same process."""
    with contextlib.closing(Replicas(own_server, tmp_path)) as replicas:
        first = replicas.broker("first")
        await_role(first, "active")
        (tmp_path / "rules").write_text("provision hang\n", encoding="ascii")
        pid, answer = first.process.pid, []
        waiting = threading.Thread(target=lambda: answer.append(tsuru_of(first).create("mydb", "small")), daemon=True)
        waiting.start()
        wait_until("its call is under way", lambda: first.ctl("operations", "--json"))
        own_server.stop()
        await_role(first, "standby")
        ready = first.admin("/ready")
        assert ready.status == 503 and ready.json["active"] == ""
        assert [one["name"] for one in first.ctl("instances", "--json")] == ["mydb"]
        (tmp_path / "rules").write_text("", encoding="ascii")
        own_server.start()
        await_role(first, "active")
        wait_until("the create is done", lambda: tsuru_of(first).is_up("mydb"))
        waiting.join()
        assert first.process.pid == pid and answer[0].status in (201, 503)
        first.stop()


def beat(replicas):
    """Each renewal is one more."""
    return replicas.server.rows("SELECT beat FROM tsuru_broker.pulse", replicas.database)[0][0]


@pytest.mark.takeover
def test_commit_that_takes_longer_than_the_lease(replicas, server):
    """Something holds the row that a commit locks, and the lease is renewed all the same: nobody takes over."""
    first, second = active_and_standby(replicas)
    holder = psycopg2.connect(host="127.0.0.1", port=server.port, dbname=replicas.database, user="admin", password=server.password)
    with contextlib.closing(holder):
        holder.cursor().execute("SELECT 1 FROM tsuru_broker.head FOR UPDATE")
        answer = []
        waiting = threading.Thread(target=lambda: answer.append(tsuru_of(first).create("mydb", "small")), daemon=True)
        waiting.start()
        begun = beat(replicas)

        def is_longer():
            assert role(first) == "active" and role(second) == "standby"
            return beat(replicas) >= begun + BEATS

        wait_until("the lease was renewed for longer than it is", is_longer)
        assert not answer
        holder.rollback()
    waiting.join()
    assert answer[0].status == 201
    assert first.admin("/ready").json["epoch"] == 1


@pytest.mark.takeover
def test_reload_whose_commit_takes_longer_than_the_lease(replicas, server):
    """A reload that has something to write down answers nobody meanwhile: it gives up, and another may take over."""
    first, second = active_and_standby(replicas)
    holder = psycopg2.connect(host="127.0.0.1", port=server.port, dbname=replicas.database, user="admin", password=server.password)
    added = scripted_service(replicas.directory, "x") + scripted_service(replicas.directory, "y", "another")
    with contextlib.closing(holder):
        holder.cursor().execute("SELECT 1 FROM tsuru_broker.head FOR UPDATE")
        said = first.reload(added, limits=replicas.store("first"))
        assert "reload-failed" in said
        await_role(first, "standby")
        holder.rollback()
    active = wait_until("one is active", lambda: next((one for one in (first, second) if role(one) == "active"), None))
    assert active.admin("/ready").json["epoch"] > 1
    assert tsuru_of(first).create("mydb", "small").status == 201
    assert "event=reloaded" in first.reload(added, limits=replicas.store("first"))


@pytest.mark.takeover
def test_what_keeps_a_lease_from_being_renewed_is_told(replicas, server):
    """The connection for it is lost, and the database takes no other."""
    first = replicas.broker("first")
    await_role(first, "active")
    server.rows(f"ALTER ROLE {replicas.database} CONNECTION LIMIT 1")

    def is_told():
        server.rows(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{replicas.database}' AND query ~ 'pulse SET beat'")
        return re.search("event=store-unreachable .*takes no connection for the lease: .*too many connections", first.log())

    wait_until("the log says why", is_told)
    server.rows(f"ALTER ROLE {replicas.database} CONNECTION LIMIT -1")
    await_role(first, "active")


def test_one_key_for_all(replicas):
    broker = Broker(scripted_service(replicas.directory, "x"), limits=replicas.store("keyless"))
    broker.environment.pop("SECRET_KEY", None)
    with pytest.raises(AssertionError, match="secret_key_file"):
        broker.start()
    broker.process = None
    broker.close()


def test_store_cannot_change_at_a_reload(replicas):
    first = replicas.broker("first")
    await_role(first, "active")
    said = first.reload(scripted_service(replicas.directory, "x"), limits=replicas.store("first", ", notify: false"))
    assert "reload-failed" in said and '\\"store\\"' in said and "sekret" not in first.log()


def run(broker, *arguments, **options):
    return subprocess.run([BROKER, *arguments, "-c", broker.config], capture_output=True, text=True, timeout=TIMEOUT, check=False,
                          env=broker.environment, **options)


def claim(broker):
    """The servers carry the mark of the store before."""
    wait_until("the server was checked", lambda: broker.servers()[0]["state"] != "unknown")
    broker.ctl("claim", "scripted/one", "--yes")


def test_records_move_both_ways(replicas, tmp_path):
    """From a store of one broker's own to the shared one and back: instances, binds and their passwords."""
    alone = Broker(scripted_service(replicas.directory, "x"), environment={"SECRET_KEY": KEY})
    replicas.brokers.append(alone)
    alone.start()
    assert tsuru_of(alone).create("mydb", "small").status == 201
    bound = tsuru_of(alone).bind("mydb", "shop", event="e1").json
    alone.stop()
    moved = run(alone, "ctl", "export", str(tmp_path / "lines"))
    assert moved.returncode == 0, moved.stderr

    shared = Broker(scripted_service(replicas.directory, "x"), limits=replicas.store("first"), environment={"SECRET_KEY": KEY})
    replicas.brokers.append(shared)
    moved = run(shared, "ctl", "import", str(tmp_path / "lines"))
    assert moved.returncode == 0, moved.stderr
    shared.start()
    await_role(shared, "active")
    claim(shared)
    assert tsuru_of(shared).bind("mydb", "shop", event="e1").json == bound
    shared.stop()

    moved = run(shared, "ctl", "export", str(tmp_path / "back"))
    assert moved.returncode == 0, moved.stderr
    other = Broker(scripted_service(replicas.directory, "x"), environment={"SECRET_KEY": KEY})
    replicas.brokers.append(other)
    moved = run(other, "ctl", "import", str(tmp_path / "back"))
    assert moved.returncode == 0, moved.stderr
    other.start()
    claim(other)
    assert tsuru_of(other).bind("mydb", "shop", event="e1").json == bound


def test_neither_kind_of_store_takes_the_others_directory(replicas):
    first = replicas.broker("first")
    await_role(first, "active")
    first.stop()
    first.write_config(scripted_service(replicas.directory, "x"))
    ended = run(first, "serve")
    assert ended.returncode == 1 and re.search(r"holds the view of a store", ended.stderr)
    assert os.path.exists(os.path.join(first.data, "data.mdb"))


def damage(broker):
    """All of its view but the two pages that say where the records are."""
    with open(os.path.join(broker.data, "data.mdb"), "r+b") as view:
        size = view.seek(0, os.SEEK_END)
        view.seek(2 * os.sysconf("SC_PAGESIZE"))
        view.write(bytes(size - view.tell()))


def ends_damaged(broker):
    assert wait_until("it has ended", lambda: broker.process.poll() is not None) and broker.process.returncode == 1
    broker.process = None
    assert "the next start makes it afresh" in broker.log() and "event=failed" in broker.log()


def test_a_damaged_view(replicas, tmp_path):
    """Who has it ends: what waits there is done by the next one, and its next start makes the view afresh."""
    first, second = active_and_standby(replicas)
    assert tsuru_of(first).create("mydb", "small").status == 201
    waiting = create_that_waits(first, "waits", tmp_path)
    damage(first)
    with contextlib.suppress(OSError):  # it may end before it has answered
        assert tsuru_of(first).info("mydb").status == 500
    answer = waiting.result()
    ends_damaged(first)
    assert answer.status == 201
    await_role(second, "active")
    first.start()
    await_role(first, "standby")
    wait_until("it has all", lambda: len(first.ctl("instances", "--json")) == 2)

    damage(first)
    assert tsuru_of(second).create("next", "small").status == 201
    ends_damaged(first)
    first.start()
    second.stop()
    await_role(first, "active")
    assert len(first.ctl("instances", "--json")) == 3
