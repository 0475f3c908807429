"""What brokers on one store tell of themselves, how the active one hands over, and what is told of their database."""

import calendar
import os
import re
import signal
import subprocess
import time

import pytest

from harness import BROKER, ROOT, TIMEOUT, Broker, scripted_service, wait_until
from replicas import KEY, Later, Replicas, active_and_standby, await_role, held_row, outcome, role, tsuru_of
from test_forward_operators import calls

BEGAN = time.time()


@pytest.fixture(name="site")
def make_site(server, tmp_path):
    made = Replicas(server, tmp_path)
    yield made
    made.close()


@pytest.fixture(name="own_site")
def make_own_site(own_server, tmp_path):
    made = Replicas(own_server, tmp_path)
    yield made
    made.close()


def replicas_of(broker, status=0):
    return {one["name"]: one for one in broker.ctl("replicas", "--json", status=status)["replicas"]}


def told_at(broker):
    """The same while something may still be amiss."""
    return replicas_of(broker, (0, 3))


def names_at(broker):
    answer = broker.admin("/v1/replicas")
    return [one["name"] for one in answer.json["replicas"]] if answer.status == 200 else None


def warnings_of(broker):
    return {one["warning"]: one["reason"] for one in broker.admin("/ready").json["warnings"]}


def metric(broker, name):
    found = re.search("^tsuru_broker_" + re.escape(name) + r" (\S+)$", broker.admin("/metrics").body, re.MULTILINE)
    return float(found[1]) if found else None


def roles_at(broker):
    answer = broker.admin("/v1/replicas")
    return {one["name"]: one["role"] for one in answer.json["replicas"]} if answer.status == 200 else None


def pair(site):
    first, second = active_and_standby(site)
    for broker in (first, second):
        wait_until("it knows of both", lambda broker=broker: names_at(broker) == ["first", "second"])
    return first, second


@pytest.fixture(name="standing", scope="module")
def make_standing(server, tmp_path_factory):
    """For the tests that leave two brokers behind as they found them, or in a state that restore mends: until both know of each other
    takes a telling or two."""
    made = Replicas(server, tmp_path_factory.mktemp("standing"))
    yield made
    made.close()


def restore(site):
    """Two brokers with the usual configuration and key, of which "first" is active, and which know of each other; they have logged nothing."""
    while len(site.brokers) > 2:
        site.brokers.pop().close()
    for name in ("first", "second")[len(site.brokers):]:
        site.broker(name)
    first, second = site.brokers
    for broker in (first, second):
        if broker.process is None:
            broker.start()
    # What those that have gone had told is forgotten at once; those that live tell again.
    site.server.rows("DELETE FROM tsuru_broker.replica", site.database)

    def is_as_usual():
        if role(second) == "active":
            second.ctl("step-down", status=(0, 1, 3))
        told = [broker.admin("/ready").json for broker in (first, second)]
        return all(one["active"] == "first" and not one["warnings"] for one in told) and \
            all(roles_at(broker) == {"first": "active", "second": "standby"} for broker in (first, second))

    wait_until("the first is active, and all is well", is_as_usual)
    for broker in (first, second):
        os.truncate(broker.log_path, 0)  # it is appended to
    return first, second


def step_downs(broker):
    """Of the audit, the newest first."""
    return [one for one in broker.ctl("audit", "--json") if one["action"] == "step-down"]


