"""What apps on Redis may try: against other tenants of a shared server, with each plan that conf/samples/redis.yaml offers and
with `read_only` binds; against the broker on a server of their own; and to stay in after their bind has ended."""

import contextlib
import json
import os
import threading
import time

import redis
import yaml

from harness import TIMEOUT, Broker, Tsuru, wait_until
from redis_server import Redis

ADMINS = ("plain", "superuser")
ROOT = os.path.join(os.path.dirname(__file__), "..", "..")
SECRET = "the-victim's-secret"
CLIENTS = 60  # that the shared server takes


def sample_plans(dedicated):
    with open(os.path.join(ROOT, "conf", "samples", "redis.yaml"), encoding="utf-8") as file:
        services = yaml.safe_load(file)["services"]
    return [plan for service in services for plan in service["plans"] if plan.get("dedicated", False) == dedicated]


class Ground:
    """A shared server with a victim and an attacker of each plan, and a server that is an attacker's own."""

    def __init__(self, admin):
        options = ("--notify-keyspace-events", "KEA", "--maxclients", str(CLIENTS), "--busy-reply-threshold", "200", "--enable-debug-command", "yes",
                   "--enable-module-command", "yes")
        self.shared, self.own = Redis(options=options), Redis(options=options)
        plans = {name: sample_plans(name == "own") for name in ("shared", "own")}
        services = [{"name": name, "driver": "redis", "password": "x", "plans": plans[name],
                     "servers": [{"name": "main", "url": server.plain_url() if admin == "plain" else server.url(), "capacity": 1 if name == "own" else 500}]}
                    for name, server in (("shared", self.shared), ("own", self.own))]
        self.broker = Broker("".join(f"  - {json.dumps(service)}\n" for service in services)).start()
        self.tsuru, self.owner = Tsuru(self.broker, "shared", "x"), Tsuru(self.broker, "own", "x")
        self.number = 0
        self.victim = self.bind("victim", plans["shared"][0]["name"])
        self.attackers = [self.bind(f"attacker{number}", plan["name"]) for number, plan in enumerate(plans["shared"])]
        self.reader = self.tsuru.bind("attacker0", "reader", parameters={"read_only": True}).json
        assert self.owner.create("whole", plans["own"][0]["name"]).status == 201
        self.whole = self.owner.bind("whole", "app").json
        self.furnish()
        self.before = self.state()

    def bind(self, name, plan=""):
        assert self.tsuru.create(name, plan).status == 201
        return self.tsuru.bind(name, "app").json

    def furnish(self):
        """The victim's things, and some of each attacker's own to work with."""
        for env in (self.victim, *self.attackers):
            client, prefix = self.log_in(env), env["REDIS_PREFIX"]
            client.set(prefix + "s", SECRET if env is self.victim else "own")
            client.rpush(prefix + "l", SECRET if env is self.victim else "1", "2")
            client.hset(prefix + "h", "f", SECRET if env is self.victim else "1")
            client.sadd(prefix + "set", SECRET if env is self.victim else "1")
            client.zadd(prefix + "z", {SECRET if env is self.victim else "1": 1})
            client.xadd(prefix + "x", {"f": SECRET if env is self.victim else "1"})

    def log_in(self, env, server=None):
        return (server or self.shared).client(env["REDIS_USER"], env["REDIS_PASSWORD"], retry=None)

    def state(self):
        """All of the victim's content, the users, and what the server does."""
        admin = redis.Redis(port=self.shared.port, username="admin", password=self.shared.password, socket_timeout=TIMEOUT)
        prefix = self.victim["REDIS_PREFIX"]
        return ({key: admin.dump(key) for key in admin.scan_iter(match=prefix + "*", count=1000)}, sorted(admin.acl_list()),
                admin.execute_command("FUNCTION LIST"), admin.config_get("dir"), admin.config_get("maxmemory*"), admin.role()[0])

    def fresh(self, server=None, plan=""):
        """An app on an instance of its own, to be unbound: (instance, environment)."""
        if server is self.own:
            return "whole", self.owner.bind("whole", "other").json
        self.number += 1
        name = f"fresh{self.number}"
        return name, self.bind(name, plan)

    def close(self):
        self.broker.close()
        for server in (self.shared, self.own):
            server.close()


