"""What apps on RabbitMQ may try: against another tenant's vhost by AMQP, MQTT and the management API (with the plugins at hand
that would run things of theirs: shovels and federation), and to stay in after their bind has ended."""

import contextlib
import os
import socket
import struct
import threading
import time

import pika
import yaml

from harness import TIMEOUT, Broker, Tsuru, free_port, wait_until
from rabbitmq_server import Halfway, RabbitMQ

ADMINS = ("plain", "administrator")
ROOT = os.path.join(os.path.dirname(__file__), "..", "..")
SECRET = b"the-victim's-secret"
ERRORS = (pika.exceptions.AMQPError, OSError)
ALL = {"configure": ".*", "write": ".*", "read": ".*"}


def sample_plans():
    with open(os.path.join(ROOT, "conf", "samples", "rabbitmq.yaml"), encoding="utf-8") as file:
        return yaml.safe_load(file)["services"][0]["plans"]


class Ground:
    """A server with a victim, an attacker with each plan of the sample, and one that may only read."""

    def __init__(self, admin):
        self.mqtt = free_port()
        self.server = RabbitMQ(plugins=("rabbitmq_mqtt", "rabbitmq_shovel_management", "rabbitmq_federation_management"),
                               settings=(f"mqtt.listeners.tcp.1 = 127.0.0.1:{self.mqtt}", "mqtt.allow_anonymous = false"))
        username, password = self.server.username, self.server.password
        if admin == "plain":
            username, password = self.server.plain_login
        plans = "".join(f"      - {plan}\n" for plan in sample_plans())
        self.broker = Broker(f"  - name: rabbitmq\n    driver: rabbitmq\n    password: x\n    servers:\n"
                             f"      - {{name: main, url: '{self.server.url()}', username: {username}, password: {password}, "
                             f"amqp_port: {self.server.port}}}\n    plans:\n{plans}").start()
        self.tsuru = Tsuru(self.broker, "rabbitmq", "x")
        self.number = 0
        self.victim = self.bind("victim", "large")
        self.attackers = [self.bind(f"attacker{number}", plan["name"]) for number, plan in enumerate(sample_plans())]
        self.env = self.attackers[-1]
        self.reader = self.tsuru.bind(f"attacker{len(self.attackers) - 1}", "reader", parameters={"read_only": True}).json
        self.session = self.log_in(self.victim, heartbeat=0)
        self.channel = self.session.channel()
        for name in ("secret", "inbox"):
            self.channel.queue_declare(name, durable=True)
        for exchange in ("amq.topic", "amq.fanout"):
            self.channel.queue_bind("inbox", exchange, "#")
        self.channel.confirm_delivery()
        self.channel.basic_publish("", "secret", SECRET, mandatory=True)
        with contextlib.closing(self.log_in(self.env)) as connection:
            connection.channel().queue_declare("own", durable=True)
        self.before = self.state()

    def bind(self, name, plan=""):
        assert self.tsuru.create(name, plan).status == 201
        return self.tsuru.bind(name, "app").json

    def fresh(self):
        self.number += 1
        name = f"fresh{self.number}"
        return name, self.bind(name, "large")

    def log_in(self, env, vhost=None, **more):
        # One attempt of pika's is enough.
        return pika.BlockingConnection(pika.ConnectionParameters(
            "127.0.0.1", self.server.port, env["RABBITMQ_VHOST"] if vhost is None else vhost,
            pika.PlainCredentials(env["RABBITMQ_USER"], env["RABBITMQ_PASSWORD"]), socket_timeout=TIMEOUT, stack_timeout=TIMEOUT,
            blocked_connection_timeout=TIMEOUT, **more))

    def state(self):
        """The victim's messages and consumers, who may what, and what the server is told to do."""
        queues = [self.channel.queue_declare(name, passive=True).method for name in ("secret", "inbox")]
        # Attempts make instances of their own: only what they did not ask for counts.
        mine = {self.victim["RABBITMQ_VHOST"], "/", *(env["RABBITMQ_VHOST"] for env in self.attackers)}

        def seen(path, *members):
            listed = self.server.ask("GET", path)[1]
            return sorted(str([entry.get(member) for member in members]) for entry in listed
                          if "fresh" not in str(entry.get("vhost", entry.get("name", entry.get("user")))))

        return ([(queue.queue, queue.message_count, queue.consumer_count) for queue in queues], sorted(mine),
                seen("/api/vhosts", "name", "tags", "description"), seen("/api/permissions", "user", "vhost", "configure"),
                seen("/api/policies", "name"), seen("/api/parameters", "name"), seen("/api/global-parameters", "name", "value"),
                [line for line in seen("/api/users", "name", "tags") if not line.startswith(("['app_", "['other_"))])

    def unchanged(self):
        return None if self.state() == self.before else f"something is not as it was: {self.state()} after {self.before}"

    def close(self):
        with contextlib.suppress(*ERRORS):
            self.session.close()
        self.broker.close()
        self.server.close()