def test_every_broker_lists_all(standing):
    first, second = restore(standing)
    revision = max(one["revision"] for one in replicas_of(first).values())
    assert tsuru_of(first).create("listed", "small").status == 201
    for broker in (first, second):
        wait_until("all of them have told what is committed",
                   lambda broker=broker: all(one["lag"] == 0 and one["revision"] > revision for one in told_at(broker).values()))
        told = replicas_of(broker)
        assert told["first"]["role"] == "active" and told["second"]["role"] == "standby"
        assert {one["version"] for one in told.values()} == {"0.1.0"} and {one["configuration"] for one in told.values()} == {"same"}
        assert [one["name"] for one in told.values() if one["self"]] == ["first" if broker is first else "second"]
        assert all(one["told_seconds"] < 15 and one["note"] in ("", "this one") for one in told.values())
        since = calendar.timegm(time.strptime(told["second"]["since"][:19], "%Y-%m-%dT%H:%M:%S"))
        assert BEGAN - 1 <= since <= time.time() + 1
    table = second.ctl("replicas").splitlines()
    assert table[0].split() == ["NAME", "ROLE", "SINCE", "REVISION", "LAG", "VERSION", "CONFIGURATION", "TOLD", "NOTE"]
    assert table[1].startswith("first ") and table[2].endswith("this one")
    assert metric(first, 'store_replicas{role="standby"}') == 1 and metric(second, 'store_replicas{role="active"}') == 1
    assert metric(first, "store_lag_seconds") == 0
    wait_until("the standby is not behind", lambda: 0 <= metric(second, "store_lag_seconds") < 5 and metric(second, "store_lag_revisions") == 0)
    assert not warnings_of(first) and not warnings_of(second)

    # Who stops is in no list any more; who was killed is in it, and neither active nor ready to take over.
    second.stop()
    wait_until("it is forgotten", lambda: names_at(first) == ["first"])
    second.start()
    wait_until("it is there again", lambda: names_at(first) == ["first", "second"])
    first.kill()
    await_role(second, "active")
    told = wait_until("it is the active one in its own list", lambda: (told := told_at(second))["second"]["role"] == "active" and told)
    assert told["first"]["role"] == ("deposed" if told["first"]["told_seconds"] < 15 else "gone")
    wait_until("the killed one is gone", lambda: told_at(second)["first"]["role"] == "gone")


def test_a_store_of_ones_own_has_no_replicas(site):
    alone = Broker(scripted_service(site.directory, "x"), environment={"SECRET_KEY": KEY})
    site.brokers.append(alone)
    alone.start()
    assert "no other shares it" in alone.ctl("replicas", status=1)
    assert "nobody can take over" in alone.ctl("step-down", "--force", status=1)
    assert "warnings" not in alone.admin("/ready").json
    assert metric(alone, 'store_replicas{role="active"}') is None and metric(alone, "store_active") == 1


def test_step_down_hands_over(standing):
    first, second = restore(standing)
    assert tsuru_of(first).create("handed", "small").status == 201
    before = len(step_downs(first))
    refused = second.admin("/v1/step-down", "POST", fields={})
    assert refused.status == 503 and '"first"' in refused.message
    assert first.ctl("step-down") == '"second" is the active one now\n'
    await_role(second, "active")
    await_role(first, "standby")
    assert tsuru_of(second).info("handed").status == 200
    audit = step_downs(second)
    assert len(audit) == before + 1 and audit[0]["user"] == "ops" and audit[0]["outcome"] == "done"
    wait_until("the list follows", lambda: roles_at(second) == {"first": "standby", "second": "active"})
    # Who has stepped down takes over from the one who followed, as soon as that one steps down.
    assert second.ctl("step-down", "--json") == {"active": "first"}
    wait_until("the list follows again", lambda: roles_at(first) == {"first": "active", "second": "standby"})
    assert first.ctl("step-down", "--json") == {"active": "second"}


def test_a_drained_server_takes_nothing_new_whoever_is_active(standing):
    """It was drained after the other one had read its configuration."""
    first, second = restore(standing)
    assert first.ctl("drain", "scripted/one") == "done\n"
    wait_until("the standby's metrics tell it", lambda: metric(second, 'server_drained{service="scripted",server="one"}') == 1)
    assert first.ctl("step-down") == '"second" is the active one now\n'
    refused = tsuru_of(second).create("drained", "small")
    assert refused.status == 403 and "drained" in refused.message
    assert second.ctl("services", "--json")["services"][0]["servers"][0]["drained"]
    assert second.ctl("undrain", "scripted/one") == "done\n"
    assert tsuru_of(first).create("drained", "small").status == 201