# ---- commands that must not be there ----


def forbidden(*command):
    """An attempt: every kind of login asks for it. {o} is its own prefix, {v} the victim's, {u} the victim's login."""

    def attempt(ground):
        for env in (*ground.attackers, ground.reader):
            words = [word.format(o=env["REDIS_PREFIX"], v=ground.victim["REDIS_PREFIX"], u=ground.victim["REDIS_USER"])
                     if isinstance(word, str) else word for word in command]
            with contextlib.closing(ground.log_in(env)) as client:
                try:
                    answer = client.execute_command(*words)
                except redis.exceptions.TimeoutError:
                    return "it hung"
                except redis.exceptions.AuthenticationError:
                    continue
                except (redis.exceptions.NoPermissionError, redis.exceptions.ResponseError) as error:
                    # An error for another reason than rights or the place of keys would say nothing of rights.
                    if not any(sign in str(error) for sign in ("permission", "denied", "WRONGPASS", "NOPERM")):
                        return f"refused for another reason: {error}"
                    continue
            return f"answered {str(answer)[:100]!r}"
        after = ground.state()
        return None if after == ground.before else "the victim's things, or the server's, are not what they were"

    return attempt


LOOP = "while true do end"
LIBRARY = "#!lua name=l\nredis.register_function('f', function(k, a) return redis.call('GET', k[1]) end)"

