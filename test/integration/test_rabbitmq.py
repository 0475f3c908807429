"""The rabbitmq driver on real servers: isolation by attack, limits, the end of sessions, retirement, drift, adoption, TLS."""

import contextlib
import json
import os
import re
import shlex
import ssl
import subprocess
import threading
import time
import urllib.parse

import pika
import pytest

from harness import BROKER, NO_PASS, TIMEOUT, Broker, Tsuru, await_mended, closing, removed, wait_until
from rabbitmq_server import Halfway, RabbitMQ
from test_tls import make_certificate

ROOT = os.path.join(os.path.dirname(__file__), "..", "..")
AMQP_ERRORS = (pika.exceptions.AMQPError, OSError)


def service(server, plans="      - {name: small, retain: 0}\n", more="", login=None):
    username, password = login or (server.username, server.password)
    return (f"  - name: rabbitmq\n    driver: rabbitmq\n    password: x\n    wait: 120s\n    servers:\n"
            f"      - {{name: main, url: '{server.url()}', username: {username}, password: {password}, amqp_port: {server.port}{more}}}\n"
            f"    plans:\n{plans}")


@pytest.fixture(scope="module")
def rabbit():
    """One server for the file. It leaves a handshake more than its usual 10 s, and less than the driver takes for it in all."""
    server = RabbitMQ(settings=["handshake_timeout = 15000"])
    yield server
    server.close()


def nobody_has(rabbit):
    """Each broker here has a store of its own: the server is given back before."""
    rabbit.ask("DELETE", "/api/global-parameters/tsuru-broker-mark")


@pytest.fixture(autouse=True)
def unmarked(rabbit):
    nobody_has(rabbit)


@pytest.fixture
def tsuru(start_broker, rabbit):
    return Tsuru(start_broker(service(rabbit)), "rabbitmq", "x")


def nothing_but(rabbit, vhosts=(), users=()):
    """What is left of the instances at last."""
    wanted = set(vhosts), set(users)
    with contextlib.suppress(AssertionError):
        wait_until("there is nothing else", lambda: (rabbit.vhosts(), rabbit.users()) == wanted)
    assert (rabbit.vhosts(), rabbit.users()) == wanted


def log_in(server, env):
    return server.connect(env["RABBITMQ_USER"], env["RABBITMQ_PASSWORD"], env["RABBITMQ_VHOST"])


def lets_in(server, env):
    try:
        log_in(server, env).close()
        return True
    except AMQP_ERRORS:
        return False


def lives(connection):
    """Whether a session that was open still is."""
    try:
        connection.channel().close()
        return True
    except AMQP_ERRORS:
        return False


def refused(server, env, attempt):
    """Tries something on a channel of its own: the code of the refusal, or None when it was done."""
    with contextlib.closing(log_in(server, env)) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        try:
            attempt(channel)
        except pika.exceptions.ChannelClosedByBroker as error:
            return error.reply_code
        return None


def test_what_an_app_gets(tsuru, rabbit):
    tsuru.create("mine")
    env = tsuru.bind("mine", "shop").json
    assert set(env) == {"AMQP_URL", "RABBITMQ_HOST", "RABBITMQ_PORT", "RABBITMQ_VHOST", "RABBITMQ_USER", "RABBITMQ_PASSWORD"}
    assert env["AMQP_URL"] == (f"amqp://{env['RABBITMQ_USER']}:{env['RABBITMQ_PASSWORD']}@127.0.0.1:{rabbit.port}"
                               f"/{env['RABBITMQ_VHOST']}")
    connection = pika.BlockingConnection(pika.URLParameters(env["AMQP_URL"]))
    assert connection.channel().queue_declare("q").method.queue == "q"
    connection.close()
    user = rabbit.ask("GET", f"/api/users/{env['RABBITMQ_USER']}")[1]
    assert user["tags"] == [] and user["hashing_algorithm"] == "rabbit_password_hashing_sha256"
    permissions = rabbit.ask("GET", f"/api/vhosts/{env['RABBITMQ_VHOST']}/permissions")[1]
    assert [entry["user"] for entry in permissions] == [env["RABBITMQ_USER"]], "the broker's own rights are gone"
    removed(tsuru, "mine")
    nothing_but(rabbit)