def test_step_down_with_nobody_to_take_over(site):
    first = site.broker("first")
    await_role(first, "active")
    wait_until("it has read who there is", lambda: names_at(first) == ["first"])
    assert 'no broker stands by to take over from "first"' in first.ctl("step-down", status=1)
    assert len(calls(first, route="step-down", status="422")) > 1  # one that stands by may not have been heard of yet
    assert role(first) == "active"
    assert first.admin("/v1/step-down", "POST", fields={"force": "perhaps"}).status == 400
    assert first.ctl("step-down", "--force", status=3) == '"first" is the active one again: no other took over\n'
    assert [one["text"] for one in step_downs(first)] == ["by force"]


def age(site, seconds):
    """What all have told is older by that; those that live tell again at once."""
    site.server.rows(f"UPDATE tsuru_broker.replica SET told = told - interval '{seconds} s'", site.database)


def test_a_name_is_one_broker_s(site):
    first = site.broker("first")
    await_role(first, "active")
    wait_until("it has told of itself", lambda: names_at(first) == ["first"])
    other = site.broker("first")
    for broker in (first, other):
        wait_until("it is told", lambda broker=broker: '"first"' in warnings_of(broker).get("replica-name-taken", ""))
        assert broker.log().count("event=replica-name-taken") == 1
        listed = broker.ctl("replicas", "--json", status=3)["replicas"]
        assert [one["name_taken"] for one in listed] == [True, True]
    assert "replica-name-taken" in first.ctl("health")
    assert metric(first, 'store_warning{warning="replica-name-taken"}') == 1
    other.kill()
    age(site, 15)
    wait_until("it is not so any more", lambda: "replica-name-taken" not in warnings_of(first))


def test_a_configuration_that_differs_is_told(standing):
    site = standing
    first, second = restore(site)
    same = scripted_service(site.directory, "x")
    other = same.replace("small", "tiny", 1)
    assert other != same
    # What is each one's own does not count.
    second.stop()
    second.write_config(same, limits=site.store("second") + "log: {level: debug}\nlimits: {connections: 100, shutdown: 5s}\n")
    second.start()
    wait_until("it tells of itself again", lambda: "second" in told_at(first))
    time.sleep(4)  # a telling later
    assert not warnings_of(first) and not warnings_of(second)

    assert "event=reloaded" in second.reload(other, limits=site.store("second"))
    assert "audit-not-written" not in second.log()  # a standby has no audit of its own
    for broker in (first, second):
        reason = wait_until("it is told", lambda broker=broker: warnings_of(broker).get("configuration-differs"))
        assert reason == '"second": not the configuration of the active broker, "first"'
        assert broker.log().count("event=configuration-differs") == 1
        told = replicas_of(broker, status=3)
        assert told["first"]["configuration"] == "same" and told["second"]["configuration"] == "differs"
    assert metric(first, 'store_warning{warning="configuration-differs"}') == 1
    time.sleep(4)
    assert first.log().count("event=configuration-differs") == 1  # once per change

    # Neither the hash nor anything else of the table tells a password.
    rows = str(site.server.rows("SELECT * FROM tsuru_broker.replica", database=site.database))
    assert "second" in rows and "sekret" not in rows
    second.reload(same, limits=site.store("second"))
    for broker in (first, second):
        wait_until("it agrees again", lambda broker=broker: not warnings_of(broker))


def test_another_password_is_another_configuration(standing):
    site = standing
    first, second = restore(site)
    services = scripted_service(site.directory, "x")
    assert "password: x" in services or re.search(r"password: *\S+", services)
    second.reload(re.sub(r"password: *[^,\s}]+", "password: another", services, count=1), limits=site.store("second"))
    wait_until("it is told", lambda: "configuration-differs" in warnings_of(first))
    second.reload(services, limits=site.store("second"))