# ---- getting in elsewhere ----


def enters(user, password, vhost):
    """An attempt to log in; {v} is the victim's vhost, {o} its own, {V} and {U} the victim's and its own login, {P} its password."""

    def attempt(ground):
        env, victim = ground.env, ground.victim
        user_, password_, vhost_ = (text.format(v=victim["RABBITMQ_VHOST"], o=env["RABBITMQ_VHOST"], V=victim["RABBITMQ_USER"],
                                                U=env["RABBITMQ_USER"], P=env["RABBITMQ_PASSWORD"])
                                    for text in (user, password, vhost))
        try:
            ground.log_in({"RABBITMQ_USER": user_, "RABBITMQ_PASSWORD": password_, "RABBITMQ_VHOST": vhost_}).close()
        except (pika.exceptions.ProbableAuthenticationError, pika.exceptions.AuthenticationError, pika.exceptions.ProbableAccessDeniedError):
            return ground.unchanged()
        except pika.exceptions.ConnectionClosedByBroker as error:
            return ground.unchanged() if error.reply_code in (403, 530) else f"refused for another reason: {error}"
        except ERRORS as error:
            return f"refused for another reason: {error!r}"
        return "it is let in"

    return attempt


ENTRIES = {
    "the victim's vhost": ("{U}", "{P}", "{v}"), "the server's first vhost": ("{U}", "{P}", "/"), "no vhost": ("{U}", "{P}", ""),
    "a vhost that is not there": ("{U}", "{P}", "nowhere"), "the victim's vhost, encoded": ("{U}", "{P}", "%2F{v}"),
    "the victim's vhost behind its own": ("{U}", "{P}", "{o}/../{v}"), "a pattern for a vhost": ("{U}", "{P}", ".*"),
    "the victim's vhost as the victim": ("{V}", "{P}", "{v}"), "its own vhost as the victim": ("{V}", "{P}", "{o}"),
    "the victim's vhost without a password": ("{V}", "", "{v}"), "the victim's vhost as guest": ("guest", "guest", "{v}"),
    "the first vhost as guest": ("guest", "guest", "/"), "the victim's vhost as the admin": ("admin", "", "{v}"),
    "the victim's vhost with an empty name": ("", "", "{v}"),
}


def mechanism(name, response):
    """Logs in by another mechanism of SASL; response is formatted as bytes."""

    def attempt(ground):
        victim, env = ground.victim["RABBITMQ_USER"].encode(), ground.env
        with contextlib.closing(socket.create_connection(("127.0.0.1", ground.server.port), TIMEOUT)) as raw:
            frames = Frames(raw)
            raw.sendall(b"AMQP\0\0\x09\x01")
            frames.read()
            answer = response(victim, env["RABBITMQ_USER"].encode(), env["RABBITMQ_PASSWORD"].encode())
            frames.send(10, 11, struct.pack(">IB", 0, len(name)) + name + struct.pack(">I", len(answer)) + answer + b"\x05en_US")
            try:
                told = frames.read()
            except OSError:
                return ground.unchanged()
        return f"{name.decode()} is accepted" if told == (10, 30) else ground.unchanged()

    return attempt