COMMANDS = {
    "reads another's text": ("GET", "{v}s"),
    "reads another's with its own": ("MGET", "{o}s", "{v}s"),
    "reads another's list": ("LRANGE", "{v}l", "0", "-1"),
    "reads another's hash": ("HGETALL", "{v}h"),
    "reads another's set": ("SMEMBERS", "{v}set"),
    "reads another's sorted set": ("ZRANGE", "{v}z", "0", "-1"),
    "reads another's stream": ("XRANGE", "{v}x", "-", "+"),
    "reads another's stream, several at once": ("XREAD", "STREAMS", "{o}x", "{v}x", "0", "0"),
    "makes a group on another's stream": ("XGROUP", "CREATE", "{v}x", "g", "0"),
    "dumps another's key": ("DUMP", "{v}s"),
    "asks for the kind of another's key": ("TYPE", "{v}s"),
    "asks whether another's key exists": ("EXISTS", "{v}s"),
    "asks for the size of another's key": ("MEMORY", "USAGE", "{v}s"),
    "asks for the encoding of another's key": ("OBJECT", "ENCODING", "{v}s"),
    "waits for another's list": ("BLPOP", "{v}l", "1"),
    "watches another's key": ("WATCH", "{v}s"),
    "compares with another's text": ("LCS", "{o}s", "{v}s"),
    "overwrites another's text": ("SET", "{v}s", "x"),
    "appends to another's text": ("APPEND", "{v}s", "x"),
    "deletes another's key": ("DEL", "{v}s"),
    "unlinks another's key": ("UNLINK", "{o}s", "{v}s"),
    "lets another's key expire": ("PEXPIRE", "{v}s", "1"),
    "renames its own over another's": ("RENAME", "{o}s", "{v}s"),
    "renames another's to its own": ("RENAME", "{v}s", "{o}t"),
    "moves from another's list": ("LMOVE", "{v}l", "{o}l", "LEFT", "LEFT"),
    "moves from another's set": ("SMOVE", "{v}set", "{o}set", "x"),
    "stores a union over another's": ("SUNIONSTORE", "{v}set", "{o}set"),
    "stores a union with another's": ("ZUNIONSTORE", "{o}u", "2", "{o}z", "{v}z"),
    "stores a range of another's": ("ZRANGESTORE", "{o}u", "{v}z", "0", "-1"),
    "stores places over another's": ("GEORADIUS", "{o}g", "1", "1", "1", "m", "STORE", "{v}g"),
    "joins bits of another's": ("BITOP", "OR", "{o}b", "{o}s", "{v}s"),
    "copies another's key": ("COPY", "{v}s", "{o}c"),
    "copies into another database": ("COPY", "{o}s", "{o}s", "DB", "1"),
    "moves to another database": ("MOVE", "{o}s", "1"),
    "goes to another database": ("SELECT", "1"),
    "swaps the databases": ("SWAPDB", "0", "1"),
    "sorts by another's keys": ("SORT", "{o}l", "BY", "{v}*"),
    "sorts and takes another's keys": ("SORT_RO", "{o}l", "BY", "nosort", "GET", "{v}s"),
    "sorts and stores at another's": ("SORT", "{o}l", "STORE", "{v}l"),
    "sees all keys": ("KEYS", "*"),
    "walks through all keys": ("SCAN", "0", "MATCH", "{v}*"),
    "gets any key": ("RANDOMKEY",),
    "counts all keys": ("DBSIZE",),
    "sees what the server has": ("INFO", "keyspace"),
    "empties the server": ("FLUSHALL",),
    "empties the database": ("FLUSHDB",),
    "listens to another's channel": ("SUBSCRIBE", "{v}c"),
    "listens to all channels": ("PSUBSCRIBE", "*"),
    "listens to another's shards": ("SSUBSCRIBE", "{v}c"),
    "listens to what is done with keys": ("PSUBSCRIBE", "__key*__:*"),
    "publishes in another's channel": ("PUBLISH", "{v}c", "x"),
    "lists the channels": ("PUBSUB", "CHANNELS"),
    "counts another's listeners": ("PUBSUB", "NUMSUB", "{v}c"),
    "follows all keys that change": ("CLIENT", "TRACKING", "ON", "BCAST"),
    "lists the clients": ("CLIENT", "LIST"),
    "ends another's sessions": ("CLIENT", "KILL", "USER", "{u}"),
    "pauses all clients": ("CLIENT", "PAUSE", "1000"),
    "wakes another's waiting client": ("CLIENT", "UNBLOCK", "1"),
    "keeps from being evicted": ("CLIENT", "NO-EVICT", "ON"),
    "runs a script": ("EVAL", "return redis.call('GET', KEYS[1])", "1", "{v}s"),
    "runs a script that only reads": ("EVAL_RO", "return redis.call('GET', KEYS[1])", "1", "{v}s"),
    "runs a script that nothing ends": ("EVAL", LOOP, "0"),
    "runs a script by its name": ("EVALSHA", "e0e1f9fabfc9d4800c877a703b823ac0578ff8db", "0"),
    "loads a script": ("SCRIPT", "LOAD", "return 1"),
    "flushes others' scripts": ("SCRIPT", "FLUSH"),
    "ends another's script": ("SCRIPT", "KILL"),
    "lists functions": ("FUNCTION", "LIST", "WITHCODE"),
    "loads a function": ("FUNCTION", "LOAD", LIBRARY),
    "replaces another's function": ("FUNCTION", "LOAD", "REPLACE", LIBRARY),
    "flushes others' functions": ("FUNCTION", "FLUSH"),
    "dumps the functions": ("FUNCTION", "DUMP"),
    "calls a function": ("FCALL", "f", "1", "{v}s"),
    "lists the users": ("ACL", "LIST"),
    "widens its own rights": ("ACL", "SETUSER", "{u}", "+@all", "~*"),
    "sees another's user": ("ACL", "GETUSER", "{u}"),
    "drops another's user": ("ACL", "DELUSER", "{u}"),
    "reads the log of denials": ("ACL", "LOG"),
    "drops the mark": ("ACL", "DELUSER", "tsuru-broker-mark"),
    "reads the configuration": ("CONFIG", "GET", "*"),
    "writes files where it likes": ("CONFIG", "SET", "dir", "/tmp"),
    "takes the password away": ("CONFIG", "SET", "requirepass", ""),
    "debugs": ("DEBUG", "OBJECT", "{v}s"),
    "loads a module": ("MODULE", "LOAD", "/tmp/x.so"),
    "watches all commands": ("MONITOR",),
    "becomes a replica": ("PSYNC", "?", "-1"),
    "makes the server a replica": ("REPLICAOF", "127.0.0.1", "1"),
    "sends keys to another server": ("MIGRATE", "127.0.0.1", "1", "{o}s", "0", "1"),
    "restores what it likes": ("RESTORE", "{o}r", "0", "x"),
    "saves": ("BGSAVE",),
    "ends the server": ("SHUTDOWN", "NOSAVE"),
    "reads the slow log": ("SLOWLOG", "GET"),
    "reads the latencies": ("LATENCY", "LATEST"),
    "logs in as another": ("AUTH", "{u}", "guess"),
    "logs in as the mark": ("AUTH", "tsuru-broker-mark", ""),
    "greets as the admin": ("HELLO", "3", "AUTH", "admin", ""),
}