def test_who_lacks_the_master_key_does_not_stand_by(standing, tmp_path):
    """It could not take over."""
    site = standing
    first, second = restore(site)
    services = scripted_service(site.directory, "x")
    (tmp_path / "key").write_text("fedcba9876543210" * 4 + "\n", encoding="ascii")
    (tmp_path / "key").chmod(0o600)
    said = second.reload(services, limits=site.store("second") + f"secret_key_file: {tmp_path}/key\n")
    assert "event=reload-failed" in said and "another master key" in said
    second.stop()
    second.write_config(services, limits=site.store("second"))
    second.environment["SECRET_KEY"] = "fedcba9876543210" * 4
    try:
        second.start()
        assert wait_until("it ends", second.process.poll) == 1
        assert "another master key" in second.log()
    finally:
        second.kill()
        second.environment["SECRET_KEY"] = KEY
    assert role(first) == "active"


def stream(server, directory):
    """Somebody who reads the server's log, as an asynchronous standby does."""
    path = os.path.join(server.directory, "stream")
    os.mkdir(path, 0o755)
    if os.getuid() == 0:
        os.chown(path, os.stat(server.data).st_uid, os.stat(server.data).st_gid)
    command = [os.path.join(server.bin, "pg_receivewal"), "--synchronous", "-D", path, "-d", server.url()]
    if os.getuid() == 0:
        command = ["runuser", "-u", "postgres", "--", *command]
    with open(directory / "stream.log", "wb") as log:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)


def ask_again(site):
    """It asks each hour, and with each new connection."""
    site.server.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ~ 'tsuru_broker.replica|pg_stat_replication'"
                     f" AND datname = '{site.database}'")


AGAIN = 10  # s; a connection that was about something else at that moment is not met


def await_asked(site, what, condition):
    """Has it asked now and then."""
    asked = None

    def try_once():
        nonlocal asked
        if asked is None or time.monotonic() > asked + AGAIN:
            ask_again(site)
            asked = time.monotonic()
        return condition()

    return wait_until(what, try_once)


def test_a_database_without_a_synchronous_standby_is_told(own_site, tmp_path):
    """By a role that owns its database and nothing else."""
    server = own_site.server
    first, second = pair(own_site)
    assert "no-synchronous-standby" not in warnings_of(first)  # it has no standby at all
    reader = stream(server, tmp_path)
    try:
        wait_until("the reader is there", lambda: server.rows("SELECT count(*) FROM pg_stat_replication")[0][0] == 1)
        reason = await_asked(own_site, "it is told", lambda: warnings_of(first).get("no-synchronous-standby"))
        assert "synchronous_standby_names" in reason and "no-synchronous-standby" not in warnings_of(second)
        assert first.log().count("event=no-synchronous-standby") == 1 and "event=no-synchronous-standby" not in second.log()
        assert metric(first, 'store_warning{warning="no-synchronous-standby"}') == 1
        assert "no-synchronous-standby" in first.ctl("health")
        # Whoever becomes the active one looks, too.
        first.ctl("step-down")
        wait_until("the next one tells it", lambda: "no-synchronous-standby" in warnings_of(second))
        wait_until("the former one does not", lambda: "no-synchronous-standby" not in warnings_of(first))
        # One that commits wait for is all right.
        server.rows("ALTER SYSTEM SET synchronous_standby_names = 'pg_receivewal'")
        server.rows("SELECT pg_reload_conf()")
        await_asked(own_site, "it is well", lambda: "no-synchronous-standby" not in warnings_of(second))
    finally:
        server.rows("ALTER SYSTEM RESET synchronous_standby_names")
        server.rows("SELECT pg_reload_conf()")
        os.killpg(reader.pid, signal.SIGKILL)
        reader.wait(TIMEOUT)


def check_store(broker, status=0):
    """What store check prints, line by line; with another status than 0 or findings, its complaint."""
    done = subprocess.run([BROKER, "store", "check", "-c", broker.config], capture_output=True, text=True, timeout=TIMEOUT, check=False,
                          env=broker.environment)
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    return done.stdout.splitlines() or done.stderr.splitlines()


def fill(broker):
    tsuru = tsuru_of(broker)
    for name in ("mydb", "other", "third"):
        assert tsuru.create(name, "small").status == 201
    assert tsuru.bind("mydb", "shop", event="e1").status == 201
    assert tsuru.bind("other", "shop", event="e2").status == 201
    assert tsuru.unbind("other", "shop").status == 200
    assert tsuru.remove("third").status == 200


