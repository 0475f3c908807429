"""What the broker gives up ends on the server, too: by limits that the server keeps, and by another session that ends it.
Who holds what a call needs is named after a second, and the server's own count of sessions is what the broker believes."""

import contextlib
import http.client
import os
import re
import signal
import threading
import time

import psycopg2
import pytest

from harness import TIMEOUT, Postgres, Tsuru, postgres_service, wait_until
from proxy import GONE, Fault, Proxy

PLANS = """      - {name: small, description: a, retain: 0}
      - {name: copied, description: b, retain: 0, template: model}
"""
OURS = "FROM pg_stat_activity WHERE application_name LIKE 'tsuru-broker%'"
COPYING = OURS + " AND state = 'active' AND query LIKE 'CREATE DATABASE%'"
# A session that leaves its database 2 s after somebody has begun to copy it. The server waits 5 s for it: it is the server's own
# clock that says when, not a test that may be late.
LEAVES_LATE = f"""DO $$ BEGIN
  LOOP
    PERFORM pg_stat_clear_snapshot();
    EXIT WHEN EXISTS (SELECT 1 {COPYING});
    PERFORM pg_sleep(0.01);
  END LOOP;
  PERFORM pg_sleep(2);
  PERFORM pg_terminate_backend(pg_backend_pid());
END $$"""


@pytest.fixture(scope="module", name="kept")
def fixture_kept():
    server = Postgres()
    server.rows("CREATE DATABASE model")
    yield server
    server.close()


@pytest.fixture(name="proxy")
def fixture_proxy(kept):
    proxy = Proxy(kept.port)
    yield proxy
    proxy.close()


def service(server, more="", port=None):
    text = postgres_service(server, "x", plans=PLANS, more=more)
    return text if port is None else text.replace(f"127.0.0.1:{server.port}", f"127.0.0.1:{port}")


@contextlib.contextmanager
def session(server, database="postgres", user="admin", password=None, name="nightly"):
    connection = psycopg2.connect(host="127.0.0.1", port=server.port, dbname=database, user=user,
                                  password=password or server.password, application_name=name, connect_timeout=20)
    try:
        yield connection
    finally:
        connection.close()


def app_session(server, env):
    return session(server, env["PG_DATABASE"], env["PG_USER"], env["PG_PASSWORD"])


def hold_up_readers(holder, env):
    """The app has a table that readers cannot read, and has not ended a transaction that changes that."""
    reader = env["PG_DATABASE"] + "_r"
    cursor = holder.cursor()
    cursor.execute(f"CREATE TABLE things (a int); REVOKE SELECT ON things FROM {reader}")
    holder.commit()
    cursor.execute(f"GRANT SELECT ON things TO {reader}")


def version(server):
    return int(server.rows("SHOW server_version_num")[0][0]) // 10000


def log_of(server, begin=0):
    with open(server.log, encoding="utf-8", errors="replace") as file:
        file.seek(begin)
        return file.read()


def sessions(server):
    return server.rows("SELECT count(*) " + OURS)[0][0]


def sides(broker):
    """The two counts of the last check."""
    found = re.findall(r'tsuru_broker_server_sessions{.*side="(\w+)"} (\d+)', broker.admin("/metrics").body)
    return {side: int(count) for side, count in found}


def agree(server, broker):
    """The server has what the broker believes: nothing was left behind."""
    def same():
        both = sides(broker)
        return both and both["server"] <= both["broker"] and sessions(server) <= both["broker"]

    wait_until("the server's sessions are those of the broker", same)


def failed(broker, instance):
    """What the last attempt of the pending operation said."""
    found = [one for one in broker.ctl("operations", "--json") if one["instance"] == instance]
    return found[0].get("error") or "" if found else ""


def said_of_failure(broker, instance, text):
    """The word of the last attempt that failed, once it has the text: on a busy machine one may fail for something else first."""
    return wait_until(f"an attempt was given up, and says {text!r}", lambda: (
        lambda told: told if text in told else None)(failed(broker, instance)))


