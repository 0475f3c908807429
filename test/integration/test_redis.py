"""The redis driver on real servers: isolation by attack, removal of many keys, TLS, dedicated servers, Sentinel, Cluster."""

import contextlib
import json
import os
import re
import socket
import statistics
import subprocess
import threading
import time

import pytest
import redis

from harness import BROKER, NO_PASS, TIMEOUT, Broker, Tsuru, await_mended, closing, free_port, program, promise, wait_until
from proxy import Fault, Proxy
from redis_server import Redis
from test_tls import make_certificate


def service(servers, plans="      - {name: small}\n      - {name: large, commands: ['+sort', '-@geo']}\n"):
    lines = "".join(f"      - {{name: s{number}, {server}}}\n" for number, server in enumerate(servers))
    return f"  - name: redis\n    driver: redis\n    password: x\n    wait: 120s\n    servers:\n{lines}    plans:\n{plans}"


@pytest.fixture
def servers():
    started = []

    def start(**options):
        started.append(Redis(**options))
        return started[-1]

    yield start
    for one in started:
        one.close()


def log_in(server, env):
    return server.client(env["REDIS_USER"], env["REDIS_PASSWORD"])


def test_a_bound_app_reaches_nothing_but_its_own(start_broker, servers):
    server = servers()
    tsuru = Tsuru(start_broker(service([f"url: '{server.url()}'"])), "redis", "x")
    tsuru.create("mine", "small")
    tsuru.create("yours", "small")
    mine, yours = tsuru.bind("mine", "shop").json, tsuru.bind("yours", "shop").json
    log_in(server, yours).set(yours["REDIS_PREFIX"] + "secret", "1")
    client, own, other = log_in(server, mine), mine["REDIS_PREFIX"], yours["REDIS_PREFIX"]
    client.set(own + "k", "v")
    assert client.get(own + "k") == "v" and client.expire(own + "k", 100)
    assert client.publish(own + "channel", "x") == 0
    for attack in (("GET", other + "secret"), ("SET", other + "secret", "2"), ("DEL", other + "secret"), ("GET", "k"),
                   ("RENAME", own + "k", other + "k"), ("COPY", own + "k", other + "k"), ("MGET", own + "k", other + "secret"),
                   ("SUNIONSTORE", own + "d", other + "s"), ("SORT", own + "l", "BY", other + "*"), ("KEYS", "*"), ("SCAN", "0"),
                   ("RANDOMKEY",), ("DBSIZE",), ("FLUSHALL",), ("FLUSHDB",), ("CONFIG", "GET", "*"), ("CONFIG", "SET", "dir", "/tmp"),
                   ("DEBUG", "SLEEP", "0"), ("SAVE",), ("BGSAVE",), ("BGREWRITEAOF",), ("SHUTDOWN",), ("REPLICAOF", "NO", "ONE"),
                   ("SLAVEOF", "127.0.0.1", "1"), ("PSYNC", "?", "-1"), ("SYNC",), ("MONITOR",), ("ACL", "LIST"),
                   ("ACL", "SETUSER", mine["REDIS_USER"], "~*"), ("ACL", "GETUSER", yours["REDIS_USER"]), ("CLIENT", "LIST"),
                   ("CLIENT", "KILL", "USER", yours["REDIS_USER"]), ("EVAL", "return 1", "0"), ("SCRIPT", "LOAD", "return 1"),
                   ("FUNCTION", "LIST"), ("MIGRATE", "127.0.0.1", "1", own + "k", "0", "1"), ("RESTORE", own + "r", "0", "x"),
                   ("SWAPDB", "0", "1"), ("SELECT", "1"), ("MOVE", own + "k", "1"), ("MODULE", "LIST"), ("LATENCY", "RESET"),
                   ("SLOWLOG", "GET"), ("SUBSCRIBE", other + "channel"), ("PSUBSCRIBE", "*"), ("PUBLISH", other + "channel", "x"),
                   ("PUBSUB", "CHANNELS"), ("INFO",), ("OBJECT", "ENCODING", other + "secret"), ("MEMORY", "USAGE", other + "secret"),
                   ("AUTH", "admin", "guess"), ("WAIT", "0", "0", "x"), ("FAILOVER",), ("CLUSTER", "RESET")):
        with pytest.raises(redis.RedisError):
            log_in(server, mine).execute_command(*attack)
    reader = tsuru.bind("mine", "report", parameters={"read_only": True}).json
    assert log_in(server, reader).get(own + "k") == "v"
    for attack in (("SET", own + "k", "x"), ("DEL", own + "k"), ("GET", other + "secret"), ("PUBLISH", own + "channel", "x")):
        with pytest.raises(redis.RedisError):
            log_in(server, reader).execute_command(*attack)
    tsuru.update("mine", "large")
    log_in(server, mine).rpush(own + "l", "b", "a")
    assert log_in(server, mine).sort(own + "l", alpha=True) == ["a", "b"]
    for attack in (("SORT", own + "l", "BY", other + "*"), ("SORT", own + "l", "BY", "nosort", "GET", other + "secret"),
                   ("SORT", own + "l", "ALPHA", "STORE", other + "l"), ("GEOADD", own + "g", "1", "1", "x"),
                   ("EVAL", "return 1", "0")):
        with pytest.raises(redis.RedisError):
            log_in(server, mine).execute_command(*attack)