def test_a_bound_app_reaches_nothing_but_its_own(tsuru, rabbit):
    for name in ("mine", "yours"):
        tsuru.create(name)
    mine, yours = tsuru.bind("mine", "shop").json, tsuru.bind("yours", "shop").json
    with contextlib.closing(log_in(rabbit, yours)) as connection:
        channel = connection.channel()
        channel.queue_declare("secret", durable=True)
        channel.queue_bind("secret", "amq.topic", "#")
        channel.basic_publish("", "secret", b"1")
    # Other vhosts, and others' logins.
    for user, password, vhost in ((mine["RABBITMQ_USER"], mine["RABBITMQ_PASSWORD"], yours["RABBITMQ_VHOST"]),
                                  (mine["RABBITMQ_USER"], mine["RABBITMQ_PASSWORD"], "/"),
                                  (mine["RABBITMQ_USER"], mine["RABBITMQ_PASSWORD"], "nowhere"),
                                  (yours["RABBITMQ_USER"], mine["RABBITMQ_PASSWORD"], yours["RABBITMQ_VHOST"]),
                                  (mine["RABBITMQ_USER"], "", mine["RABBITMQ_VHOST"]), ("guest", "guest", "/")):
        with pytest.raises(AMQP_ERRORS):
            rabbit.connect(user, password or "x", vhost).close()
    # The same names in its own vhost are its own.
    assert refused(rabbit, mine, lambda channel: channel.queue_declare("secret", passive=True)) == 404
    with contextlib.closing(log_in(rabbit, mine)) as connection:
        connection.channel().basic_publish("amq.topic", "any", b"mine")
    # Names of the server's, other users' names, and the server's own topics.
    assert refused(rabbit, mine, lambda channel: channel.queue_declare("amq.mine")) == 403
    assert refused(rabbit, mine, lambda channel: channel.exchange_delete("amq.topic")) == 403
    assert refused(rabbit, mine, lambda channel: channel.basic_publish("amq.rabbitmq.trace", "x", b"x")) == 403
    assert refused(rabbit, mine, lambda channel: channel.exchange_declare("amq.rabbitmq.event", "topic")) == 403

    def forge(channel):
        channel.queue_declare("q")
        channel.basic_publish("", "q", b"x", pika.BasicProperties(user_id=yours["RABBITMQ_USER"]))

    assert refused(rabbit, mine, forge) == 406
    # The management API.
    for path in ("/api/whoami", "/api/overview", "/api/vhosts", "/api/users", f"/api/queues/{mine['RABBITMQ_VHOST']}",
                 f"/api/queues/{yours['RABBITMQ_VHOST']}", "/api/definitions", "/api/connections", "/api/nodes"):
        assert rabbit.ask("GET", path, user=mine["RABBITMQ_USER"], password=mine["RABBITMQ_PASSWORD"])[0] == 401, path
    status, _ = rabbit.ask("PUT", f"/api/permissions/{yours['RABBITMQ_VHOST']}/{mine['RABBITMQ_USER']}",
                           {"configure": ".*", "write": ".*", "read": ".*"}, mine["RABBITMQ_USER"], mine["RABBITMQ_PASSWORD"])
    assert status == 401
    with contextlib.closing(log_in(rabbit, yours)) as connection:
        channel = connection.channel()
        assert channel.queue_declare("secret", passive=True).method.message_count == 1
    removed(tsuru, "mine", "yours")


def test_read_only(tsuru, rabbit):
    tsuru.create("mine")
    writer = tsuru.bind("mine", "shop").json
    reader = tsuru.bind("mine", "report", parameters={"read_only": True}).json
    with contextlib.closing(log_in(rabbit, writer)) as connection:
        channel = connection.channel()
        channel.queue_declare("q", durable=True)
        channel.basic_publish("", "q", b"x")
    for attempt in (lambda channel: channel.queue_declare("other"), lambda channel: channel.queue_delete("q"),
                    lambda channel: channel.basic_publish("amq.topic", "q", b"y"), lambda channel: channel.basic_publish("", "q", b"y"),
                    lambda channel: channel.exchange_declare("e"), lambda channel: channel.queue_bind("q", "amq.topic", "#")):
        assert refused(rabbit, reader, attempt) == 403
    with contextlib.closing(log_in(rabbit, reader)) as connection:
        assert connection.channel().basic_get("q")[2] == b"x"
    bad = tsuru.bind("mine", "other", parameters={"read_only": "perhaps"})
    assert bad.status == 400 and "read_only" in bad.message
    removed(tsuru, "mine")


def test_read_only_by_the_instance(tsuru, rabbit):
    assert tsuru.create("mine", parameters={"read_only": True, "binds.shop.read_only": False}).status == 201
    writer, reader, job = tsuru.bind("mine", "shop").json, tsuru.bind("mine", "report").json, tsuru.bind_job("mine", "shop").json
    with contextlib.closing(log_in(rabbit, writer)) as connection:
        connection.channel().queue_declare("q", durable=True)
    for env in (reader, job):
        assert refused(rabbit, env, lambda channel: channel.basic_publish("", "q", b"y")) == 403
    assert tsuru.update("mine", parameters={"read_only": True}).status == 200
    wait_until("the update is done", lambda: tsuru.is_up("mine"))
    assert tsuru.described("mine")["Old parameters until bound again"] == 'the app "shop" (read_only)'
    assert tsuru.send("POST", "/resources/mine/rotate", {"app-name": "shop"}).status == 202
    wait_until("it is done", lambda: {one["state"] for one in tsuru.send("GET", "/resources/mine/binds").json} == {"bound"})
    status, rights = rabbit.ask("GET", f"/api/permissions/{writer['RABBITMQ_VHOST']}/{writer['RABBITMQ_USER']}")
    assert status == 200 and rights["write"] == "^$" == rights["configure"]
    assert refused(rabbit, tsuru.bind("mine", "shop").json, lambda channel: channel.basic_publish("", "q", b"y")) == 403
    removed(tsuru, "mine")