# ---- commands that write, by a login that only reads ----


def writes(*command):
    def attempt(ground):
        prefix = ground.reader["REDIS_PREFIX"]
        with contextlib.closing(ground.log_in(ground.reader)) as client:
            try:
                answer = client.execute_command(*(word.format(o=prefix) for word in command))
            except redis.exceptions.NoPermissionError:
                return None
            return f"answered {answer!r}"

    return attempt


WRITES = {
    "sets": ("SET", "{o}s", "x"), "deletes": ("DEL", "{o}s"), "reads and deletes": ("GETDEL", "{o}s"),
    "reads and lets expire": ("GETEX", "{o}s", "PX", "1"), "renames": ("RENAME", "{o}s", "{o}t"), "pops": ("LPOP", "{o}l"),
    "adds to a stream": ("XADD", "{o}x", "*", "f", "v"), "makes a group": ("XGROUP", "CREATE", "{o}x", "g", "0"),
    "writes bits": ("BITFIELD", "{o}s", "SET", "u8", "0", "1"), "publishes": ("PUBLISH", "{o}c", "x"),
    "sorts and stores": ("SORT", "{o}l", "STORE", "{o}m"),
}


# ---- what is not another's by its name ----


def name_of_another(ground):
    """An instance whose name is the victim's name on the server."""
    name = "v" + ground.victim["REDIS_PREFIX"].rstrip(":").replace(":", "")
    env = ground.bind(name)
    with contextlib.closing(ground.log_in(env)) as client:
        for key in (ground.victim["REDIS_PREFIX"] + "s", ground.victim["REDIS_PREFIX"].rstrip(":") + "s"):
            try:
                return f"{key} gives {client.get(key)!r}"
            except redis.exceptions.NoPermissionError:
                pass
    return None


def odd_keys_and_a_removal(ground):
    """Keys whose names are patterns, protocol, or no text at all: the removal takes them and nothing else."""
    name, env = ground.fresh()
    prefix = env["REDIS_PREFIX"]
    client = redis.Redis(port=ground.shared.port, username=env["REDIS_USER"], password=env["REDIS_PASSWORD"])
    victim = ground.victim["REDIS_PREFIX"]
    for end in ("*", "?", "[a-z]*", "\\", "", " ", "\r\nFLUSHALL\r\n", "*\r\n$8\r\nFLUSHALL\r\n", victim + "s", "\0", "x" * 70000):
        client.set((prefix + end).encode(), "x")
    client.set(prefix.encode() + bytes(range(256)), "x")
    client.close()
    ground.tsuru.remove(name)
    admin = redis.Redis(port=ground.shared.port, username="admin", password=ground.shared.password)
    wait_until("the removal is over", lambda: ground.broker.ctl("instances", "--json", "--name", name) == [])
    left = list(admin.scan_iter(match=prefix + "*", count=1000))
    admin.close()
    if left:
        return f"{left[:3]!r} are left"
    return None if ground.state()[0] == ground.before[0] else "the victim's keys are not what they were"


def the_same_name_again(ground):
    """A new instance of the name of one that was removed sees and reaches nothing of it; the old login stays shut."""
    name, env = ground.fresh()
    old = Session(ground, env)
    old.ask("SET", env["REDIS_PREFIX"] + "s", SECRET)
    ground.tsuru.remove(name)
    again = ground.bind(name)
    if again["REDIS_PREFIX"] == env["REDIS_PREFIX"] or again["REDIS_USER"] == env["REDIS_USER"]:
        return "it has the names of the one before"
    return None if is_shut(ground, env, old) else "the old login works"