def test_store_check_of_a_shared_store(site):
    first, _ = pair(site)
    fill(first)
    said = check_store(first)  # while they run
    assert len(said) == 2 and re.search(r"\b2 names, 2 instances, 1 binds, \d+ operations, 0 pending\b", said[0]) and said[1].endswith("0 findings")
    stopped = site.broker("third")
    stopped.stop()

    def sql(statement):
        site.server.rows(statement, database=site.database)

    def finds(statement, back, *expected):
        """Exactly these findings come of the statement, and none after it was undone."""
        sql(statement)
        found = check_store(stopped, 1)
        lines = [line for line in found if not re.search(r"records, \d+ findings$|^\d+ names", line)]
        assert len(lines) == len(expected), found
        for one in expected:
            assert any(re.search(one, line) for line in lines), (one, found)
        sql(back)
        assert check_store(stopped)[-1].endswith("0 findings")

    for broker in site.brokers:
        broker.stop()
    user = site.database
    finds(f"REVOKE UPDATE ON tsuru_broker.head FROM {user}", f"GRANT UPDATE ON tsuru_broker.head TO {user}",
          f'^the role "{user}" lacks UPDATE on the table "tsuru_broker.head"$')
    finds(f"REVOKE DELETE ON tsuru_broker.log, tsuru_broker.record FROM {user}", f"GRANT DELETE ON tsuru_broker.log, tsuru_broker.record TO {user}",
          'lacks DELETE on the table "tsuru_broker.log"', 'lacks DELETE on the table "tsuru_broker.record"')
    finds(f"REVOKE USAGE ON SCHEMA tsuru_broker FROM {user}", f"GRANT USAGE ON SCHEMA tsuru_broker TO {user}", "lacks USAGE on the schema")
    finds("ALTER TABLE tsuru_broker.log RENAME TO hidden", "ALTER TABLE tsuru_broker.hidden RENAME TO log", '^there is no table "tsuru_broker.log"$')
    finds("UPDATE tsuru_broker.head SET format = format + 1000", "UPDATE tsuru_broker.head SET format = format - 1000", "their format is 10")
    finds("UPDATE tsuru_broker.pulse SET epoch = epoch + 1", "UPDATE tsuru_broker.pulse SET epoch = epoch - 1", "has the epoch")
    finds("UPDATE tsuru_broker.head SET last_group = decode(repeat('00', 16), 'hex'), active = encode(last_group, 'hex')",
          "UPDATE tsuru_broker.head SET last_group = decode(active, 'hex'), active = ''", "the last group of the log")
    finds("UPDATE tsuru_broker.log SET follows = follows - 1 WHERE revision = (SELECT max(revision) FROM tsuru_broker.log)",
          "UPDATE tsuru_broker.log SET follows = follows + 1 WHERE revision = (SELECT max(revision) FROM tsuru_broker.log)", "does not follow the one before")
    finds("UPDATE tsuru_broker.record SET revision = revision + 1000000 WHERE keyspace = 'names'",
          "UPDATE tsuru_broker.record SET revision = revision - 1000000 WHERE keyspace = 'names'", "^2 records have a revision that is after the head's")

    # Records.
    kept = "CREATE TABLE public.kept AS SELECT * FROM tsuru_broker.record; "
    back = "DELETE FROM tsuru_broker.record; INSERT INTO tsuru_broker.record SELECT * FROM public.kept; DROP TABLE public.kept"
    finds(kept + "UPDATE tsuru_broker.record SET content = '\\x07' WHERE keyspace = 'instances' AND revision = (SELECT max(revision) FROM tsuru_broker.record WHERE keyspace = 'instances')",
          back, '^"[0-9a-f]{16}" of "instances": ')
    finds(kept + "DELETE FROM tsuru_broker.record WHERE keyspace = 'instances' AND key = (SELECT content FROM tsuru_broker.record"
          " WHERE keyspace = 'names' AND encode(key, 'escape') LIKE '%mydb')", back,
          "^a name leads to an instance that is not there", "^a bind is of an instance", "^an operation is of an instance")
    finds(kept + "INSERT INTO tsuru_broker.record VALUES ('pending', repeat('0', 20)::bytea, 1, repeat('1', 16)::bytea)", back,
          "^the list of operations that are taken up has one that is not there")
    finds(kept + "INSERT INTO tsuru_broker.record VALUES ('retained', repeat('2', 40)::bytea, 1, ''::bytea)", back,
          "^an instance that is not there is retained")
    sql("INSERT INTO tsuru_broker.record VALUES ('nonsense', '1', 1, '1')")
    assert "no tsuru-broker has written" in check_store(stopped, 1)[-1]
    sql("DROP SCHEMA tsuru_broker CASCADE")
    assert check_store(stopped, 1)[0] == 'there is no schema "tsuru_broker": the first broker makes it'
    assert site.server.rows("SELECT count(*) FROM pg_namespace WHERE nspname = 'tsuru_broker'", database=site.database) == [(0,)]  # nothing was made