def test_limits_hold(start_broker, rabbit):
    plans = ("      - {name: small, max_connections: 3, max_queues: 2, max_user_connections: 2, max_user_channels: 4}\n"
             "      - {name: large, retain: 0}\n")
    tsuru = Tsuru(start_broker(service(rabbit, plans)), "rabbitmq", "x")
    tsuru.create("mine", "small")
    one, two = tsuru.bind("mine", "one").json, tsuru.bind("mine", "two").json
    # The server counts what was opened a moment ago.
    open_ones = [log_in(rabbit, one), log_in(rabbit, one)]
    wait_until("a third connection of the login is refused", lambda: not lets_in(rabbit, one))
    open_ones.append(log_in(rabbit, two))
    wait_until("a fourth connection to the vhost is refused", lambda: not lets_in(rabbit, two))
    channels = [open_ones[0].channel() for _ in range(4)]
    wait_until("a fifth channel is refused", lambda: not lives(open_ones[0]))
    assert len(channels) == 4
    open_ones[2].channel().queue_declare("q1")
    open_ones[2].channel().queue_declare("q2")
    with pytest.raises(pika.exceptions.ChannelClosedByBroker):
        open_ones[2].channel().queue_declare("q3")
    assert tsuru.update("mine", "large").status == 200
    wait_until("the plan is reached", lambda: tsuru.described("mine")["Plan in force"] == "large")
    open_ones += [log_in(rabbit, env) for env in (one, one, two, two)]
    open_ones[2].channel().queue_declare("q3")
    open_ones[-1].channel().queue_declare("q4")
    assert [open_ones[-1].channel() for _ in range(8)]
    for connection in open_ones:
        with contextlib.suppress(*AMQP_ERRORS):
            connection.close()
    assert tsuru.update("mine", "small").status == 200
    wait_until("the plan is reached", lambda: tsuru.described("mine")["Plan in force"] == "small")
    assert rabbit.ask("GET", f"/api/vhost-limits/{one['RABBITMQ_VHOST']}")[1][0]["value"] == {"max-connections": 3, "max-queues": 2}
    assert rabbit.ask("GET", f"/api/users/{two['RABBITMQ_USER']}")[1]["limits"] == {"max-connections": 2, "max-channels": 4}
    tsuru.update("mine", "large")
    removed(tsuru, "mine")


def test_sessions_end_with_their_login(tsuru, rabbit):
    tsuru.create("mine")
    first, other = tsuru.bind("mine", "shop").json, tsuru.bind("mine", "other").json
    bystander = log_in(rabbit, other)
    session = log_in(rabbit, first)  # no list of the server's shows it for seconds
    second = tsuru.bind("mine", "shop").json
    assert not lives(session) and not lets_in(rabbit, first)
    session = log_in(rabbit, second)
    assert tsuru.unbind("mine", "shop").status == 200
    assert not lives(session) and not lets_in(rabbit, second)
    assert lives(bystander)
    removed(tsuru, "mine")
    assert not lives(bystander)


def test_a_session_that_was_just_beginning_ends_too(tsuru, rabbit):
    tsuru.create("mine")
    for change in ("renewed", "unbound"):
        early = tsuru.bind("mine", change).json
        halfway = Halfway(rabbit, early)
        if change == "unbound":
            tsuru.unbind("mine", change)
        env = tsuru.bind("mine", change).json
        # No server could know: a login of that name has rights in the vhost.
        assert halfway.open(env["RABBITMQ_VHOST"]) == (10, 41), change
        time.sleep(1.2)  # as much as the clocks may differ
        session = log_in(rabbit, env)
        assert halfway.read() == (10, 50), "the server closes it"
        assert lives(session) and lets_in(rabbit, env)
        session.close()
        halfway.socket.close()
    removed(tsuru, "mine")


# ---- retirement ----


def test_retired_and_brought_back(start_broker, rabbit):
    broker = start_broker(service(rabbit, plans="      - {name: small, retain: 1h}\n"))
    tsuru = Tsuru(broker, "rabbitmq", "x")
    tsuru.create("mine")
    writer, reader = tsuru.bind("mine", "shop").json, tsuru.bind("mine", "report", parameters={"read_only": "yes"}).json
    vhost = writer["RABBITMQ_VHOST"]
    rabbit.add_user("auditor", "x")
    rabbit.ask("PUT", f"/api/permissions/{vhost}/auditor", {"configure": "", "write": "", "read": ".*"})
    session, foreign = log_in(rabbit, writer), rabbit.connect("auditor", "x", vhost)
    channel = session.channel()
    channel.queue_declare("q", durable=True)
    channel.confirm_delivery()
    channel.basic_publish("", "q", b"kept", pika.BasicProperties(delivery_mode=2), mandatory=True)
    assert tsuru.remove("mine").status == 200
    assert not lives(session) and not lives(foreign)
    assert not lets_in(rabbit, writer) and not lets_in(rabbit, reader)
    assert rabbit.ask("GET", f"/api/vhosts/{vhost}")[1]["tags"] == ["retired"]
    assert rabbit.ask("GET", f"/api/vhosts/{vhost}/permissions")[1] == []
    broker.ctl("undelete", "rabbitmq/mine")
    restored = rabbit.ask("GET", f"/api/vhosts/{vhost}")[1]
    assert restored["tags"] == [] and "mine" in restored["description"]
    with contextlib.closing(log_in(rabbit, reader)) as connection:
        assert connection.channel().basic_get("q")[2] == b"kept"
    assert refused(rabbit, reader, lambda channel: channel.queue_delete("q")) == 403
    assert refused(rabbit, writer, lambda channel: channel.queue_delete("q")) is None
    assert broker.ctl("verify", "rabbitmq/mine", "--json")["drift"] == []
    removed(tsuru, "mine")
    broker.ctl("purge", "rabbitmq/mine")
    nothing_but(rabbit, users={"auditor"})
    rabbit.ask("DELETE", "/api/users/auditor")