def nobody(ground):
    """Without any login."""
    for server in (ground.shared, ground.own):
        with contextlib.closing(redis.Redis(port=server.port, socket_timeout=TIMEOUT)) as client:
            with contextlib.suppress(redis.RedisError):
                return f"it is answered {client.execute_command('GET', ground.victim['REDIS_PREFIX'] + 's')!r}"
    return None


def the_hash_as_password(ground):
    """The server keeps hashes; one of them is no password."""
    env = ground.victim
    hashed = ground.shared.client().acl_getuser(env["REDIS_USER"])["passwords"][0]
    for password in (hashed, "#" + hashed):
        with contextlib.suppress(redis.RedisError):
            ground.shared.client(env["REDIS_USER"], password).ping()
            return "it is let in"
    return None


# ---- to stay in ----


def is_shut(ground, env, *sessions, server=None):
    """Whether the login is refused, and each session that was open is ended."""
    with contextlib.suppress(redis.exceptions.ResponseError, redis.exceptions.AuthenticationError):
        Session(ground, env, server).close()
        return False
    return not any(session.lives() for session in sessions)


class Session:
    """One connection that is not made anew when it is lost."""

    def __init__(self, ground, env, server=None):
        server = server or ground.shared
        self.connection = redis.Connection(port=server.port, username=env["REDIS_USER"], password=env["REDIS_PASSWORD"],
                                           socket_timeout=TIMEOUT, decode_responses=True)
        self.connection.connect()

    def ask(self, *command):
        self.connection.send_command(*command)
        return self.connection.read_response()

    def lives(self):
        """Whether it is answered in the end; what it waited for, and errors of that, may come before."""
        with contextlib.suppress(redis.exceptions.TimeoutError):
            try:
                self.connection.send_command("ECHO", "here")
                while True:
                    with contextlib.suppress(redis.exceptions.ResponseError):
                        if self.connection.read_response() == "here":
                            return True
            except (redis.exceptions.ConnectionError, OSError):
                return False
        return True

    def close(self):
        self.connection.disconnect()


def ends(prepare, how="unbind"):
    """An attempt: prepare(session, prefix) leaves a session in some state; the login is taken away; it has to be over."""

    def attempt(ground):
        name, env = ground.fresh()
        session = Session(ground, env)
        prepare(session, env["REDIS_PREFIX"])
        if how == "rotate":
            new = ground.tsuru.bind(name, "app").json
            if new["REDIS_PASSWORD"] == env["REDIS_PASSWORD"]:
                return "the password is the same"
        elif how == "remove":
            assert ground.tsuru.remove(name).status == 200
        else:
            assert ground.tsuru.unbind(name, "app").status == 200
        try:
            return None if is_shut(ground, env, session) else "it is still in"
        finally:
            session.close()

    return attempt


def in_silence(session, prefix):
    session.connection.send_command("CLIENT", "REPLY", "OFF")
    session.connection.send_command("SET", prefix + "quiet", "x")


def queueing(session, prefix):
    session.ask("MULTI")
    session.ask("SET", prefix + "k", "x")


STATES = {
    "idle": lambda session, prefix: session.ask("PING"),
    "queueing a transaction": queueing,
    "watching a key": lambda session, prefix: session.ask("WATCH", prefix + "k"),
    "waiting for a list": lambda session, prefix: session.connection.send_command("BLPOP", prefix + "none", "0"),
    "waiting for a stream": lambda session, prefix: session.connection.send_command(
        "XREAD", "BLOCK", "0", "STREAMS", prefix + "none", "$"),
    "waiting for replicas": lambda session, prefix: session.connection.send_command("WAIT", "9", "0"),
    "listening to a channel": lambda session, prefix: session.ask("SUBSCRIBE", prefix + "c"),
    "listening to a pattern": lambda session, prefix: session.ask("PSUBSCRIBE", prefix + "*"),
    "with a name of its own": lambda session, prefix: session.ask("CLIENT", "SETNAME", "tsuru-broker"),
    "that wants no answers": in_silence,
}


