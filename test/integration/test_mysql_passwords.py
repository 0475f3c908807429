"""The mysql driver on a MariaDB that looks at passwords: what it is shown, by which way, and where nothing of it stays."""

import glob
import os
import re
import string

import pytest

from harness import NO_PASS, Tsuru, await_mended, wait_until
from mysql_server import MariaDb
from test_mysql import ROOT, service
from test_tls import make_certificate

PASSWORD = "aA1-sekret"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("tls"), "db.example.com")


@pytest.fixture(scope="module")
def server(certificate):
    """Its broker has the rights that the manual names."""
    one = MariaDb(tls=certificate, options=("--plugin-load-add=simple_password_check", "--log-bin=changes", "--server-id=1",
                                            "--general-log=1", "--general-log-file=statements"))
    with open(os.path.join(ROOT, "docs", "drivers", "mysql.md"), encoding="utf-8") as file:
        statements = re.search(r"```sql\n-- MariaDB\n(.*?)```", file.read(), re.S).group(1).split(";\n")
    for statement in filter(str.strip, statements):
        one.ask(statement.replace("...", PASSWORD))
    yield one
    one.close()


def url(server, host="127.0.0.1"):
    return f"url: 'mysql://tsuru_broker:{PASSWORD}@{host}:{server.port}'"


@pytest.fixture
def broker(start_broker, server):
    return start_broker(service([url(server)]), limits=NO_PASS)


@pytest.fixture
def tsuru(broker, server):
    before = server.databases(), server.users()
    yield Tsuru(broker, "mysql", "x")
    wait_until("nothing is left on the server", lambda: (server.databases(), server.users()) == before)


def written(server, names):
    text = b""
    for path in glob.glob(os.path.join(server.data, names)):
        with open(path, "rb") as file:
            text += file.read()
    return text.decode("utf-8", "replace")


def is_as_it_should_be(broker):
    return broker.ctl("verify", "mysql/mydb", "--json", status=(0, 3))["drift"] == []


def rotate(tsuru, server, old):
    """The password that the app has after it."""
    assert tsuru.send("POST", "/resources/mydb/rotate", {"app-name": "shop"}).status == 202
    wait_until("it is rotated", lambda: next(one["state"] for one in tsuru.operations("mydb") if one["kind"] == "rotate") == "done")
    env = tsuru.bind("mydb", "shop").json
    assert env["MYSQL_PASSWORD"] != old["MYSQL_PASSWORD"] and server.as_app(env, "SELECT 1") == ((1,),)
    return env


def test_it_is_shown_the_password_and_its_binary_log_is_not(tsuru, broker, server):
    assert tsuru.create("mydb", "small").status == 201
    answer = tsuru.bind("mydb", "shop")
    assert answer.status == 201, answer
    env = answer.json
    user, password = env["MYSQL_USER"], env["MYSQL_PASSWORD"]
    for letters in (string.ascii_uppercase, string.ascii_lowercase, string.digits, string.punctuation):
        assert len(set(letters) & set(password)) > 0
    assert f":{password}@" in env["DATABASE_URL"]
    assert server.as_app(env, "SELECT 1") == ((1,),)
    for harm in (f"DROP USER '{user}'@'%'", f"ALTER USER '{user}'@'%' ACCOUNT LOCK", f"ALTER USER '{user}'@'%' IDENTIFIED BY 'bB2-other'"):
        server.ask(harm)
        assert not is_as_it_should_be(broker)
        await_mended(broker, "mysql/mydb")
        assert server.as_app(env, "SELECT 1") == ((1,),)
    other = rotate(tsuru, server, env)
    assert f"PASSWORD('{password}')" in written(server, "statements")
    changes = written(server, "changes.0*")
    assert "SET PASSWORD FOR" in changes and user in changes
    for secret in (password, other["MYSQL_PASSWORD"]):
        assert secret not in changes and secret not in broker.log()
    assert tsuru.remove("mydb").status == 200