def test_read_only_by_the_instance(start_broker, servers):
    server = servers()
    tsuru = Tsuru(start_broker(service([f"url: '{server.url()}'"])), "redis", "x")
    assert tsuru.create("mine", parameters={"read_only": True, "binds.shop.read_only": False}).status == 201
    writer, reader, job = tsuru.bind("mine", "shop").json, tsuru.bind("mine", "report").json, tsuru.bind_job("mine", "shop").json
    own = writer["REDIS_PREFIX"]
    log_in(server, writer).set(own + "k", "v")
    for env in (reader, job):
        assert log_in(server, env).get(own + "k") == "v"
        with pytest.raises(redis.exceptions.NoPermissionError):
            log_in(server, env).set(own + "k", "x")
    assert tsuru.update("mine", parameters={"read_only": True}).status == 200
    wait_until("the update is done", lambda: tsuru.is_up("mine"))
    assert tsuru.described("mine")["Old parameters until bound again"] == 'the app "shop" (read_only)'
    log_in(server, writer).set(own + "k", "w")
    assert tsuru.send("POST", "/resources/mine/rotate", {"app-name": "shop"}).status == 202
    wait_until("it is done", lambda: {one["state"] for one in tsuru.send("GET", "/resources/mine/binds").json} == {"bound"})
    assert f"%R~{own}*" in str(server.client().execute_command("ACL", "GETUSER", writer["REDIS_USER"]))
    with pytest.raises(redis.exceptions.NoPermissionError):
        log_in(server, tsuru.bind("mine", "shop").json).set(own + "k", "x")
    tsuru.remove("mine")


MANY = 1000000  # keys of another instance


def test_many_keys_are_removed_without_a_stall(start_broker, servers):
    server = servers(options=("--enable-debug-command", "yes", "--slowlog-log-slower-than", "10000", "--slowlog-max-len", "1000"))
    broker = start_broker(service([f"url: '{server.url()}'"]))
    tsuru = Tsuru(broker, "redis", "x")
    admin = server.client()

    def fill(name, count):
        assert tsuru.create(name).status == 201
        admin.execute_command("DEBUG", "POPULATE", count, tsuru.bind(name, "shop").json["REDIS_PREFIX"])

    fill("yours", MANY)
    fill("mine", 10000)
    assert admin.dbsize() == MANY + 10000
    admin.slowlog_reset()
    taken, over = [], threading.Event()
    thread = threading.Thread(target=_ping, args=(server.client(), taken, over))
    thread.start()
    tsuru.remove("mine")
    wait_until("it is gone", lambda: broker.ctl("instances", "--json", "--name", "mine") == [], 4 * TIMEOUT)
    over.set()
    thread.join()
    assert admin.dbsize() == MANY
    print(f"ping beside the removal: median {statistics.median(taken):.2f} ms, worst {max(taken):.1f} ms; "
          f"commands of over 10 ms: {len(admin.slowlog_get(1000))}")
    # No command looks at more than some hundred keys: that, and not the clock of a busy machine, is what keeps steps short.
    used, times = admin.info("commandstats"), admin.info("latencystats")
    assert used["cmdstat_scan"]["calls"] > MANY / 1000 and used["cmdstat_unlink"]["calls"] >= 10000 / 1000
    assert max(times[f"latency_percentiles_usec_{command}"]["p50"] for command in ("scan", "unlink")) < 10000
    assert not {"cmdstat_keys", "cmdstat_del", "cmdstat_eval", "cmdstat_flushall", "cmdstat_flushdb"} & set(used)


def test_a_removal_that_is_longer_than_an_attempt_ends(start_broker, servers):
    """Another tenant has so many keys, and the server is so slow, that no attempt comes to the end of them."""
    server = servers(options=("--enable-debug-command", "yes"))
    proxy = Proxy(server.port)
    try:
        url = server.url().replace(f":{server.port}", f":{proxy.port}")
        broker = start_broker(service([f"url: '{url}'"]).replace("    wait: 120s\n", "    attempt_timeout: 2s\n    wait: 0s\n", 1))
        tsuru, admin = Tsuru(broker, "redis", "x"), server.client()
        for name, count in (("yours", 15000), ("mine", 100)):
            assert tsuru.create(name).status == 201
            env = wait_until("it is bound", lambda name=name: (answer := tsuru.bind(name, "shop")).status == 201 and answer.json)
            admin.execute_command("DEBUG", "POPULATE", count, env["REDIS_PREFIX"])
        proxy.fault = Fault("delay")
        assert tsuru.remove("mine").status == 200
        wait_until("it is gone", lambda: broker.ctl("instances", "--json", "--name", "mine") == [], TIMEOUT * 4)
        assert "error=timeout" in broker.log(), "one attempt was enough"
        assert admin.dbsize() == 15000
        broker.stop()
    finally:
        proxy.close()