def transaction_after_the_end(ground):
    """What was queued before is not done after."""
    name, env = ground.fresh()
    other = ground.tsuru.bind(name, "other").json
    session = Session(ground, env)
    queueing(session, env["REDIS_PREFIX"])
    ground.tsuru.unbind(name, "app")
    with contextlib.suppress(redis.RedisError, OSError):
        session.ask("EXEC")
    session.close()
    return None if ground.log_in(other).get(env["REDIS_PREFIX"] + "k") is None else "the transaction was done"


def messages_after_the_end(ground):
    name, env = ground.fresh()
    other = ground.tsuru.bind(name, "other").json
    session = Session(ground, env)
    session.ask("SUBSCRIBE", env["REDIS_PREFIX"] + "c")
    ground.tsuru.unbind(name, "app")
    return None if ground.log_in(other).publish(env["REDIS_PREFIX"] + "c", SECRET) == 0 else "it got the message"


def all_connections(ground):
    """Every connection that the server takes is the attacker's: the broker has one, and ends the login by it."""
    name, env = ground.fresh()
    sessions = []
    with contextlib.suppress(redis.RedisError, OSError):
        while len(sessions) < CLIENTS + 1:
            sessions.append(Session(ground, env))
    try:
        assert len(sessions) < CLIENTS, "the server is full"
        if ground.tsuru.unbind(name, "app").status != 200:
            return "the unbind failed"
        return None if is_shut(ground, env, *sessions) else "it is still in"
    finally:
        for session in sessions:
            session.close()


def many_sessions(ground):
    name, env = ground.fresh()
    sessions = [Session(ground, env) for _ in range(20)]
    ground.tsuru.unbind(name, "app")
    return None if is_shut(ground, env, *sessions) else "one of them is still in"


def knocking(ground):
    """Sessions that are begun all the time while the password changes: none of the old password's is left."""
    name, env = ground.fresh()
    sessions, over = [], threading.Event()

    def knock():
        while not over.is_set():
            with contextlib.suppress(redis.RedisError, OSError):
                sessions.append(Session(ground, env))
                if len(sessions) > 30:
                    sessions.pop(0).close()
            time.sleep(0.002)

    thread = threading.Thread(target=knock)
    thread.start()
    try:
        wait_until("it knocks", lambda: len(sessions) > 5)
        ground.tsuru.bind(name, "app")
    finally:
        over.set()
        thread.join()
    try:
        return None if is_shut(ground, env, *sessions) else "a session with the old password is in"
    finally:
        for session in sessions:
            session.close()


# ---- on a server of its own ----


def own_forbidden(*command):
    def attempt(ground):
        with contextlib.closing(ground.log_in(ground.whole, ground.own)) as client:
            words = [word.format(u=ground.whole["REDIS_USER"]) for word in command]
            before = ground.own.client().acl_list()
            try:
                answer = client.execute_command(*words)
            except redis.exceptions.ResponseError as error:
                users = ground.own.client().acl_list()
                if not any(sign in str(error) for sign in ("permission", "not allowed from script")):
                    return f"refused for another reason: {error}"
                return None if users == before else "the users are others"
        return f"answered {str(answer)[:100]!r}"

    return attempt


def by_script(command):
    return "EVAL", f"return redis.call({command})", "0"


OWN = {
    "gives itself all rights": ("ACL", "SETUSER", "{u}", "+@all"),
    "gives itself all rights in a script": by_script("'ACL', 'SETUSER', 'x', 'on', 'nopass', '+@all', '~*'"),
    "shuts the broker out": ("ACL", "SETUSER", "admin", "off"),
    "drops the mark": ("ACL", "DELUSER", "tsuru-broker-mark"),
    "drops the mark in a script": by_script("'ACL', 'DELUSER', 'tsuru-broker-mark'"),
    "loads other users": ("ACL", "LOAD"),
    "lists the users": ("ACL", "LIST"),
    "ends the broker's sessions": ("CLIENT", "KILL", "USER", "admin"),
    "pauses all clients": ("CLIENT", "PAUSE", "100000"),
    "changes the configuration": ("CONFIG", "SET", "aclfile", "/dev/null"),
    "changes the configuration in a script": by_script("'CONFIG', 'SET', 'maxclients', '1'"),
    "ends the server": ("SHUTDOWN", "NOSAVE"),
    "makes the server a replica": ("REPLICAOF", "127.0.0.1", "1"),
    "loads a module": ("MODULE", "LOAD", "/tmp/x.so"),
    "sends keys elsewhere": ("MIGRATE", "127.0.0.1", "1", "k", "0", "1"),
    "debugs": ("DEBUG", "SEGFAULT"),
    "watches the broker's commands": ("MONITOR",),
}