def test_it_may_begin_to_look_while_sessions_are_open(tsuru, server):
    server.ask("UNINSTALL SONAME 'simple_password_check'")
    try:
        tsuru.create("mydb", "small")
        first = tsuru.bind("mydb", "first").json
        assert first["MYSQL_PASSWORD"] not in written(server, "statements")
        server.ask("INSTALL SONAME 'simple_password_check'")
        second = tsuru.bind("mydb", "second").json
        for env in first, second:
            assert server.as_app(env, "SELECT 1") == ((1,),)
        assert tsuru.update("mydb", "large").status == 200 and tsuru.update("mydb", "small").status == 200
        assert tsuru.unbind("mydb", "first").status == 200
        server.ask("SET GLOBAL strict_password_validation = OFF")
        third = tsuru.bind("mydb", "third").json
        assert server.as_app(third, "SELECT 1") == ((1,),) and third["MYSQL_PASSWORD"] not in written(server, "statements")
    finally:
        server.ask("SET GLOBAL strict_password_validation = ON")
        server.ask("INSTALL PLUGIN IF NOT EXISTS simple_password_check SONAME 'simple_password_check'")
    assert tsuru.remove("mydb").status == 200


def test_over_a_network_it_is_shown_by_tls_alone(start_broker, server, certificate):
    """The host 0.0.0.0 is the machine itself, and no address of its loopback."""
    broker = start_broker(service([url(server, "0.0.0.0")]))
    tsuru = Tsuru(broker, "mysql", "x")
    tsuru.create("mydb", "small")
    begin = len(written(server, "statements"))
    answer = tsuru.bind("mydb", "shop")
    assert answer.status == 422 and "strict_password_validation" in answer.message and "tls: true" in answer.message
    assert not re.search("IDENTIFIED BY|SET PASSWORD", written(server, "statements")[begin:])
    wait_until("the check says so", lambda: "binds are refused" in str(broker.servers()))
    broker.reload(service([f"{url(server, '0.0.0.0')}, tls: true, ca_file: {certificate[0]}, tls_name: db.example.com"]))
    env = wait_until("it is bound", lambda: (lambda got: got.status == 201 and got.json)(tsuru.bind("mydb", "shop")))
    assert env["MYSQL_PASSWORD"] and broker.log().count(env["MYSQL_PASSWORD"]) == 0
    assert server.as_app(env, "SELECT 1") == ((1,),)
    wait_until("the check is content", lambda: "binds are refused" not in str(broker.servers()))
    assert tsuru.remove("mydb").status == 200


def test_a_plug_in_that_remembers(tsuru, broker, server):
    server.ask("INSTALL SONAME 'password_reuse_check'")
    try:
        tsuru.create("mydb", "small")
        env = tsuru.bind("mydb", "shop").json
        user = env["MYSQL_USER"]
        for harm in (f"ALTER USER '{user}'@'%' ACCOUNT LOCK", f"ALTER USER '{user}'@'%' WITH MAX_USER_CONNECTIONS 99"):
            server.ask(harm)
            assert not is_as_it_should_be(broker)
            await_mended(broker, "mysql/mydb")
            assert server.as_app(env, "SELECT 1") == ((1,),)
        server.ask(f"DROP USER '{user}'@'%'")
        assert not is_as_it_should_be(broker)
        wait_until("the rules are named", lambda: "its rules for passwords refuse this one" in str(tsuru.operations("mydb")) + broker.log())
        rotate(tsuru, server, env)
    finally:
        server.ask("UNINSTALL SONAME 'password_reuse_check'")
    assert tsuru.remove("mydb").status == 200


def test_rules_that_no_password_of_the_broker_s_meets(tsuru, server):
    server.ask("SET GLOBAL simple_password_check_minimal_length = 40")
    try:
        tsuru.create("mydb", "small")
        answer = tsuru.bind("mydb", "shop")
        assert answer.status == 422 and "its rules for passwords refuse this one" in answer.message
    finally:
        server.ask("SET GLOBAL simple_password_check_minimal_length = 8")
    assert tsuru.bind("mydb", "shop").status == 201
    assert tsuru.remove("mydb").status == 200