class Frames:
    """AMQP 0-9-1 by hand, for what no library does."""

    def __init__(self, raw):
        self.raw = raw

    def send(self, group, method, arguments, channel=0, kind=1):
        body = struct.pack(">HH", group, method) + arguments
        self.raw.sendall(struct.pack(">BHI", kind, channel, len(body)) + body + b"\xce")

    def exactly(self, count):
        data = b""
        while len(data) < count:
            part = self.raw.recv(count - len(data))
            if not part:
                raise ConnectionResetError("closed")
            data += part
        return data

    def read(self):
        length = struct.unpack(">BHI", self.exactly(7))[2]
        return struct.unpack(">HH", self.exactly(length + 1)[:4])


MECHANISMS = {
    "as the victim on behalf of its own": (b"PLAIN", lambda victim, user, password: victim + b"\0" + user + b"\0wrong"),
    "as anybody": (b"ANONYMOUS", lambda victim, user, password: b"victim"),
    "by a certificate that it has not": (b"EXTERNAL", lambda victim, user, password: victim),
    "by the mechanism of demonstrations": (b"RABBIT-CR-DEMO", lambda victim, user, password: victim),
    "with a name that ends early": (b"PLAIN", lambda victim, user, password: b"\0" + victim + b"\0\0" + password),
}


# ---- on a channel of its own ----


def on_channel(action, *wanted, env=None):
    """An attempt on a channel: refused with one of the codes, or done in its own vhost (None among them); the victim's is as
    it was either way."""

    def attempt(ground):
        who = ground.reader if env == "reader" else ground.env
        code = None
        with contextlib.closing(ground.log_in(who)) as connection:
            channel = connection.channel()
            channel.confirm_delivery()
            try:
                action(ground, channel)
            except pika.exceptions.ChannelClosedByBroker as error:
                code = error.reply_code
            except (pika.exceptions.UnroutableError, pika.exceptions.NackError):
                code = 312
            except pika.exceptions.ConnectionClosedByBroker as error:
                return None if error.reply_code in wanted else f"the connection ends with {error.reply_code}"
        return f"{code} is not {wanted}" if code not in wanted else ground.unchanged()

    return attempt


def victims_name(ground, suffix=""):
    return ground.victim["RABBITMQ_VHOST"] + suffix


def dead_letters(ground, channel):
    channel.queue_declare("dlx", arguments={"x-dead-letter-exchange": "amq.fanout", "x-message-ttl": 0})
    channel.basic_publish("", "dlx", b"x")


def alternate(ground, channel):
    channel.exchange_declare("alt", "direct", auto_delete=True, arguments={"alternate-exchange": "amq.fanout"})
    channel.basic_publish("alt", "secret", b"x")


def spoof(ground, channel):
    channel.basic_publish("", "own", b"x", pika.BasicProperties(user_id=ground.victim["RABBITMQ_USER"]))


def copies(ground, channel):
    channel.basic_publish("amq.direct", "x", b"x", pika.BasicProperties(headers={"CC": ["secret", "inbox"], "BCC": ["secret"]}))


def replies(ground, channel):
    channel.basic_publish("", "amq.rabbitmq.reply-to.g1h2AA5yZXBseQ==", b"x", mandatory=True)