def _ping(client, taken, over):
    while not over.is_set():
        began = time.monotonic()
        client.ping()
        taken.append((time.monotonic() - began) * 1000)
        time.sleep(0.001)


def test_a_removal_goes_on_after_a_restart(start_broker, servers):
    """The broker is killed while it waits for an answer in the middle of it."""
    server = servers()
    proxy = Proxy(server.port)
    with closing(proxy):
        url = server.url().replace(f":{server.port}", f":{proxy.port}")
        broker = start_broker(service([f"url: '{url}'"]))
        tsuru = Tsuru(broker, "redis", "x")
        tsuru.create("mine")
        env = tsuru.bind("mine", "shop").json
        pipe = server.client().pipeline(transaction=False)
        for number in range(100000):
            pipe.set(env["REDIS_PREFIX"] + str(number), number)
        pipe.execute()
        proxy.fault = Fault("lost-hang", after=4, at=b"UNLINK")
        removal = threading.Thread(target=lambda: pytest.raises(OSError, tsuru.remove, "mine"))
        removal.start()
        wait_until("the removal is under way", lambda: proxy.hits and server.client().dbsize() < 100000)
        broker.kill()
        removal.join()
        proxy.fault = None
        assert server.client().dbsize() > 0
        broker.start()
        wait_until("all is gone", lambda: server.client().dbsize() == 0 and not server.users())
        broker.stop()


def test_users_come_back_to_a_server_that_forgets_them(start_broker, servers):
    server = servers(aclfile=False)
    broker = start_broker(service([f"url: '{server.url()}'"]))
    tsuru = Tsuru(broker, "redis", "x")
    tsuru.create("mine")
    env = tsuru.bind("mine", "shop").json
    assert "memory only" in tsuru.described("mine").get("Users", "") or wait_until(
        "info tells it", lambda: "memory only" in tsuru.described("mine").get("Users", ""))
    broker.ctl("verify")  # the next ordinary pass is hours away
    server.stop()
    server.start()
    wait_until("the login works again", lambda: _pings(server, env))
    assert re.search("event=drift .*kind=bind", broker.log()), "it was there all the time"
    tsuru.remove("mine")


def _pings(server, env):
    try:
        return log_in(server, env).ping()
    except redis.RedisError:
        return False


def test_retired_and_brought_back(start_broker, servers):
    server = servers()
    broker = start_broker(service([f"url: '{server.url()}'"], plans="      - {name: small, retain: 1h}\n"), limits=NO_PASS)
    tsuru = Tsuru(broker, "redis", "x")
    tsuru.create("mine")
    env = tsuru.bind("mine", "shop").json
    client = log_in(server, env)
    client.set(env["REDIS_PREFIX"] + "k", "v")
    tsuru.remove("mine")
    assert not _pings(server, env)
    with pytest.raises(redis.RedisError):
        client.get(env["REDIS_PREFIX"] + "k")
    broker.ctl("undelete", "redis/mine")
    assert log_in(server, env).get(env["REDIS_PREFIX"] + "k") == "v"
    server.client().acl_deluser(env["REDIS_USER"])
    assert broker.ctl("verify", "redis/mine", "--json", status=3)["drift"][0]["kind"] == "bind"
    wait_until("the login is mended", lambda: _pings(server, env))
    server.client().acl_setuser("stray_0123456789", enabled=False)
    assert broker.ctl("verify", "--json", status=3)["strays"][0]["name"] == "stray_0123456789"
    tsuru.create("mine")
    assert tsuru.remove("mine").status == 200
    wait_until("it is put away", lambda: broker.ctl("instances", "--json", "--name", "mine")[0]["state"] == "retained")
    broker.ctl("purge", "redis/mine")
    wait_until("it is gone", lambda: server.users() == {"stray_0123456789"} and server.client().dbsize() == 0)


def test_tls(start_broker, servers, tmp_path):
    certificate, key = make_certificate(tmp_path, "redis")
    server = servers(tls=(certificate, key))
    tsuru = Tsuru(start_broker(service([f"url: '{server.url('rediss')}', ca_file: {certificate}"])), "redis", "x")
    assert tsuru.create("mine").status == 201
    env = tsuru.bind("mine", "shop").json
    assert env["REDIS_URL"].startswith("rediss://") and log_in(server, env).set(env["REDIS_PREFIX"] + "k", "v")
    other, _ = make_certificate(tmp_path, "other")
    broker = start_broker(service([f"url: '{server.url('rediss')}', ca_file: {other}"]))
    wait_until("the certificate is refused", lambda: "certificate is not accepted" in broker.log())