# ---- drift ----


def test_drift_is_found_and_mended(start_broker, rabbit):
    broker = start_broker(service(rabbit, plans="      - {name: small, max_queues: 7, max_user_channels: 9, retain: 0}\n"), limits=NO_PASS)
    tsuru = Tsuru(broker, "rabbitmq", "x")
    tsuru.create("mine")
    env = tsuru.bind("mine", "shop").json
    vhost, user = env["RABBITMQ_VHOST"], env["RABBITMQ_USER"]
    assert broker.ctl("verify", "rabbitmq/mine", "--json")["drift"] == []

    def verify(kind, method, path, body=None):
        assert rabbit.ask(method, path, body)[0] in (200, 201, 204)
        assert [entry["kind"] for entry in broker.ctl("verify", "rabbitmq/mine", "--json", status=3)["drift"]] == [kind], path
        await_mended(broker, "rabbitmq/mine", path)
        assert lets_in(rabbit, env)

    verify("instance", "DELETE", f"/api/vhost-limits/{vhost}/max-queues")
    verify("instance", "PUT", f"/api/vhost-limits/{vhost}/max-connections", {"value": 100})
    verify("bind", "DELETE", f"/api/users/{user}")
    verify("bind", "DELETE", f"/api/permissions/{vhost}/{user}")
    verify("bind", "PUT", f"/api/permissions/{vhost}/{user}", {"configure": ".*", "write": ".*", "read": "^$"})
    verify("bind", "PUT", f"/api/user-limits/{user}/max-channels", {"value": 100})
    hashed = rabbit.ask("GET", f"/api/users/{user}")[1]["password_hash"]
    verify("bind", "PUT", f"/api/users/{user}", {"password_hash": hashed, "tags": "administrator"})
    verify("bind", "PUT", f"/api/users/{user}", {"password": "another", "tags": ""})
    # As one is left when its making is interrupted.
    rabbit.ctl("eval", "[supervisor:terminate_child(rabbit_vhost_sup_sup, P) || {_, P, _, _} <- "
               "supervisor:which_children(rabbit_vhost_sup_sup)].")
    assert rabbit.ask("POST", "/api/vhosts/%2F/start/broker@localhost")[0] == 204
    assert not lets_in(rabbit, env)
    verify("instance", "GET", f"/api/vhosts/{vhost}")
    rabbit.ask("DELETE", f"/api/vhosts/{vhost}")
    assert broker.ctl("verify", "rabbitmq/mine", "--json", status=3)["drift"][0]["kind"] == "lost"
    refusal = tsuru.bind("mine", "other")
    assert refusal.status == 422 and vhost in refusal.message
    wait_until("the status tells it", lambda: tsuru.why_down("mine"))
    assert vhost not in rabbit.vhosts()
    removed(tsuru, "mine")
    assert user not in rabbit.users()


def test_strays_are_told_and_left(start_broker, rabbit):
    broker = start_broker(service(rabbit))
    tsuru = Tsuru(broker, "rabbitmq", "x")
    tsuru.create("mine")
    env = tsuru.bind("mine", "shop").json
    rabbit.ask("PUT", "/api/vhosts/old_0123456789", {})
    rabbit.ask("PUT", "/api/vhosts/own", {})
    for user in ("lost_0123456789", "shared_0123456789", "person"):
        rabbit.add_user(user, "x")
        rabbit.ask("PUT", f"/api/permissions/{env['RABBITMQ_VHOST']}/{user}", {"configure": ".*", "write": ".*", "read": ".*"})
    rabbit.ask("PUT", "/api/permissions/own/shared_0123456789", {"configure": ".*", "write": ".*", "read": ".*"})
    strays = broker.ctl("verify", "--json", status=3)["strays"]
    assert {(stray["kind"], stray["name"]) for stray in strays} == {
        ("instance", "old_0123456789"), ("login", "lost_0123456789"), ("login", "shared_0123456789")}
    removed(tsuru, "mine")
    # A login that was of this instance only goes with it; what others use stays.
    nothing_but(rabbit, {"old_0123456789", "own"}, {"shared_0123456789", "person"})
    for path in ("users/shared_0123456789", "users/person", "vhosts/old_0123456789", "vhosts/own"):
        assert rabbit.ask("DELETE", f"/api/{path}")[0] == 204