def test_store_check_without_an_answer(site):
    first = site.broker("first")
    first.stop()
    first.write_config(scripted_service(site.directory, "x"),
                       limits="store: {postgres: 'postgres://nobody:x@127.0.0.1:1/none', name: first, lease: 2s}\n")
    assert re.fullmatch(r"tsuru-broker: the store's PostgreSQL cannot be reached: .*", check_store(first, 1)[0])


def test_store_check_of_a_store_of_ones_own(site, tmp_path):
    (tmp_path / "rules").write_text("provision hang\n", encoding="ascii")
    alone = Broker(scripted_service(site.directory, "x", more="    attempt_timeout: 1s\n"), environment={"SECRET_KEY": KEY})
    site.brokers.append(alone)
    alone.start()
    asked = Later(lambda: outcome(lambda: tsuru_of(alone).create("slow", "small")))
    wait_until("it is accepted", lambda: tsuru_of(alone).status("slow").status == 202)
    said = check_store(alone)  # while it runs
    assert "1 names, 1 instances" in said[0] and "1 operations, 1 pending" in said[0]
    (tmp_path / "rules").write_text("", encoding="ascii")
    wait_until("the create is done", lambda: tsuru_of(alone).is_up("slow"))
    assert asked.result() == 201
    fill(alone)
    said = check_store(alone)
    assert "3 names, 3 instances, 1 binds" in said[0] and "0 pending" in said[0] and said[1].endswith("0 findings")
    alone.stop()
    assert check_store(alone) == said
    alone.write_config(scripted_service(site.directory, "x"), limits="")
    os.rename(alone.data, alone.data + "-away")
    assert "cannot be read" in check_store(alone, 1)[0]
    os.rename(alone.data + "-away", alone.data)


TROJAN = """
CREATE TABLE public.caught (who name); GRANT INSERT ON public.caught TO PUBLIC;
CREATE FUNCTION public.trojan(numeric, integer) RETURNS numeric LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO public.caught VALUES (current_user); RETURN $1 OPERATOR(pg_catalog.*) $2::numeric; END $$;
CREATE OPERATOR public.* (LEFTARG = numeric, RIGHTARG = integer, FUNCTION = public.trojan)"""


def test_nothing_of_another_role_s_runs_as_the_brokers(standing, server):
    """Before PostgreSQL 15 everybody may make things in "public"."""
    restore(standing)
    server.rows(TROJAN, standing.database)
    try:
        time.sleep(4)  # each tells of itself, and lists all, every 3 s
        third = standing.broker("third")
        wait_until("a new one has listed all", lambda: names_at(third) == ["first", "second", "third"])
        assert server.rows("SELECT * FROM public.caught", standing.database) == []
    finally:
        server.rows("DROP FUNCTION public.trojan CASCADE; DROP TABLE public.caught", standing.database)


# As where the server's queue of notices is full, which whoever listens in an open transaction in any database can bring about.
FULL = """CREATE FUNCTION public.full_queue() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF current_query() LIKE '%pg_notify%' THEN
    RAISE 'too many notifications in the NOTIFY queue' USING ERRCODE = 'program_limit_exceeded';
  END IF;
  RETURN NULL; END $$;
CREATE TRIGGER full_queue AFTER UPDATE ON tsuru_broker.head FOR EACH ROW EXECUTE FUNCTION public.full_queue()"""