def test_dedicated_servers_are_given_whole_and_empty(start_broker, servers):
    pool = [servers(), servers()]
    plans = "      - {name: whole, dedicated: true}\n"
    broker = start_broker(service([f"url: '{one.url()}', capacity: 1" for one in pool], plans))
    tsuru = Tsuru(broker, "redis", "x")
    assert tsuru.create("first").status == 201 and tsuru.create("second").status == 201
    refused = tsuru.create("third")
    assert refused.status == 403 and "2 of 2" in refused.message
    env = tsuru.bind("first", "shop").json
    server = next(one for one in pool if str(one.port) == env["REDIS_PORT"])
    assert "REDIS_PREFIX" not in env
    client = log_in(server, env)
    client.set("any", "v")
    assert client.keys("*") == ["any"] and client.eval("return 1", 0) == 1
    for attack in (("CONFIG", "GET", "*"), ("ACL", "LIST"), ("SHUTDOWN",), ("REPLICAOF", "NO", "ONE"), ("DEBUG", "SLEEP", "0")):
        with pytest.raises(redis.RedisError):
            log_in(server, env).execute_command(*attack)
    assert tsuru.remove("first").status == 200
    wait_until("its place is free", lambda: broker.ctl("instances", "--json", "--name", "first") == [])
    assert server.client().dbsize() == 0 and not _pings(server, env)
    server.client().set("left", "by somebody")
    assert "not empty" in tsuru.create("third").message
    assert server.client().get("left") == "by somebody"
    wait_until("its place is free again", lambda: broker.ctl("instances", "--json", "--name", "third") == [])
    assert server.client().get("left") == "by somebody"
    server.client().flushall()
    assert tsuru.create("third").status == 201


def test_bad_configuration(servers, tmp_path):
    server = servers()
    whole = "      - {name: whole, dedicated: true}\n"
    for entry, plans, wanted in ((f"url: '{server.url()}'", whole, "capacity: 1"),
                                 ("url: 'http://admin:x@127.0.0.1:6379'", "", "redis://"),
                                 ("url: 'redis://127.0.0.1:6379'", "", "names no user and password"),
                                 ("url: 'redis://admin:@127.0.0.1'", "", "empty password"),
                                 ("url: 'redis://admin:%zz@127.0.0.1'", "", "percent-encoded"),
                                 ("url: 'redis://admin:x@127.0.0.1/3'", "", "nothing but /0"),
                                 (f"url: '{server.url()}'", "      - {name: wide, commands: ['+@all']}\n", "name the commands"),
                                 (f"url: '{server.url()}'", "      - {name: wide, commands: ['+@scripting']}\n", "a script holds the whole server"),
                                 (f"url: '{server.url()}'", "      - {name: wide, commands: ['+copy']}\n", "only a plan that is"),
                                 (f"url: '{server.url()}', capacity: 1",
                                  "      - {name: whole, dedicated: true, commands: ['+acl|setuser']}\n", "administration"),
                                 (f"url: '{server.url()}', master: mymaster", "", "sentinels")):
        path = tmp_path / "broker.yaml"
        path.write_text(f"listen: 127.0.0.1:0\ndata_dir: {tmp_path}\nservices:\n" +
                        service([entry], plans or "      - {name: small}\n"))
        checked = subprocess.run([BROKER, "check", "-c", path], capture_output=True, text=True, timeout=TIMEOUT, check=False)
        assert checked.returncode != 0 and wanted in checked.stderr, (entry, checked.stderr)


def test_the_sample_is_good_and_names_every_key():
    root = os.path.join(os.path.dirname(__file__), "..", "..")
    sample = os.path.join(root, "conf", "samples", "redis.yaml")
    checked = subprocess.run([BROKER, "check", "-c", sample], capture_output=True, text=True, timeout=TIMEOUT, check=False)
    assert checked.returncode == 0, checked.stderr
    with open(sample, encoding="utf-8") as file:
        shown = file.read()
    with open(os.path.join(root, "docs", "drivers", "redis.md"), encoding="utf-8") as file:
        told = file.read()
    with open(os.path.join(root, "src", "driver", "redis", "redis.c"), encoding="utf-8") as file:
        keys = re.findall(r'\.name = "(\w+)"', file.read())
    assert [key for key in keys if key != "redis" and (f"{key}:" not in shown or f"`{key}`" not in told)] == []


def test_a_password_of_any_bytes(start_broker, servers):
    server = servers()
    server.client().acl_setuser("b:ss", enabled=True, passwords=["+p@ss/w:rd%"], keys="*", channels="*", categories=["+@all"])
    tsuru = Tsuru(start_broker(service([f"url: 'redis://b%3ass:p%40ss%2Fw%3Ard%25@127.0.0.1:{server.port}'"])), "redis", "x")
    assert tsuru.create("mine").status == 201