def test_a_vhost_that_was_made_in_part_becomes_whole(start_broker, rabbit):
    """RabbitMQ stops making a vhost when the connection of the request is closed: the broker is killed at each moment in turn."""
    for number in range(12):
        nobody_has(rabbit)
        broker = start_broker(service(rabbit))
        tsuru = Tsuru(broker, "rabbitmq", "x")
        pause = 0.002 * number
        creating = threading.Thread(target=lambda tsuru=tsuru: pytest.raises(Exception, tsuru.create, "mine"))
        creating.start()
        wait_until("the vhost begins", rabbit.vhosts, pause=0.001)
        time.sleep(pause)
        broker.kill()
        creating.join()
        broker.start()
        wait_until("it is up", lambda tsuru=tsuru: tsuru.is_up("mine"))
        env = tsuru.bind("mine", "shop").json

        def publish(channel):
            channel.queue_declare("q", durable=True)
            channel.basic_publish("", "q", b"x", mandatory=True)
            channel.basic_publish("amq.topic", "q", b"x")

        assert refused(rabbit, env, publish) is None, number
        removed(tsuru, "mine")
        nothing_but(rabbit)
        broker.stop()


# ---- the operator ----


@pytest.mark.parametrize("vhost", ["blog", "a.b/c d%2F"])
def test_an_existing_vhost_is_adopted(start_broker, rabbit, vhost):
    broker = start_broker(service(rabbit, "      - {name: small, max_queues: 5, retain: 1h}\n"))
    tsuru = Tsuru(broker, "rabbitmq", "x")
    path = "/api/vhosts/" + urllib.parse.quote(vhost, "")
    rabbit.ask("PUT", path, {"description": "ours", "tags": "old"})
    with contextlib.closing(rabbit.connect(vhost=vhost)) as connection:
        connection.channel().queue_declare("q", durable=True)
    arguments = ("--team", "red", "--server", "main", "--resource")
    assert "no vhost" in broker.ctl("adopt", "rabbitmq/x1", *arguments, "x1", status=1)
    assert broker.ctl("adopt", "rabbitmq/blog", *arguments, vhost) == "done\n"
    env = tsuru.bind("blog", "shop").json
    assert env["RABBITMQ_VHOST"] == vhost and refused(rabbit, env, lambda channel: channel.queue_declare("q", passive=True)) is None
    connection = pika.BlockingConnection(pika.URLParameters(env["AMQP_URL"]))
    connection.channel().queue_declare("q", passive=True)
    connection.close()
    assert broker.ctl("verify", "rabbitmq/blog", "--json")["drift"] == []
    removed(tsuru, "blog")
    assert rabbit.ask("GET", path)[1]["tags"] == ["old", "retired"] and not lets_in(rabbit, env)
    broker.ctl("undelete", "rabbitmq/blog")
    assert rabbit.ask("GET", path)[1]["tags"] == ["old"] and rabbit.ask("GET", path)[1]["description"] == "ours"
    assert lets_in(rabbit, env)
    removed(tsuru, "blog")
    broker.ctl("purge", "rabbitmq/blog")
    nothing_but(rabbit)


def test_what_lives_in_the_place_of_the_retired_is_left(start_broker, rabbit):
    """As when it was brought back, and the records come from a backup of before: the purge drops nothing of it."""
    broker = start_broker(service(rabbit, plans="      - {name: small, retain: 1h}\n"))
    tsuru = Tsuru(broker, "rabbitmq", "x")
    tsuru.create("mine")
    env = tsuru.bind("mine", "shop").json
    vhost = env["RABBITMQ_VHOST"]
    removed(tsuru, "mine")
    retired = rabbit.ask("GET", f"/api/vhosts/{vhost}")[1]
    rabbit.ask("PUT", f"/api/vhosts/{vhost}", {"description": retired["description"], "tags": ""})
    rabbit.ask("PUT", f"/api/permissions/{vhost}/{env['RABBITMQ_USER']}", {"configure": ".*", "write": ".*", "read": ".*"})
    session = log_in(rabbit, env)
    broker.ctl("purge", "rabbitmq/mine", status=(0, 1, 2, 3))
    wait_until("the purge has failed", lambda: "but it lives" in json.dumps(broker.ctl("show", "rabbitmq/mine", "--json")))
    assert lives(session) and lets_in(rabbit, env)
    # An operator who knows better says so on the server.
    rabbit.ask("PUT", f"/api/vhosts/{vhost}", {"description": retired["description"], "tags": "retired"})
    broker.ctl("retry", "rabbitmq/mine")
    wait_until("it is gone", lambda: rabbit.vhosts() == set() and rabbit.users() == set())


def test_the_retired_in_the_place_of_what_lives_is_left(tsuru, rabbit):
    tsuru.create("mine")
    vhost = tsuru.bind("mine", "shop").json["RABBITMQ_VHOST"]
    found = rabbit.ask("GET", f"/api/vhosts/{vhost}")[1]
    rabbit.ask("PUT", f"/api/vhosts/{vhost}", {"description": found["description"], "tags": "retired"})
    assert "retired" in tsuru.remove("mine").message and rabbit.vhosts() == {vhost}
    rabbit.ask("PUT", f"/api/vhosts/{vhost}", {"description": found["description"], "tags": ""})
    removed(tsuru, "mine")
    nothing_but(rabbit)