CHANNEL = {
    "sees the victim's queue": (lambda g, c: c.queue_declare("secret", passive=True), 404),
    "takes from the victim's queue": (lambda g, c: c.basic_get("secret"), 404),
    "consumes the victim's queue": (lambda g, c: c.basic_consume("secret", lambda *_: None), 404),
    "empties the victim's queue": (lambda g, c: c.queue_purge("secret"), 404),
    "deletes the victim's queue": (lambda g, c: c.queue_delete("secret"), None, 404),
    "binds the victim's queue": (lambda g, c: c.queue_bind("secret", "amq.fanout"), 404),
    "publishes to the victim's queue": (lambda g, c: c.basic_publish("", "secret", b"x", mandatory=True), 312),
    "publishes to all of its fanout": (lambda g, c: c.basic_publish("amq.fanout", "#", b"x"), None),
    "publishes to its topics": (lambda g, c: c.basic_publish("amq.topic", "any.thing", b"x"), None),
    "names the victim's vhost in a queue": (lambda g, c: c.queue_declare(victims_name(g, "/secret"), passive=True), 404),
    "names the victim's vhost in an exchange": (lambda g, c: c.exchange_declare(victims_name(g, ":amq.topic"), passive=True), 404),
    "sends dead letters to the victim's": (dead_letters, None),
    "sends what is not routed to the victim's": (alternate, None),
    "sends copies to the victim's": (copies, None),
    "signs as the victim": (spoof, 406),
    "answers in another's place": (replies, 312, None),
    "declares a queue of the server's": (lambda g, c: c.queue_declare("amq.mine"), 403),
    "declares an exchange of the server's": (lambda g, c: c.exchange_declare("amq.rabbitmq.event", "topic"), 403),
    "deletes an exchange of the server's": (lambda g, c: c.exchange_delete("amq.topic"), 403),
    "forges the trace": (lambda g, c: c.basic_publish("amq.rabbitmq.trace", "x", b"x"), 403),
    "reads the server's log": (lambda g, c: (c.queue_declare("log", exclusive=True), c.queue_bind("log", "amq.rabbitmq.log", "#")), 404),
    "reads the server's events": (lambda g, c: (c.queue_declare("ev", exclusive=True), c.queue_bind("ev", "amq.rabbitmq.event", "#")),
                                  404),
    "declares a federated exchange": (lambda g, c: c.exchange_declare("fed", "x-federation-upstream"), 403, 406, 503, None),
    "binds exchanges that are the victim's": (lambda g, c: c.exchange_bind("inbox", "amq.topic", "#"), 404),
    "asks for more queues than there are names": (lambda g, c: c.queue_declare("q" * 255), None),
}
READS = {
    "declares": lambda g, c: c.queue_declare("other"), "deletes": lambda g, c: c.queue_delete("own"),
    "publishes": lambda g, c: c.basic_publish("amq.topic", "own", b"y"), "publishes to a queue": lambda g, c: c.basic_publish("", "own", b"y"),
    "declares an exchange": lambda g, c: c.exchange_declare("e"), "binds": lambda g, c: c.queue_bind("own", "amq.topic", "#"),
    "deletes an exchange": lambda g, c: c.exchange_delete("amq.topic"),
}


# ---- the management API ----


def asks(method, path, body=None, statuses=(401,)):
    """A request of the attacker's with its own login; {v} is the victim's vhost, {o} its own, {U} and {V} the logins."""

    def attempt(ground):
        names = {"v": ground.victim["RABBITMQ_VHOST"], "o": ground.env["RABBITMQ_VHOST"], "U": ground.env["RABBITMQ_USER"],
                 "V": ground.victim["RABBITMQ_USER"]}
        status, answer = ground.server.ask(method, path.format(**names), body, ground.env["RABBITMQ_USER"],
                                           ground.env["RABBITMQ_PASSWORD"])
        return f"{status}: {str(answer)[:200]}" if status not in statuses else ground.unchanged()

    return attempt