def test_the_rights_that_the_manual_names_are_enough(start_broker, servers):
    """The line of docs/drivers/redis.md, word by word."""
    for plans in ("      - {name: small, retain: 1h}\n", "      - {name: whole, dedicated: true}\n"):
        server = servers()
        broker = start_broker(service([f"url: '{server.plain_url()}', capacity: 1"], plans))
        tsuru = Tsuru(broker, "redis", "x")
        assert tsuru.create("mine").status == 201
        env = tsuru.bind("mine", "shop").json
        assert log_in(server, env).set(env.get("REDIS_PREFIX", "") + "k", "v")
        assert tsuru.update("mine").status == 200
        assert broker.ctl("verify", "redis/mine", "--json")["drift"] == []
        assert tsuru.unbind("mine", "shop").status == 200
        assert tsuru.remove("mine").status == 200


def _is_master(server):
    """A sentinel ends all connections of one that it promotes."""
    try:
        return server.client().role()[0] == "master"
    except redis.RedisError:
        return False


PATIENCE = 3 * TIMEOUT  # seconds: a sentinel that stood still does nothing for half a minute, lest it be wrong


def test_sentinel_and_its_failover(start_broker, servers, tmp_path):
    master = servers()
    replica = servers(options=("--replicaof", "127.0.0.1", str(master.port), "--masteruser", "admin", "--masterauth", master.password))
    replica.client().acl_setuser("admin", enabled=True, passwords=[f"+{master.password}"], keys="*", channels="*", categories=["+@all"])
    replica.password = master.password
    port = free_port()
    (tmp_path / "sentinel.conf").write_text(
        f"port {port}\nbind 127.0.0.1\ndir {tmp_path}\nsentinel monitor mymaster 127.0.0.1 {master.port} 1\n"
        f"sentinel auth-user mymaster admin\nsentinel auth-pass mymaster {master.password}\n"
        "sentinel down-after-milliseconds mymaster 10000\nsentinel failover-timeout mymaster 10000\n")
    with open(tmp_path / "log", "wb") as log:
        sentinel = subprocess.Popen([program("REDIS_BIN", "redis-server"), tmp_path / "sentinel.conf", "--sentinel"], stdout=log, stderr=log)
    try:
        asked = redis.Redis(port=port, decode_responses=True, socket_timeout=TIMEOUT)

        def knows_replica():
            try:
                found = asked.execute_command("SENTINEL", "REPLICAS", "mymaster")
            except redis.RedisError:
                return False
            return found and "disconnected" not in str(found) and "s_down" not in str(found)

        wait_until("the sentinel knows the replica", knows_replica, PATIENCE)
        broker = start_broker(service([f"url: 'redis://admin:{master.password}@', sentinels: ['127.0.0.1:{port}'], master: mymaster"]))
        tsuru = Tsuru(broker, "redis", "x")
        assert tsuru.create("mine").status == 201
        env = tsuru.bind("mine", "shop").json
        assert env["REDIS_MASTER"] == "mymaster" and env["SENTINEL_HOSTS"] == f"127.0.0.1:{port}"
        assert env["REDIS_PORT"] == str(master.port) and str(replica.port) in env["REDIS_HOSTS"]
        assert log_in(master, env).set(env["REDIS_PREFIX"] + "k", "v")
        wait_until("the replica has the login", lambda: _pings(replica, env))
        wait_until("the replica has the key", lambda: log_in(replica, env).get(env["REDIS_PREFIX"] + "k") == "v")
        # Users are not replicated: each node has its own, and a replica that lost its mark gets the master's.
        wait_until("the replica is marked", lambda: "tsuru-broker-mark" in replica.client().acl_users())
        replica.client().acl_deluser("tsuru-broker-mark")
        wait_until("the replica is marked again", lambda: "tsuru-broker-mark" in replica.client().acl_users())
        replica.client().acl_setuser("lost_0123456789", enabled=False)
        assert [stray["name"] for stray in broker.ctl("verify", "--json", status=3)["strays"]] == ["lost_0123456789"]
        master.stop()
        wait_until("the replica is the master", lambda: _is_master(replica), PATIENCE)
        again = wait_until("a bind finds the new master",
                           lambda: (lambda answer: answer.status == 201 and answer.json)(tsuru.bind("mine", "other")))
        assert again["REDIS_PORT"] == str(replica.port)
        assert log_in(replica, env).get(env["REDIS_PREFIX"] + "k") == "v"
        tsuru.remove("mine")
        wait_until("all is gone", lambda: replica.client().dbsize() == 0)
    finally:
        sentinel.kill()
        sentinel.wait()