def test_a_server_that_takes_no_notices(standing, server):
    first, second = restore(standing)
    server.rows(FULL, standing.database)
    try:
        assert tsuru_of(first).create("unnoticed", "small").status == 201
        assert tsuru_of(second).bind("unnoticed", "shop").status == 201
        first.kill()
        await_role(second, "active")
        assert tsuru_of(second).unbind("unnoticed", "shop").status == 200
        third = standing.broker("third")
        wait_until("the new one is known", lambda: names_at(second) is not None and "third" in names_at(second))
        second.ctl("step-down", "--json")
        await_role(third, "active")
    finally:
        server.rows("DROP FUNCTION public.full_queue CASCADE", standing.database)


def test_a_standby_reads_its_configuration_again_after_it_has_answered_by_itself(own_site):
    """What it remembers of an instance that it was asked about is of the configuration before."""
    first, second = pair(own_site)
    assert tsuru_of(first).create("mydb", "small").status == 201
    wait_until("it follows", lambda: [one["name"] for one in second.ctl("instances", "--json")] == ["mydb"])
    own_site.server.stop()
    wait_until("it answers by itself", lambda: tsuru_of(second).info("mydb").headers["Age"] is not None)
    said = second.reload(scripted_service(own_site.directory, "x"), limits=own_site.store("second") + "limits: {history: 30}\n")
    assert "event=reloaded" in said
    first.kill()
    own_site.server.start()
    await_role(second, "active")
    assert tsuru_of(second).update("mydb", "large").status == 200
    assert tsuru_of(second).described("mydb")["Plan in force"] == "large"


def test_a_request_waits_for_a_service_that_goes(site):
    """It was read under the configuration before, and is this broker's to do under the next."""
    first, second = active_and_standby(site, service="    wait: 60s\n    bind_wait: 60s\n")
    assert tsuru_of(first).create("mydb", "small").status == 201
    wait_until("the standby has it", lambda: [one["name"] for one in second.ctl("instances", "--json")] == ["mydb"])
    with held_row(site):  # nobody takes over before the reload
        first.kill()
        tsuru = tsuru_of(second)
        asked = [Later(ask) for ask in (lambda: tsuru.create("other", "small"), lambda: tsuru.bind("mydb", "shop"), lambda: tsuru.remove("mydb"))]
        wait_until("all wait", lambda: metric(second, 'forwarded_held{listener="service"}') == 3)
        assert "event=reloaded" in second.reload(scripted_service(site.directory, "x", "another"), limits=site.store("second"))
    for one in asked:
        answer = one.result()
        assert answer.status == 503 and "was taken out of the broker's configuration" in answer.message, answer
    assert role(second) == "active" and second.process.poll() is None


def test_no_other_login_gets_into_the_database(server):
    """What the manual has typed; without its last statement the login gets in."""
    with open(os.path.join(ROOT, "docs", "replicas.md"), encoding="utf-8") as file:
        statements = re.findall(r"^   ((?:CREATE|REVOKE) [^;]*);", file.read(), re.MULTILINE)
    assert len(statements) == 3
    server.rows("CREATE ROLE somebody LOGIN PASSWORD 'sekret'")
    try:
        for statement in statements:
            server.rows(statement)
        for user, wanted in (("tsuru_broker_store", 0), ("somebody", 2)):
            url = f"postgres://{user}:sekret@127.0.0.1:{server.port}/tsuru_broker_store"
            ended = subprocess.run([os.path.join(server.bin, "psql"), url, "-c", "NOTIFY tsuru_broker"], capture_output=True,
                                   text=True, timeout=TIMEOUT, check=False)
            assert ended.returncode == wanted, ended
        assert "permission denied for database" in ended.stderr
    finally:
        server.rows("DROP DATABASE IF EXISTS tsuru_broker_store")
        for name in ("tsuru_broker_store", "somebody"):
            server.rows(f"DROP ROLE IF EXISTS {name}")