SHOVEL = {"value": {"src-uri": "amqp://", "src-queue": "secret", "dest-uri": "amqp://", "dest-queue": "own"}}
MANAGEMENT = {
    "asks who it is": ("GET", "/api/whoami"),
    "sees the server": ("GET", "/api/overview"),
    "sees the nodes": ("GET", "/api/nodes"),
    "lists the vhosts": ("GET", "/api/vhosts"),
    "lists the users": ("GET", "/api/users"),
    "lists the connections": ("GET", "/api/connections"),
    "lists the queues of its own": ("GET", "/api/queues/{o}"),
    "lists the victim's queues": ("GET", "/api/queues/{v}"),
    "gets the victim's messages": ("POST", "/api/queues/{v}/secret/get", {"count": 1, "ackmode": "ack_requeue_true", "encoding": "auto"}),
    "publishes to the victim": ("POST", "/api/exchanges/{v}/amq.default/publish",
                                {"properties": {}, "routing_key": "secret", "payload": "x", "payload_encoding": "string"}),
    "empties the victim's queue": ("DELETE", "/api/queues/{v}/secret/contents"),
    "deletes the victim's vhost": ("DELETE", "/api/vhosts/{v}"),
    "makes a vhost": ("PUT", "/api/vhosts/another", {}),
    "becomes administrator": ("PUT", "/api/users/{U}", {"password": "x", "tags": "administrator"}),
    "changes the victim's password": ("PUT", "/api/users/{V}", {"password": "x", "tags": ""}),
    "deletes the victim's user": ("DELETE", "/api/users/{V}"),
    "deletes many users": ("POST", "/api/users/bulk-delete", {"users": ["admin"]}, (401, 405)),
    "gives itself rights": ("PUT", "/api/permissions/{v}/{U}", ALL),
    "takes the victim's rights": ("DELETE", "/api/permissions/{v}/{V}"),
    "keeps the victim from topics": ("PUT", "/api/topic-permissions/{v}/{V}", {"exchange": "amq.topic", "write": "^$", "read": "^$"}),
    "lifts its limits": ("DELETE", "/api/vhost-limits/{o}/max-connections"),
    "lifts its login's limits": ("DELETE", "/api/user-limits/{U}/max-connections"),
    "limits the victim": ("PUT", "/api/vhost-limits/{v}/max-connections", {"value": 0}),
    "sets a policy of its own": ("PUT", "/api/policies/{o}/p", {"pattern": ".*", "definition": {"max-length": 1}}),
    "sets a policy of the victim's": ("PUT", "/api/policies/{v}/p", {"pattern": ".*", "definition": {"expires": 1}}),
    "sets an operator's policy": ("PUT", "/api/operator-policies/{v}/p", {"pattern": ".*", "definition": {"expires": 1}}),
    "moves the victim's messages by a shovel": ("PUT", "/api/parameters/shovel/{v}/s", SHOVEL),
    "runs a shovel in its own vhost": ("PUT", "/api/parameters/shovel/{o}/s", SHOVEL),
    "makes an upstream of the victim": ("PUT", "/api/parameters/federation-upstream/{o}/u", {"value": {"uri": "amqp://"}}),
    "changes the mark": ("PUT", "/api/global-parameters/tsuru-broker-mark", {"name": "tsuru-broker-mark", "value": "x"}),
    "drops the mark": ("DELETE", "/api/global-parameters/tsuru-broker-mark"),
    "reads the mark": ("GET", "/api/global-parameters/tsuru-broker-mark"),
    "reads all definitions": ("GET", "/api/definitions"),
    "loads definitions": ("POST", "/api/definitions", {"users": [{"name": "x", "password": "x", "tags": "administrator"}]}),
    "loads definitions of the victim's": ("POST", "/api/definitions/{v}", {"queues": []}),
    "ends all sessions of the victim": ("DELETE", "/api/connections/username/{V}"),
    "traces the victim": ("PUT", "/api/vhosts/{v}", {"tracing": True}),
    "starts a vhost anew": ("POST", "/api/vhosts/{v}/start/broker@localhost"),
    "changes the cluster's name": ("PUT", "/api/cluster-name", {"name": "x"}),
    "resets the statistics": ("DELETE", "/api/reset"),
    "checks the victim's life": ("GET", "/api/aliveness-test/{v}"),
    "moves queues": ("POST", "/api/rebalance/queues", {}),
    "enables a feature": ("PUT", "/api/feature-flags/x/enable", {}, (401, 404, 405)),
    "goes up in the path": ("GET", "/api/queues/{o}/../{v}"),
}