def test_cluster(start_broker, servers):
    nodes = [servers(port=_low_port(), options=("--cluster-enabled", "yes", "--cluster-node-timeout", "30000")) for _ in range(3)]
    for one in nodes[1:]:
        one.client().acl_setuser("admin", enabled=True, passwords=[f"+{nodes[0].password}"], keys="*", channels="*", categories=["+@all"])
        one.password = nodes[0].password
    subprocess.run(["redis-cli", "--user", "admin", "--pass", nodes[0].password, "--no-auth-warning", "--cluster", "create",
                    *[f"127.0.0.1:{one.port}" for one in nodes], "--cluster-yes"], check=True, stdout=subprocess.DEVNULL)
    wait_until("the cluster is well", lambda: all(one.client().execute_command("CLUSTER INFO")["cluster_state"] == "ok" for one in nodes))
    seeds = ",".join(f"127.0.0.1:{one.port}" for one in nodes)
    tsuru = Tsuru(start_broker(service([f"url: 'redis://admin:{nodes[0].password}@{seeds}', redis_cluster: true"])), "redis", "x")
    assert tsuru.create("mine").status == 201
    env = tsuru.bind("mine", "shop").json
    prefix = env["REDIS_PREFIX"]
    assert prefix.startswith("{")
    for one in nodes:
        assert _pings(one, env)
    home = next(one for one in nodes if _sets(one, env, prefix + "a"))
    assert log_in(home, env).execute_command("MSET", prefix + "b", "1", prefix + "c", "2")
    assert tsuru.unbind("mine", "shop").status == 200
    wait_until("the login is dead", lambda: not any(_pings(one, env) for one in nodes))
    assert tsuru.remove("mine").status == 200
    wait_until("nothing is left", lambda: all(one.client().dbsize() == 0 and not one.users() for one in nodes))


def _low_port():
    """Its bus listens 10000 above: there, too, below the ports that the system gives to connections."""
    while True:
        port = free_port()
        with contextlib.suppress(OSError), socket.socket() as bus:
            if port < 22000:
                bus.bind(("127.0.0.1", port + 10000))
                promise(port + 10000)
                return port


def _sets(server, env, key):
    try:
        return log_in(server, env).execute_command("SET", key, "v")
    except redis.RedisError:
        return False


# ---- what a hostile tenant, an old record or another broker must not get ----


def operator(server, *command):
    return server.client().execute_command(*command)


def purge_fails(broker, name, reason):
    broker.ctl("purge", f"redis/{name}", status=(0, 1, 2, 3))
    wait_until("the purge has failed", lambda: reason in json.dumps(broker.ctl("show", f"redis/{name}", "--json")))


def test_what_lives_in_the_place_of_the_retired_is_left(start_broker, servers):
    """As when it was brought back, and the records come from a backup of before: the purge drops nothing of it."""
    server = servers()
    broker = start_broker(service([f"url: '{server.url()}'"], plans="      - {name: small, retain: 1h}\n"))
    tsuru = Tsuru(broker, "redis", "x")
    tsuru.create("mine")
    env = tsuru.bind("mine", "shop").json
    log_in(server, env).set(env["REDIS_PREFIX"] + "k", "v")
    tsuru.remove("mine")
    retired = next(user for user in server.users() if user.startswith("retired:"))
    operator(server, "ACL", "DELUSER", retired)
    operator(server, "ACL", "SETUSER", env["REDIS_USER"], "on")
    purge_fails(broker, "mine", "but it lives")
    assert log_in(server, env).get(env["REDIS_PREFIX"] + "k") == "v"
    # An operator who knows better says so on the server.
    operator(server, "ACL", "SETUSER", retired, "reset")
    broker.ctl("retry", "redis/mine")
    wait_until("it is gone", lambda: not server.users() and server.client().dbsize() == 0)


def test_the_retired_in_the_place_of_what_lives_is_left(start_broker, servers):
    server = servers()
    broker = start_broker(service([f"url: '{server.url()}'"]))
    tsuru = Tsuru(broker, "redis", "x")
    tsuru.create("mine")
    env = tsuru.bind("mine", "shop").json
    log_in(server, env).set(env["REDIS_PREFIX"] + "k", "v")
    retired = "retired:" + env["REDIS_PREFIX"].rstrip(":")
    operator(server, "ACL", "SETUSER", retired, "reset")
    assert "retired" in tsuru.remove("mine").message
    assert server.client().get(env["REDIS_PREFIX"] + "k") == "v" and retired in server.users()