def test_another_instances_vhost_is_left(start_broker, rabbit):
    """One of the same name that another creation has made; one of an earlier version says nothing, and learns it."""
    broker = start_broker(service(rabbit), limits=NO_PASS)
    tsuru = Tsuru(broker, "rabbitmq", "x")
    tsuru.create("mine")
    env = tsuru.bind("mine", "shop").json
    path = f"/api/vhosts/{env['RABBITMQ_VHOST']}"
    own = rabbit.ask("GET", path)[1]["description"]
    assert own.startswith("tsuru: mine of the service rabbitmq, instance ")
    rabbit.ask("PUT", path, {"description": own + "0", "tags": ""})
    told = broker.ctl("verify", "rabbitmq/mine", "--json", status=3)["drift"]
    assert [entry["kind"] for entry in told] == ["told"] and "another instance's" in json.dumps(told)
    assert "another instance's" in tsuru.remove("mine").message and lets_in(rabbit, env)
    rabbit.ask("PUT", path, {"description": "tsuru: mine of the service rabbitmq", "tags": ""})
    removed(tsuru, "mine")
    nothing_but(rabbit)
    tsuru.create("older")
    path = f"/api/vhosts/{tsuru.bind('older', 'shop').json['RABBITMQ_VHOST']}"
    rabbit.ask("PUT", path, {"description": "tsuru: older of the service rabbitmq", "tags": ""})
    broker.ctl("verify", "rabbitmq/older", "--json", status=3)
    wait_until("it says whose it is", lambda: ", instance " in rabbit.ask("GET", path)[1]["description"])
    removed(tsuru, "older")


def test_what_only_an_operator_can_mend_is_told(start_broker, rabbit):
    broker = start_broker(service(rabbit))
    tsuru = Tsuru(broker, "rabbitmq", "x")
    tsuru.create("mine")
    env = tsuru.bind("mine", "shop").json
    vhost, user = env["RABBITMQ_VHOST"], env["RABBITMQ_USER"]
    rights = {"configure": ".*", "write": ".*", "read": ".*"}
    rabbit.add_user("person", "x")
    for path, body, command in ((f"/api/permissions/{vhost}/person", rights, f'clear_permissions "person" -p "{vhost}"'),
                                (f"/api/permissions/%2F/{user}", rights, f'clear_permissions "{user}" -p "/"'),
                                (f"/api/topic-permissions/{vhost}/{user}", {"exchange": "amq.topic", "write": "^x", "read": "^x"},
                                 f'clear_topic_permissions "{user}" -p "{vhost}"')):
        assert rabbit.ask("PUT", path, body)[0] in (201, 204)
        drift = broker.ctl("verify", "rabbitmq/mine", "--json", status=3)["drift"]
        assert [entry["kind"] for entry in drift] == ["told"] and json.dumps(command)[1:-1] in json.dumps(drift), drift
        rabbit.ctl(*shlex.split(command))
        assert broker.ctl("verify", "rabbitmq/mine", "--json")["drift"] == []
    rabbit.ask("PUT", "/api/vhosts/retired_0123456789", {"tags": "retired"})
    strays = broker.ctl("verify", "--json", status=3)["strays"]
    assert [(stray["kind"], stray["name"]) for stray in strays] == [("retired", "retired_0123456789")]
    for path in ("vhosts/retired_0123456789", "users/person"):
        rabbit.ask("DELETE", f"/api/{path}")
    removed(tsuru, "mine")


def test_the_user_guest_is_warned_of(start_broker, rabbit):
    rabbit.add_user("guest", "guest", "administrator")
    broker = start_broker(service(rabbit))
    try:
        wait_until("health tells it", lambda: "delete_user guest" in (broker.ctl("health", "--json")["servers"][0].get("warning") or ""))
    finally:
        rabbit.ask("DELETE", "/api/users/guest")


def test_a_server_belongs_to_one_store(start_broker, rabbit):
    broker = start_broker(service(rabbit))
    tsuru = Tsuru(broker, "rabbitmq", "x")
    tsuru.create("mine")
    env = tsuru.bind("mine", "shop").json
    mark = rabbit.ask("GET", "/api/global-parameters/tsuru-broker-mark")[1]["value"]
    rabbit.ask("PUT", "/api/global-parameters/tsuru-broker-mark",
               {"name": "tsuru-broker-mark", "value": "0123456789abcdef-1-01234567"})
    tsuru.unbind("mine", "shop")
    assert lets_in(rabbit, env), "the server was given to another: the unbind does nothing there"
    other = Broker(service(rabbit))
    other.claims = False
    with closing(other.start()):
        wait_until("another store says why it does nothing there", lambda: "belongs to another broker's store" in other.log())
    rabbit.ask("PUT", "/api/global-parameters/tsuru-broker-mark", {"name": "tsuru-broker-mark", "value": mark})
    wait_until("it is ended once the server is its own again", lambda: not lets_in(rabbit, env))
    tsuru.remove("mine")
    wait_until("it is gone", lambda: rabbit.vhosts() == set())