def open_to_nobody(ground):
    """Without a login, or with the login of the query that downloads once had."""
    import base64  # pylint: disable=import-outside-toplevel
    import http.client  # pylint: disable=import-outside-toplevel

    token = base64.b64encode(f"{ground.env['RABBITMQ_USER']}:{ground.env['RABBITMQ_PASSWORD']}".encode()).decode()
    for path in ("/api/definitions", f"/api/definitions?auth={token}", "/api/users", "/api/vhosts"):
        connection = http.client.HTTPConnection("127.0.0.1", ground.server.api_port, timeout=TIMEOUT)
        connection.request("GET", path)
        status = connection.getresponse().status
        connection.close()
        if status != 401:
            return f"{path} answers {status}"
    return None


# ---- limits ----


def more_than_its_plan(ground):
    """The first plan of the sample has limits of all kinds."""
    plan, env = sample_plans()[0], ground.attackers[0]
    open_ones, queues = [], 0
    try:
        with contextlib.suppress(*ERRORS):
            while len(open_ones) <= plan["max_user_connections"]:
                open_ones.append(ground.log_in(env))
        if len(open_ones) != plan["max_user_connections"]:
            return f"it has {len(open_ones)} connections, where the plan gives {plan['max_user_connections']}"
        channel = open_ones[0].channel()
        with contextlib.suppress(*ERRORS):
            while queues <= plan["max_queues"]:
                channel.queue_declare(f"q{queues}", exclusive=True)
                queues += 1
        return None if queues == plan["max_queues"] else f"it has {queues} queues, where the plan gives {plan['max_queues']}"
    finally:
        for connection in open_ones:
            with contextlib.suppress(*ERRORS):
                connection.close()


# ---- to stay in ----


def is_shut(ground, env):
    try:
        ground.log_in(env).close()
        return False
    except ERRORS:
        return True


def lives(connection):
    try:
        connection.channel().close()
        return True
    except ERRORS:
        return False


def consuming(ground, env, connection):
    channel = connection.channel()
    channel.queue_declare("q", durable=True)
    channel.basic_consume("q", lambda *_: None)


def holding(ground, env, connection):
    channel = connection.channel()
    channel.queue_declare("q", durable=True)
    channel.confirm_delivery()
    channel.basic_publish("", "q", b"x", mandatory=True)
    assert channel.basic_get("q")[0] is not None


def in_a_transaction(ground, env, connection):
    channel = connection.channel()
    channel.queue_declare("q", durable=True)
    channel.tx_select()
    channel.basic_publish("", "q", b"x")


def exclusive(ground, env, connection):
    connection.channel().queue_declare("only-mine", exclusive=True)


STATES = {
    "idle": lambda ground, env, connection: connection.channel(), "consuming": consuming, "holding a message": holding,
    "in a transaction": in_a_transaction, "with a queue of its own": exclusive,
}


def ends(prepare, how="unbind"):
    def attempt(ground):
        name, env = ground.fresh()
        connections = [ground.log_in(env, heartbeat=0), ground.log_in(env, heartbeat=0)]
        for connection in connections:
            with contextlib.suppress(pika.exceptions.ChannelClosedByBroker):
                prepare(ground, env, connection)
        if how == "rotate":
            assert ground.tsuru.bind(name, "app").json["RABBITMQ_PASSWORD"] != env["RABBITMQ_PASSWORD"]
        elif how == "remove":
            assert ground.tsuru.remove(name).status == 200
        else:
            assert ground.tsuru.unbind(name, "app").status == 200
        if not is_shut(ground, env):
            return "the login works"
        # The server hangs up at once; that the session learns of it takes a moment.
        with contextlib.suppress(AssertionError):
            wait_until("the sessions are over", lambda: not any(lives(connection) for connection in connections))
            return None
        return "a session lives"

    return attempt