def attempts(broker, outcome="may-pass"):
    found = re.search(rf'tsuru_broker_attempts_total{{.*outcome="{outcome}"}} (\d+)', broker.admin("/metrics").body)
    return int(found[1]) if found else 0


def in_background(work, *arguments, **named):
    thread = threading.Thread(target=work, args=arguments, kwargs=named, daemon=True)
    thread.start()
    return thread


def create_unheard(tsuru, name, plan):
    with contextlib.suppress(OSError, http.client.HTTPException):
        tsuru.create(name, plan)


def leave_late(server):
    with contextlib.suppress(psycopg2.Error):
        server.rows(LEAVES_LATE, "model")


def stop_copying(server, cursor):
    """Stops the session that copies a database, where it has more than 2 s left until the server gives that up, and gives its
    process; None where there is none. The cursor's session is there already: a new one might need what the stopped one holds."""
    for (pid,) in server.rows("SELECT pid " + COPYING):
        os.kill(pid, signal.SIGSTOP)
        cursor.execute(f"SELECT 1 {COPYING} AND pid = {pid} AND clock_timestamp() - query_start < interval '2.5s'")
        if cursor.fetchall():
            return pid
        os.kill(pid, signal.SIGCONT)
    return None


# ---- attempts that time out ----

def test_attempts_that_time_out_leave_no_session(kept, start_broker):
    """A tenant holds a row, and every attempt to let an app read it is given up: they pile up nowhere."""
    broker = start_broker(service(kept))
    tsuru = Tsuru(broker, "postgres", "x")
    names = [f"pile{i}" for i in range(4)]
    with contextlib.ExitStack() as stack:
        for name in names:
            assert tsuru.create(name).status == 201
            env = tsuru.bind(name, "owner").json
            hold_up_readers(stack.enter_context(app_session(kept, env)), env)
        # Only now: to make a database takes a busy machine longer.
        broker.reload(service(kept, more="    attempt_timeout: 1s\n    bind_wait: 1s\n"))
        for name in names:
            in_background(tsuru.bind, name, "reader", parameters={"read_only": True})
        most = 0

        def tried():
            nonlocal most
            most = max(most, sessions(kept))
            return attempts(broker) >= 20

        wait_until("many attempts were given up", tried, timeout=180)
        # At most a session of each kind for every place of the server, the check's, and who asks or ends.
        assert most <= 4 * 2 + 3, most
        broker.reload(service(kept))
    for name in names:
        wait_until("the bind is done", lambda name=name: tsuru.bind(name, "reader", parameters={"read_only": True}).status == 201)
    agree(kept, broker)
    for name in names:
        assert tsuru.remove(name).status == 200


def test_a_session_that_hears_nothing_is_ended(own_server, start_broker):
    """The network lost a connection and tells neither side: the server's end would live on, with the instance's lock."""
    with contextlib.closing(Proxy(own_server.port)) as proxy:
        broker = start_broker(service(own_server, more="    attempt_timeout: 3s\n", port=proxy.port))
        tsuru = Tsuru(broker, "postgres", "x")
        assert tsuru.create("lost").status == 201
        for words in (b"pg_advisory_lock", b"SELECT EXISTS", b"pg_is_in_recovery"):
            hits, begin = proxy.hits, len(log_of(own_server))
            proxy.fault = Fault(GONE, at=words)
            thread = in_background(tsuru.bind, "lost", "app")
            wait_until("a connection was lost", lambda hits=hits: proxy.hits > hits)
            proxy.fault = None
            wait_until("the server was told to end it",
                       lambda begin=begin: "terminating connection due to administrator command" in log_of(own_server, begin))
            thread.join()
            agree(own_server, broker)
        wait_until("the bind is done", lambda: tsuru.bind("lost", "app").status == 201)
        assert tsuru.remove("lost").status == 200
        broker.stop()


