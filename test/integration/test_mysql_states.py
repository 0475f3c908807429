"""The mysql driver on servers in a state of their own: fenced off, or without an engine that tables have."""

import os

import pytest

from harness import Tsuru, wait_until
from mysql_server import MariaDb
from test_mysql import service

READ_ONLY = "it is read-only (read_only, super_read_only)"
PLANS = "      - {name: small, retain: 0}\n      - {name: later, retain: 1h}\n"
MORE = "    bind_wait: 2s\n"


@pytest.fixture(scope="module")
def server():
    one = MariaDb()
    yield one
    one.close()


@pytest.fixture
def tsuru(start_broker, server):
    before = server.databases(), server.users()
    yield Tsuru(start_broker(service([f"url: '{server.url()}'"], plans=PLANS, wait="2s") + MORE), "mysql", "x")
    wait_until("nothing is left on the server", lambda: (server.databases(), server.users()) == before)


def bind(tsuru):
    """As a user does who is told to repeat it."""
    return wait_until("it is bound", lambda: (answer := tsuru.bind("mydb", "shop")).status == 201 and answer.json)


def error(tsuru, name):
    return tsuru.operations(name)[0].get("error", "")


def test_a_read_only_server_is_left_alone(tsuru, server):
    """By whoever may override that, too: the account has READ_ONLY ADMIN."""
    assert tsuru.create("mydb", "small").status == 201
    env = bind(tsuru)
    before = server.databases(), server.users()
    server.ask("SET GLOBAL read_only = 1")
    try:
        assert tsuru.create("other", "small").status == 201 and tsuru.bind("mydb", "web").status == 503
        assert tsuru.unbind("mydb", "shop").status == 200
        wait_until("it is told", lambda: READ_ONLY in tsuru.why_down("mydb"))
        wait_until("the operation says so", lambda: READ_ONLY in error(tsuru, "other"))
        assert (server.databases(), server.users()) == before
        assert server.as_app(env, "SELECT 1") == ((1,),)
    finally:
        server.ask("SET GLOBAL read_only = 0")
    wait_until("all goes on", lambda: tsuru.is_up("other") and env["MYSQL_USER"] not in server.users())
    assert tsuru.remove("mydb").status == 200 and tsuru.remove("other").status == 200


@pytest.mark.parametrize("plan", ["small", "later"])
def test_a_table_of_an_engine_that_was_unloaded(tsuru, server, plan):
    """DROP DATABASE would forget the table and leave its files, and with them the directory."""
    server.ask("INSTALL SONAME 'ha_archive'")
    assert tsuru.create("mydb", plan).status == 201
    env = bind(tsuru)
    server.as_app(env, "CREATE TABLE kept (a int) ENGINE = ARCHIVE", "INSERT INTO kept VALUES (1)", "CREATE TABLE plain (a int)")
    server.ask("UNINSTALL SONAME 'ha_archive'")
    server.ask("FLUSH TABLES")
    try:
        assert tsuru.update("mydb", "small" if plan == "later" else plan).status == 200 and tsuru.unbind("mydb", "shop").status == 200
        assert tsuru.update("mydb", plan).status == 200
        assert tsuru.remove("mydb").status == 200
        wait_until("the engine is named", lambda: 'the table "kept"' in error(tsuru, "mydb") and "storage engine ARCHIVE" in error(tsuru, "mydb"))
        assert any(name.startswith("kept.frm") for name in os.listdir(os.path.join(server.data, env["MYSQL_DATABASE_NAME"])))
    finally:
        server.ask("INSTALL SONAME 'ha_archive'")
    wait_until("it goes on", lambda: tsuru.info("mydb").status == 404)
    if plan == "later":
        assert tsuru.broker.ctl("undelete", "mydb")
        wait_until("it is back", lambda: tsuru.is_up("mydb"))
        env = bind(tsuru)
        assert server.as_app(env, "SELECT a FROM kept") == ((1,),)
        assert tsuru.update("mydb", "small").status == 200 and tsuru.remove("mydb").status == 200
    wait_until("nothing needs the engine any more", lambda: env["MYSQL_DATABASE_NAME"] not in server.databases())
    server.ask("UNINSTALL SONAME 'ha_archive'")