def test_drift_of_each_part_of_a_user(start_broker, servers):
    server = servers()
    broker = start_broker(service([f"url: '{server.url()}'"]), limits=NO_PASS)
    tsuru = Tsuru(broker, "redis", "x")
    tsuru.create("mine")
    env = tsuru.bind("mine", "shop").json
    login, template = env["REDIS_USER"], "instance:" + env["REDIS_PREFIX"].rstrip(":")
    assert broker.ctl("verify", "redis/mine", "--json")["drift"] == []
    good = {user: operator(server, "ACL", "GETUSER", user) for user in (login, template)}
    for user, rules in ((login, ("+@scripting",)), (login, ("+@all",)), (login, ("~*",)), (login, ("&*",)), (login, ("(+@all ~*)",)),
                        (login, ("nopass",)), (login, (">another",)), (login, ("resetpass", ">another")), (login, ("off",)),
                        (login, ("-get",)), (login, ("allcommands",)), (login, ("skip-sanitize-payload",)), (template, ("+@all",)),
                        (template, ("on",)), (template, (">x",)), (template, ("~*",)), (template, ("clearselectors",)),
                        (template, ("(~* +@all)",)), (login, ("+@keyspace",)), (login, ("+copy",))):
        operator(server, "ACL", "SETUSER", user, *rules)
        drift = broker.ctl("verify", "redis/mine", "--json", status=(0, 3))["drift"]
        assert {entry["kind"] for entry in drift} >= {"bind" if user == login else "instance"}, (user, rules, drift)
        await_mended(broker, "redis/mine", f"{rules} of {user}")
        assert {name: operator(server, "ACL", "GETUSER", name) for name in (login, template)} == good
    assert {user for user in server.client().acl_users() if "probe" in user} == set()


def test_rights_that_a_plan_had_are_taken_from_its_logins(start_broker, servers):
    """A login that an earlier version made with +@scripting loses it."""
    server = servers()
    broker = start_broker(service([f"url: '{server.url()}'"]))
    tsuru = Tsuru(broker, "redis", "x")
    tsuru.create("mine")
    env = tsuru.bind("mine", "shop").json
    operator(server, "ACL", "SETUSER", env["REDIS_USER"], "+@scripting")
    assert log_in(server, env).execute_command("FUNCTION", "LIST") == []
    assert tsuru.update("mine", "large").status == 200

    def is_away():
        with pytest.raises(redis.RedisError) as refusal:
            log_in(server, env).execute_command("FUNCTION", "FLUSH")
        return "permission" in str(refusal.value)

    assert is_away()


def test_warnings(start_broker, servers):
    """Health tells of a server that is open, and of rights that the broker's user will lack; drift tells of these, too."""
    server = servers()
    operator(server, "ACL", "SETUSER", "weak", "on", ">weak", "~*", "&*", "+@all", "-flushall", "-unlink", "-acl|deluser")
    broker = start_broker(service([f"url: 'redis://weak:weak@127.0.0.1:{server.port}'"]))

    def warning():
        return broker.ctl("health", "--json")["servers"][0].get("warning") or ""

    wait_until("health tells it", lambda: "lacks rights" in warning())
    assert warning().endswith("ACL SETUSER weak +acl|deluser ~* +unlink")
    tsuru = Tsuru(broker, "redis", "x")
    assert tsuru.create("mine").status == 201
    wait_until("it is made", lambda: tsuru.is_up("mine"))
    told = broker.ctl("verify", "redis/mine", "--json", status=3)["drift"]
    assert [entry["kind"] for entry in told] == ["told"] and "+unlink" in json.dumps(told)
    operator(server, "ACL", "SETUSER", "weak", "+unlink", "+acl|deluser")
    wait_until("it is told no more", lambda: warning() == "", timeout=120)
    operator(server, "ACL", "SETUSER", "default", "on", "nopass", "~*", "+@all")
    wait_until("health tells that it is open", lambda: "needs no password" in warning(), timeout=120)


def test_strays_of_every_node_are_told(start_broker, servers):
    server = servers()
    broker = start_broker(service([f"url: '{server.url()}'"]))
    operator(server, "ACL", "SETUSER", "retired:old_0123456789", "reset")
    operator(server, "ACL", "SETUSER", "instance:other_0123456789", "reset")
    operator(server, "ACL", "SETUSER", "person", "reset")
    strays = broker.ctl("verify", "--json", status=3)["strays"]
    assert {(stray["kind"], stray["name"]) for stray in strays} == {("retired", "old_0123456789"), ("instance", "other_0123456789")}


def test_a_server_belongs_to_one_store(start_broker, servers):
    server = servers()
    broker = start_broker(service([f"url: '{server.url()}'"]))
    tsuru = Tsuru(broker, "redis", "x")
    tsuru.create("mine")
    env = tsuru.bind("mine", "shop").json
    mark = next(line for line in server.client().acl_list() if " tsuru-broker-mark " in line)
    assert " off " in mark and ">" not in mark and "&mark:" in mark and mark.endswith(" -@all")
    other = Broker(service([f"url: '{server.url()}'"]))
    other.claims = False
    with closing(other.start()):
        wait_until("the other one says why it does nothing there", lambda: "belongs to another broker's store" in other.log())
    store = mark[mark.index("&mark:"):].split("-")[0]  # its number may have grown
    assert any(store in line for line in server.client().acl_list()) and _pings(server, env)
    # Given to the other one meanwhile: the first one's next call is refused by itself.
    operator(server, "ACL", "SETUSER", "tsuru-broker-mark", "reset", "&mark:0123456789abcdef-1-01234567")
    tsuru.unbind("mine", "shop")
    assert _pings(server, env)