@pytest.mark.parametrize("kind", ["half-open", "lost-hang", "reset", "close"])
def test_the_count_comes_down_after_a_fault(kept, proxy, start_broker, kind):
    """Work goes on through a network that fails, a broker is killed in its middle, and the next one finds nothing left."""
    more = "    attempt_timeout: 3s\n    bind_wait: 5s\n    wait: 5s\n"
    broker = start_broker(service(kept, more=more, port=proxy.port))
    tsuru = Tsuru(broker, "postgres", "x")
    names = [f"{kind}{i}" for i in range(3)]
    threads = [in_background(create_unheard, tsuru, name, "small") for name in names]
    for after in (0, 2):
        hits = proxy.hits
        proxy.fault = Fault(kind, after=after)
        wait_until("a connection was hit", lambda hits=hits: proxy.hits > hits)
        proxy.fault = None
    agree(kept, broker)
    broker.kill()
    broker.start()
    for thread in threads:
        thread.join()
    for name in names:
        wait_until("it is there", lambda name=name: tsuru.create(name, "small").status in (201, 409))
        wait_until("it is up", lambda name=name: tsuru.is_up(name))
    agree(kept, broker)
    for name in names:
        assert tsuru.remove(name).status == 200
        wait_until("it is removed", lambda name=name: tsuru.info(name).status == 404)


def test_a_statement_ends_before_its_attempt(kept, start_broker):
    """The server itself gives it up: no connection is lost, and its own word is told."""
    broker = start_broker(service(kept, more="    attempt_timeout: 3s\n"))
    tsuru = Tsuru(broker, "postgres", "x")
    with session(kept, "model"):
        thread = in_background(tsuru.create, "short", "copied")
        wait_until("an attempt ended by the server's limit", lambda: "57014" in failed(broker, "short"))
    thread.join()
    wait_until("the instance is up", lambda: tsuru.is_up("short"))
    assert tsuru.remove("short").status == 200


def test_a_drop_that_was_cut_off_is_done_again(kept, start_broker):
    """The server then takes nothing for the database but another DROP."""
    broker = start_broker(service(kept))
    tsuru = Tsuru(broker, "postgres", "x")
    assert tsuru.create("dropped").status == 201
    name = tsuru.bind("dropped", "app").json["PG_DATABASE"]
    kept.rows(f"UPDATE pg_database SET datconnlimit = -2 WHERE datname = '{name}'")
    assert tsuru.remove("dropped").status == 200
    wait_until("it is removed", lambda: tsuru.info("dropped").status == 404)
    assert name not in kept.databases()


# ---- a broker that is gone ----

def test_statements_end_with_the_broker(kept, start_broker):
    """kill -9 in the middle of a statement that takes 5 s on the server: it does not go on there, and the next start does
    what was promised."""
    if version(kept) < 14:
        pytest.skip("before 14 the server does not look for its client")
    broker = start_broker(service(kept))
    tsuru = Tsuru(broker, "postgres", "x")
    with session(kept, "model") as holder:
        holder.autocommit = True
        cursor = holder.cursor()
        in_background(create_unheard, tsuru, "copy", "copied")
        copying = wait_until("the database is being copied", lambda: stop_copying(kept, cursor))
        begin = len(log_of(kept))
        broker.kill()
        os.kill(copying, signal.SIGCONT)
        wait_until("no session of it is left", lambda: sessions(kept) == 0)
    log = log_of(kept, begin)
    assert "connection to client lost" in log and "is being accessed by other users" not in log
    broker.start()
    wait_until("the instance is up", lambda: tsuru.is_up("copy"))
    agree(kept, broker)
    assert tsuru.remove("copy").status == 200