def busy(*command):
    """A script or function that nothing ends: the unbind does."""

    def attempt(ground):
        name, env = ground.fresh(ground.own)
        session = Session(ground, env, ground.own)
        if command[0] == "FCALL":
            session.ask("FUNCTION", "LOAD", "REPLACE", f"#!lua name=b\nredis.register_function('b', function(k, a) {LOOP} end)")
        session.connection.send_command(*command)
        wait_until("the server is busy", lambda: is_busy(ground))
        if ground.owner.unbind(name, "other").status != 200:
            return "the unbind failed"
        try:
            return None if is_shut(ground, env, session, server=ground.own) else "it is still in"
        finally:
            session.close()

    return attempt


def is_busy(ground):
    with contextlib.closing(ground.log_in(ground.whole, ground.own)) as client:
        try:
            client.get("k")
            return False
        except redis.RedisError as error:
            return "BUSY" in str(error)


def what_the_tenant_before_left(ground):
    """Keys in other databases, functions and scripts of one tenant are not the next one's."""
    client = ground.log_in(ground.whole, ground.own)
    client.execute_command("FUNCTION", "LOAD", "REPLACE", LIBRARY)
    client.set("s", SECRET)
    client.execute_command("SELECT", "7")
    client.close()
    deep = redis.Redis(port=ground.own.port, username=ground.whole["REDIS_USER"], password=ground.whole["REDIS_PASSWORD"], db=7)
    deep.set("s", SECRET)
    deep.close()
    assert ground.owner.remove("whole").status == 200
    if client_is_let_in(ground, ground.whole):
        return "the login of the removed instance works"
    ground.broker.ctl("purge", "own/whole")
    assert ground.owner.create("whole").status == 201
    ground.whole = ground.owner.bind("whole", "app").json
    with contextlib.closing(ground.log_in(ground.whole, ground.own)) as after:
        if after.execute_command("FUNCTION", "LIST") or after.keys("*"):
            return "something is left"
        after.execute_command("SELECT", "7")
        return "something is left in database 7" if after.keys("*") else None


def client_is_let_in(ground, env):
    try:
        return ground.log_in(env, ground.own).ping()
    except redis.RedisError:
        return False


ATTEMPTS = [
    *((f"a bound app {name}", forbidden(*command)) for name, command in COMMANDS.items()),
    *((f"a login that only reads {name}", writes(*command)) for name, command in WRITES.items()),
    ("an instance with the victim's name on the server", name_of_another),
    ("odd names of keys, and a removal", odd_keys_and_a_removal),
    ("the name of a removed instance again", the_same_name_again),
    ("without a login", nobody),
    ("a hash of the server's as the password", the_hash_as_password),
    *((f"a session {name} stays after the unbind", ends(prepare)) for name, prepare in STATES.items()),
    *((f"a session {name} stays after a new password", ends(STATES[name], "rotate")) for name in ("idle", "waiting for a list")),
    *((f"a session {name} stays after the removal", ends(STATES[name], "remove")) for name in ("idle", "listening to a channel")),
    ("a transaction is done after the unbind", transaction_after_the_end),
    ("messages arrive after the unbind", messages_after_the_end),
    ("many sessions stay", many_sessions),
    ("sessions that begin while the password changes", knocking),
    ("all connections of the server are taken", all_connections),
    *((f"on a server of its own, an app {name}", own_forbidden(*command)) for name, command in OWN.items()),
    ("a script holds the server when the login is to end", busy("EVAL", LOOP, "0")),
    ("a function holds the server when the login is to end", busy("FCALL", "b", "0")),
    ("what the tenant before has left", what_the_tenant_before_left),
]