def deaf(ground):
    """A session that does not answer to its end, and goes on to publish: nothing of it arrives."""
    name, env = ground.fresh()
    other = ground.log_in(ground.tsuru.bind(name, "other").json, heartbeat=0)
    other.channel().queue_declare("q", durable=True)
    with contextlib.closing(Halfway(ground.server, env).socket) as raw:
        frames = Frames(raw)
        frames.send(10, 40, bytes([len(env["RABBITMQ_VHOST"])]) + env["RABBITMQ_VHOST"].encode() + b"\0\0")
        assert frames.read() == (10, 41)
        frames.send(20, 10, b"\0", channel=1)
        assert frames.read() == (20, 11)
        assert ground.tsuru.unbind(name, "app").status == 200
        with contextlib.suppress(OSError):
            for _ in range(20):
                frames.send(60, 40, struct.pack(">H", 0) + b"\0" + b"\x01q" + b"\0", channel=1)
                header = struct.pack(">HHQH", 60, 0, 1, 0)
                raw.sendall(struct.pack(">BHI", 2, 1, len(header)) + header + b"\xce" + struct.pack(">BHI", 3, 1, 1) + b"x\xce")
                time.sleep(0.05)
    count = other.channel().queue_declare("q", passive=True).method.message_count
    other.close()
    return None if count == 0 else f"{count} messages arrived after the unbind"


def halfway(ground):
    """One that has shown its password and not yet named its vhost."""
    name, env = ground.fresh()
    session = Halfway(ground.server, env)
    assert ground.tsuru.unbind(name, "app").status == 200
    try:
        return "it gets in" if session.open(env["RABBITMQ_VHOST"]) == (10, 41) else None
    except OSError:
        return None
    finally:
        session.socket.close()