def definitions(rabbit):
    """All that the server knows but messages and the mark."""
    known = rabbit.ask("GET", "/api/definitions")[1]
    del known["global_parameters"]
    return known, {vhost["name"]: (vhost["tags"], vhost["description"]) for vhost in rabbit.ask("GET", "/api/vhosts")[1]}


@pytest.mark.parametrize("call", ["create", "bind", "update", "adopt", "undelete"])
def test_a_server_that_was_given_away_gets_nothing_more(start_broker, rabbit, call):
    """The broker looks at the mark every few seconds; in between each call does, in its first request."""
    broker = start_broker(service(rabbit, plans="      - {name: small, retain: 1h, max_connections: 5}\n"
                                                "      - {name: large, retain: 1h, max_connections: 50}\n"))
    tsuru = Tsuru(broker, "rabbitmq", "x")
    for name in ("mine", "kept"):
        assert tsuru.create(name, "small").status == 201
    assert tsuru.remove("kept").status == 200
    rabbit.ask("PUT", "/api/vhosts/blog", {})
    do = {"create": lambda: tsuru.create("second", "small"), "bind": lambda: tsuru.bind("mine", "shop"),
          "update": lambda: tsuru.update("mine", "large"), "undelete": lambda: broker.ctl("undelete", "rabbitmq/kept", status=(0, 1)),
          "adopt": lambda: broker.ctl("adopt", "rabbitmq/blog", "--team", "red", "--server", "main", "--resource", "blog",
                                      "--plan", "small", status=(0, 1))}[call]
    mark = rabbit.ask("GET", "/api/global-parameters/tsuru-broker-mark")[1]["value"]
    before = definitions(rabbit)
    rabbit.ask("PUT", "/api/global-parameters/tsuru-broker-mark",
               {"name": "tsuru-broker-mark", "value": "0123456789abcdef-1-01234567"})
    caller = threading.Thread(target=do)
    caller.start()
    wait_until("the broker has said why it does nothing there", lambda: "given to another broker" in broker.log()
               or "belongs to another broker's store" in broker.log())
    assert definitions(rabbit) == before
    rabbit.ask("PUT", "/api/global-parameters/tsuru-broker-mark", {"name": "tsuru-broker-mark", "value": mark})
    wait_until("it is done once the server is its own again", lambda: definitions(rabbit) != before, timeout=3 * TIMEOUT)
    caller.join(3 * TIMEOUT)
    assert not caller.is_alive()
    broker.stop()  # it may not have come to the end of the call
    rabbit.ask("DELETE", "/api/vhosts/blog")
    for vhost in rabbit.vhosts():
        rabbit.ask("DELETE", "/api/vhosts/" + urllib.parse.quote(vhost, safe=""))
    for user in rabbit.users():
        rabbit.ask("DELETE", f"/api/users/{user}")


def test_info_shows_the_vhost(tsuru, rabbit):
    tsuru.create("mine")
    env = tsuru.bind("mine", "shop").json
    with contextlib.closing(log_in(rabbit, env)) as connection:
        channel = connection.channel()
        channel.queue_declare("q")
        channel.queue_declare("other")
        channel.confirm_delivery()
        for _ in range(3):
            channel.basic_publish("", "q", b"x", mandatory=True)
        channel.basic_consume("other", lambda *_: None)

        def shown():
            connection.process_data_events(0)
            described = tsuru.described("mine")
            return [described.get(label) for label in ("Messages", "Queues", "Consumers", "Connections")] == ["3", "2", "1", "1"]

        wait_until("info shows all of it", shown, pause=0.5)
    removed(tsuru, "mine")


def test_the_server_does_not_let_the_broker_in(start_broker, rabbit):
    rabbit.add_user("watcher", "sekret", "monitoring")
    for login, reason in ((("watcher", "sekret"), "administrator"), ((rabbit.username, "wrong"), "does not let the broker's user in")):
        broker = start_broker(service(rabbit, login=login))
        wait_until("the log says why", lambda broker=broker, reason=reason: reason in broker.log())
        tsuru = Tsuru(broker, "rabbitmq", "x")
        assert tsuru.create("mine").status in (201, 422, 503)
        assert "sekret" not in broker.log() and "wrong" not in broker.log()
        broker.stop()  # it would make the instance once its user may
    broker = start_broker(service(rabbit).replace(rabbit.url(), rabbit.url() + "/elsewhere"))
    wait_until("the log says that it is not there", lambda: "management API" in broker.log())
    rabbit.ctl("set_user_tags", "watcher", "administrator")
    tsuru = Tsuru(start_broker(service(rabbit, login=("watcher", "sekret")) + "    bind_wait: 10s\n"), "rabbitmq", "x")
    assert tsuru.create("mine").status == 201
    wait_until("it is made", lambda: tsuru.is_up("mine"))
    rabbit.ctl("set_user_tags", "watcher", "management")
    answer = tsuru.bind("mine", "shop")
    assert answer.status == 503 and "lacks the right, which the tag administrator gives" in answer.message
    rabbit.ctl("set_user_tags", "watcher", "administrator")
    wait_until("it goes on", lambda: tsuru.bind("mine", "shop").status == 201)
    removed(tsuru, "mine")
    rabbit.ask("DELETE", "/api/users/watcher")