def test_sessions_of_an_earlier_broker_are_told(kept, start_broker):
    broker = start_broker(service(kept))
    tsuru = Tsuru(broker, "postgres", "x")
    assert tsuru.create("one").status == 201
    # Those of the brokers before may end a moment after them.
    [(name,)] = wait_until("only its own sessions are left", lambda: (
        lambda names: names if len(names) == 1 else None)(kept.rows("SELECT DISTINCT application_name " + OURS)))
    assert re.fullmatch("tsuru-broker [0-9a-f]{8} postgres", name)

    def warning():
        return broker.ctl("health", "--json")["servers"][0].get("warning") or ""

    with session(kept, name=name):
        wait_until("health tells it", lambda: "still has 1 session that the broker gave up" in warning())
        wait_until("the counts tell it, too", lambda: (lambda both: both["server"] == both["broker"] + 1)(sides(broker)))
    wait_until("it is told no more", lambda: "still has" not in warning())
    agree(kept, broker)
    assert tsuru.remove("one").status == 200


# ---- locks ----

def test_who_holds_a_row_is_named(kept, start_broker):
    """Whatever the tenant's database says of limits, the wait ends after a second, and says for whom it waited."""
    broker = start_broker(service(kept, more="    attempt_timeout: 10m\n"))
    tsuru = Tsuru(broker, "postgres", "x")
    assert tsuru.create("locked").status == 201
    env = tsuru.bind("locked", "owner").json
    limits = ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "client_connection_check_interval"]
    for limit in limits if version(kept) >= 14 else limits[:3]:
        kept.as_app(env, f"ALTER DATABASE {env['PG_DATABASE']} SET {limit} TO 0")
    with app_session(kept, env) as holder:
        hold_up_readers(holder, env)
        begin = time.monotonic()
        thread = in_background(tsuru.bind, "locked", "reader", parameters={"read_only": True})
        message = said_of_failure(broker, "locked", "it waits for a row of pg_class")
        # Far below the attempt's ten minutes.
        assert time.monotonic() - begin < 120
        assert f'it waits for a row of pg_class, held by "nightly" of {env["PG_USER"]}' in message, message
        assert "55P03" in message
    thread.join()
    wait_until("the bind is done", lambda: tsuru.bind("locked", "reader", parameters={"read_only": True}).status == 201)
    assert tsuru.remove("locked").status == 200


def test_who_holds_the_instance_is_named(own_server, start_broker):
    """A superuser is inside the broker's own database, which a plain role cannot end."""
    own_server.rows("CREATE ROLE plain LOGIN CREATEDB CREATEROLE PASSWORD 'plain'")
    broker = start_broker(service(own_server).replace(f"admin:{own_server.password}", "plain:plain"))
    tsuru = Tsuru(broker, "postgres", "x")
    assert tsuru.create("held").status == 201
    with session(own_server, "tsuru_broker", name="psql") as holder:
        cursor = holder.cursor()
        with open(own_server.log, encoding="utf-8", errors="replace") as file:
            numbers = set(re.findall(r"SELECT pg_advisory_lock\((\d+)\)", file.read()))
        for number in numbers:
            cursor.execute(f"SELECT pg_advisory_lock({number})")
        thread = in_background(tsuru.bind, "held", "app")
        said_of_failure(broker, "held", 'the lock on the instance is held by "psql" of admin')
    thread.join()
    wait_until("the bind is done", lambda: tsuru.bind("held", "app").status == 201)
    assert tsuru.remove("held").status == 200


# ---- what may take long ----

def test_a_long_statement_has_the_whole_attempt(kept, start_broker):
    """A copy that waits for those who are in its template, and is done by the first attempt."""
    broker = start_broker(service(kept))
    tsuru = Tsuru(broker, "postgres", "x")
    leaving = in_background(leave_late, kept)
    wait_until("somebody is in the template", lambda: kept.rows("SELECT 1 FROM pg_stat_activity WHERE datname = 'model' AND query LIKE 'DO %'"))
    assert tsuru.create("long", "copied").status == 201
    leaving.join(TIMEOUT)  # it saw the copy, and was there for another 2 s
    assert not leaving.is_alive()
    wait_until("the instance is up", lambda: tsuru.is_up("long"))
    assert attempts(broker) == 0
    assert tsuru.remove("long").status == 200