def knocking(ground):
    """Sessions that are begun all the time while the login ends."""
    name, env = ground.fresh()
    sessions, over = [], threading.Event()

    def knock():
        while not over.is_set():
            with contextlib.suppress(*ERRORS):
                sessions.append(ground.log_in(env, heartbeat=0))

    threads = [threading.Thread(target=knock) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        wait_until("it knocks", lambda: len(sessions) > 3)
        ground.tsuru.unbind(name, "app")
    finally:
        over.set()
        for thread in threads:
            thread.join()
    with contextlib.suppress(AssertionError):
        wait_until("the sessions are over", lambda: not any(lives(session) for session in sessions))
        return None
    return "a session lives"


def unacknowledged(ground):
    """A message that an ended session holds goes to who may have it."""
    name, env = ground.fresh()
    other = ground.log_in(ground.tsuru.bind(name, "other").json, heartbeat=0)
    session = ground.log_in(env, heartbeat=0)
    holding(ground, env, session)
    ground.tsuru.unbind(name, "app")
    channel = other.channel()
    try:
        wait_until("the message is back", lambda: channel.basic_get("q", auto_ack=True)[0] is not None)
        return None
    finally:
        other.close()


def the_same_name_again(ground):
    name, env = ground.fresh()
    with contextlib.closing(ground.log_in(env)) as connection:
        connection.channel().queue_declare("q", durable=True)
    ground.tsuru.remove(name)
    again = ground.bind(name, "large")
    if again["RABBITMQ_VHOST"] == env["RABBITMQ_VHOST"]:
        return "it is the same vhost"
    with contextlib.closing(ground.log_in(again)) as connection:
        with contextlib.suppress(pika.exceptions.ChannelClosedByBroker):
            connection.channel().queue_declare("q", passive=True)
            return "a queue of the one before is there"
    return None if is_shut(ground, env) else "the old login works"


def odd_names_and_a_removal(ground):
    """Queues and exchanges of any name; the removal and the purge take them and nothing else."""
    name, env = ground.fresh()
    with contextlib.closing(ground.log_in(env)) as connection:
        channel = connection.channel()
        for number, queue in enumerate(("%2F", "../" + ground.victim["RABBITMQ_VHOST"], "a/b", "\u00fc" * 100, " ", "?x=y#z", "\0")):
            channel.queue_declare(queue, durable=True)
            channel.exchange_declare(f"e{number}{queue}", durable=True)
    ground.tsuru.remove(name)
    ground.broker.ctl("purge", f"rabbitmq/{name}")
    wait_until("it is purged", lambda: env["RABBITMQ_VHOST"] not in ground.server.vhosts())
    return ground.unchanged()


# ---- MQTT ----


def mqtt(ground, user, password, topic=None):
    """Whether it is let in; with a topic, it subscribes and stays: the socket."""
    raw = socket.create_connection(("127.0.0.1", ground.mqtt), TIMEOUT)

    def text(value):
        return struct.pack(">H", len(value)) + value

    body = text(b"MQTT") + b"\x04\xc0" + struct.pack(">H", 0) + text(b"attacker") + text(user.encode()) + text(password.encode())
    raw.sendall(b"\x10" + length(len(body)) + body)
    answer = raw.recv(4)
    if len(answer) < 4 or answer[3] != 0:
        raw.close()
        return None
    if topic is not None:
        body = struct.pack(">H", 1) + text(topic.encode()) + b"\0"
        raw.sendall(b"\x82" + length(len(body)) + body)
        raw.recv(5)
    return raw


def length(number):
    out = b""
    while True:
        byte, number = number % 128, number // 128
        out += bytes([byte | (0x80 if number else 0)])
        if number == 0:
            return out


def mqtt_elsewhere(ground):
    env, victim = ground.env, ground.victim
    for user, password in ((f"{victim['RABBITMQ_VHOST']}:{env['RABBITMQ_USER']}", env["RABBITMQ_PASSWORD"]),
                           (f"/:{env['RABBITMQ_USER']}", env["RABBITMQ_PASSWORD"]), (env["RABBITMQ_USER"], env["RABBITMQ_PASSWORD"]),
                           (f"{victim['RABBITMQ_VHOST']}:{victim['RABBITMQ_USER']}", ""), ("", "")):
        if mqtt(ground, user, password) is not None:
            return f"{user} is let in"
    return None


def mqtt_stays(ground):
    name, env = ground.fresh()
    raw = mqtt(ground, f"{env['RABBITMQ_VHOST']}:{env['RABBITMQ_USER']}", env["RABBITMQ_PASSWORD"], "#")
    assert raw is not None, "its own login has to work"
    ground.tsuru.unbind(name, "app")
    raw.settimeout(TIMEOUT)
    with contextlib.closing(raw):
        try:
            return None if raw.recv(1) == b"" else "it is answered"
        except ConnectionResetError:
            return None
        except TimeoutError:
            return "it stays"


ATTEMPTS = [
    *((f"an app enters {name}", enters(*entry)) for name, entry in ENTRIES.items()),
    *((f"an app logs in {name}", mechanism(*entry)) for name, entry in MECHANISMS.items()),
    *((f"an app {name}", on_channel(*entry)) for name, entry in CHANNEL.items()),
    *((f"a login that only reads {name}", on_channel(action, 403, env="reader")) for name, action in READS.items()),
    *((f"in the management API an app {name}", asks(*entry)) for name, entry in MANAGEMENT.items()),
    ("the management API without a login", open_to_nobody),
    ("more than its plan", more_than_its_plan),
    *((f"a session {name} stays after the unbind", ends(prepare)) for name, prepare in STATES.items()),
    ("a session idle stays after a new password", ends(STATES["idle"], "rotate")),
    ("a session consuming stays after the removal", ends(STATES["consuming"], "remove")),
    ("a session that does not hear of its end", deaf),
    ("a session that is just beginning", halfway),
    ("sessions that begin while the login ends", knocking),
    ("a message that an ended session holds", unacknowledged),
    ("the name of a removed instance again", the_same_name_again),
    ("odd names and a removal", odd_names_and_a_removal),
    ("MQTT in another's vhost", mqtt_elsewhere),
    ("an MQTT session stays after the unbind", mqtt_stays),
]