def test_bad_configuration(rabbit, tmp_path):
    server, plan = f"url: '{rabbit.url()}', username: a, password: b", "      - {name: small}\n"
    for entry, plans, wanted in (("username: a, password: b", plan, "url"), (f"url: '{rabbit.url()}', password: b", plan, "username"),
                                 (f"url: '{rabbit.url()}', username: a", plan, "password"),
                                 ("url: 'amqp://127.0.0.1', username: a, password: b", plan, "http://"),
                                 ("url: 'http://a:sekret@127.0.0.1', username: a, password: b", plan, "url"),
                                 (server + ", amqp_host: 'a:5672'", plan, "amqp_host"), (server + ", amqp_host: '[::1]'", plan, "amqp_host"),
                                 (server + ", amqp_port: 0", plan, "amqp_port"), (server + ", amqp_tls: perhaps", plan, "amqp_tls"),
                                 (server + ", ca_file: /nonexistent", plan, "/nonexistent"), (server + ", connections: 0", plan, "connections"),
                                 (server + ", vhost: a", plan, "vhost"),
                                 (server, "      - {name: small, max_connections: 0}\n", "max_connections"),
                                 (server, "      - {name: small, max_queues: -1}\n", "max_queues"),
                                 (server, "      - {name: small, max_user_connections: many}\n", "max_user_connections"),
                                 (server, "      - {name: small, max_user_channels: 1.5}\n", "max_user_channels"),
                                 (server, "      - {name: small, queues: 1}\n", "queues")):
        path = tmp_path / "broker.yaml"
        path.write_text(f"listen: 127.0.0.1:0\ndata_dir: {tmp_path}\nservices:\n  - name: rabbitmq\n    driver: rabbitmq\n    password: x\n"
                        f"    servers:\n      - {{name: main, {entry}}}\n    plans:\n{plans}")
        checked = subprocess.run([BROKER, "check", "-c", path], capture_output=True, text=True, timeout=TIMEOUT, check=False)
        assert checked.returncode != 0 and wanted in checked.stderr and "sekret" not in checked.stderr, (entry, plans, checked.stderr)


def test_the_sample_is_good_and_names_every_key():
    sample = os.path.join(ROOT, "conf", "samples", "rabbitmq.yaml")
    checked = subprocess.run([BROKER, "check", "-c", sample], capture_output=True, text=True, timeout=TIMEOUT, check=False)
    assert checked.returncode == 0, checked.stderr
    with open(sample, encoding="utf-8") as file:
        shown = file.read()
    with open(os.path.join(ROOT, "docs", "drivers", "rabbitmq.md"), encoding="utf-8") as file:
        told = file.read()
    with open(os.path.join(ROOT, "src", "driver", "rabbitmq", "rabbitmq.c"), encoding="utf-8") as file:
        keys = re.findall(r'\.name = "(\w+)"', file.read())
    assert [key for key in keys if key != "rabbitmq" and (f"{key}:" not in shown or f"`{key}`" not in told)] == []


def test_the_commands_of_the_manual_are_enough(start_broker, rabbit):
    """Those of docs/drivers/rabbitmq.md, word by word; no rights in any vhost are among them."""
    broker = start_broker(service(rabbit, "      - {name: small, retain: 1h, max_queues: 3, max_user_channels: 3}\n",
                                  login=rabbit.plain_login))
    tsuru = Tsuru(broker, "rabbitmq", "x")
    assert tsuru.create("mine").status == 201
    env = tsuru.bind("mine", "shop").json
    assert lets_in(rabbit, env)
    env = tsuru.bind("mine", "shop").json
    assert tsuru.update("mine").status == 200
    assert broker.ctl("verify", "rabbitmq/mine", "--json")["drift"] == []
    wait_until("it is up", lambda: tsuru.is_up("mine"))
    removed(tsuru, "mine")
    broker.ctl("undelete", "rabbitmq/mine")
    assert lets_in(rabbit, env)
    assert tsuru.unbind("mine", "shop").status == 200
    removed(tsuru, "mine")
    broker.ctl("purge", "rabbitmq/mine")
    nothing_but(rabbit)


def test_tls(start_broker, tmp_path):
    certificate, key = make_certificate(tmp_path, "rabbitmq")
    os.chmod(key, 0o644)
    server = RabbitMQ(tls=(certificate, key))
    try:
        tsuru = Tsuru(start_broker(service(server, more=f", ca_file: {certificate}, amqp_tls: true")), "rabbitmq", "x")
        assert tsuru.create("mine").status == 201
        env = tsuru.bind("mine", "shop").json
        assert env["AMQP_URL"].startswith("amqps://") and lets_in(server, env)
        parameters = pika.URLParameters(env["AMQP_URL"])
        parameters.ssl_options = pika.SSLOptions(ssl.create_default_context(cafile=certificate), "127.0.0.1")
        pika.BlockingConnection(parameters).close()
        tsuru.remove("mine")
        other, _ = make_certificate(tmp_path, "other")
        broker = start_broker(service(server, more=f", ca_file: {other}"))
        wait_until("the certificate is refused", lambda: "certificate" in broker.log())
    finally:
        server.close()