def test_a_dedicated_server_with_keys_in_another_database_is_not_given(start_broker, servers):
    server = servers()
    server.client(db=3).set("left", "by somebody")
    tsuru = Tsuru(start_broker(service([f"url: '{server.url()}', capacity: 1"], "      - {name: whole, dedicated: true}\n")), "redis", "x")
    assert "not empty" in tsuru.create("mine").message
    assert server.client(db=3).get("left") == "by somebody"


def test_a_missing_login_does_not_keep_an_instance_from_being_retired(start_broker, servers):
    server = servers()
    tsuru = Tsuru(start_broker(service([f"url: '{server.url()}'"], plans="      - {name: small, retain: 1h}\n")), "redis", "x")
    tsuru.create("mine")
    one, two = tsuru.bind("mine", "one").json, tsuru.bind("mine", "two").json
    operator(server, "ACL", "DELUSER", one["REDIS_USER"])
    assert tsuru.remove("mine").status == 200
    assert not _pings(server, two) and one["REDIS_USER"] not in server.users()


KEYLESS = set("""acl|whoami asking auth client|caching client|getname client|getredir client|help client|id client|info client|no-touch client|reply
client|setinfo client|setname client|trackinginfo cluster|info cluster|keyslot cluster|myid cluster|myshardid cluster|nodes
cluster|shards cluster|slots command discard echo exec hello multi object|help ping psubscribe publish punsubscribe quit readonly
readwrite reset spublish ssubscribe subscribe sunsubscribe time unsubscribe unwatch wait waitaof xgroup|help xinfo|help""".split())


def test_the_list_of_confined_commands_is_what_the_server_says(servers):
    """src/driver/redis/rules.c: whatever it names and the server has either names its keys, or was looked at by somebody; and
    what a login of a shared server may run is on it."""
    with open(os.path.join(os.path.dirname(__file__), "..", "..", "src", "driver", "redis", "rules.c"), encoding="utf-8") as file:
        text = file.read()
    listed = set("".join(re.findall(r'"([^"]*)"', text[text.index("confined[]"):text.index(";", text.index("confined[]"))])).split())
    server = servers()
    connection = redis.Connection(port=server.port, username="admin", password=server.password, decode_responses=True)
    connection.connect()

    def ask(*command):
        connection.send_command(*command)
        return connection.read_response()

    def walk(entries):
        for entry in entries:
            yield entry[0], len(entry[8]), bool(entry[9]), set(entry[6]), abs(entry[1])
            yield from walk(entry[9])

    commands = {name: rest for name, *rest in walk(ask("COMMAND"))}
    for name, (keys, is_container, categories, _) in commands.items():
        if is_container or (name not in listed and name.split("|")[0] not in listed):
            continue
        assert keys > 0 or name in KEYLESS or name.split("|")[0] == "command", f"{name} names no keys"
        assert "@scripting" not in categories and "@admin" not in categories, name
    with open(os.path.join(os.path.dirname(__file__), "..", "..", "src", "driver", "redis", "acl.c"), encoding="utf-8") as file:
        text = file.read()
    rules = [rule for part in ("shared_rules[]", "shared_last[]")
             for rule in re.findall(r'"([^"]*)"', text[text.index(part):text.index(";", text.index(part))])]
    ask("ACL", "SETUSER", "t", "reset", "~t:*", "&t:*", *rules)
    for name, (_, is_container, _, words) in commands.items():
        if is_container:
            continue
        try:
            answer = ask("ACL", "DRYRUN", "t", *name.split("|"), *["x"] * (words - len(name.split("|"))))
        except redis.ResponseError as error:
            answer = str(error)
        if "no permissions to run" not in answer:
            assert name in listed or name.split("|")[0] in listed, f"a login of a shared server may run {name}: {answer}"
    connection.disconnect()


def test_what_was_taken_away_from_the_server_or_the_broker(start_broker, servers):
    """Those who run a Redis for others rename commands, or take them away."""
    server = servers(options=("--rename-command", "ACL", ""))
    broker = start_broker(service([f"url: '{server.url()}'"]))
    wait_until("it is told", lambda: "the command was taken away from it, or has another name there" in (broker.servers()[0].get("reason") or ""))
    server = servers()
    tsuru = Tsuru(start_broker(service([f"url: '{server.url()}'"])), "redis", "x")
    assert tsuru.create("mydb", "small").status == 201
    server.client().execute_command("ACL", "SETUSER", "admin", "-acl|setuser")
    answer = tsuru.bind("mydb", "shop")
    assert answer.status == 422 and "the broker's user lacks the right: NOPERM" in answer.message
