"""Servers that make the broker's libraries compute, wait or fill its memory (test/support/rogue.py): the loop goes on, the other
services are served, and the log and the health name the server. What is compared is the order of events: a request is answered
before the rogue's step has ended."""

import re
import subprocess

import pytest

from harness import TIMEOUT, Broker, Tsuru, closing, postgres_service, wait_until
from rogue import RogueHeaders, RogueHttp, RogueMysql, RoguePostgres, RogueRedis, RogueTls
from test_tls import Listening, make_certificate, openssl

LONG = 2_000_000_000  # iterations: an hour on a good machine
SHORT = 500_000    # over LOGIN_HELD, and under a second on a good one

SHARED = "  - {name: shared, driver: shared, password: x, plans: [{name: one, description: a, env: {X: y}}]}\n"


def service(name, driver, url, more="", plan=""):
    return (f"  - {{name: {name}, driver: {driver}, password: x, wait: 1s, servers: [{{name: evil, url: '{url}'{more}}}],"
            f" plans: [{{name: p, description: d{plan}}}]}}\n")


def postgres(rogue, name="rogue"):
    return service(name, "postgres", f"postgres://a:b@127.0.0.1:{rogue.port}/postgres")


def reason(broker, name="rogue"):
    return next(one.get("reason") or "" for one in broker.servers() if one["service"] == name)


@pytest.fixture
def start():
    brokers = []

    def begin(services, **options):
        broker = Broker(services, **options)
        broker.claims = False
        brokers.append(broker)
        return broker.start()

    yield begin
    for broker in brokers:
        broker.close()


@pytest.fixture
def rogues():
    made = []

    def make(kind, *arguments):
        made.append(kind(*arguments))
        return made[-1]

    yield make
    for rogue in made:
        rogue.close()


def test_others_are_served_while_a_login_computes(start, rogues, server):
    """The others' logins, too: the step of the rogue has a thread for itself."""
    rogue = rogues(RoguePostgres, LONG)
    broker = start(SHARED + postgres(rogue) + postgres_service(server, "x"))
    wait_until("the log names the server", lambda: "event=login-computes service=rogue server=evil" in broker.log())
    assert rogue.asked == 1
    shared, tenant = Tsuru(broker, "shared", "x"), Tsuru(broker, "postgres", "x")
    assert shared.plans().status == 200
    broker.ctl("claim", "postgres/main", "--yes", status=(0, 1, 2))
    assert rogue.answered == 0, "the step ended too early for the test"
    wait_until("the good server is up", lambda: any(one["service"] == "postgres" and one["state"] == "up" for one in broker.servers()))
    assert tenant.create("orders", "small").status == 201
    wait_until("it is made", lambda: tenant.is_up("orders"))
    assert tenant.bind("orders", "shop").status == 201
    tenant.remove("orders")
    # It is not asked again meanwhile, by whatever asks.
    wait_until("health says why", lambda: "it is not asked meanwhile" in reason(broker) or rogue.answered)
    assert rogue.asked == 1


def test_a_server_that_computes_is_asked_ever_more_rarely(start, rogues):
    """Work on it asks for checks, which tell how long it rests: for up to 5 s, then 10 s."""
    rogue = rogues(RoguePostgres, SHORT)
    broker = start(SHARED + postgres(rogue))
    rests = []

    def rest():
        found = re.search(r"made to compute .*asked again in (\d+) s", reason(broker))
        if found:
            rests.append((rogue.asked, int(found[1])))  # no more often than it was asked by now
        return found and rests[-1][1] > 5

    assert Tsuru(broker, "rogue", "x").create("orders", "p").status == 201
    wait_until("it rests for longer", rest, 3 * TIMEOUT)
    assert all(seconds <= 5 * 2 ** (asked - 1) for asked, seconds in rests), rests
    wait_until("each time is told", lambda: rogue.asked == broker.log().count("event=login-computes"))


def test_an_apps_login_that_computes_is_not_the_servers_fault(start, own_server):
    """An app chooses the iterations of its own verifier, and the drift pass tries the password that it should have."""
    own_server.rows("CREATE ROLE limited LOGIN CREATEDB CREATEROLE PASSWORD 'limited'")
    broker = start(postgres_service(own_server, "x").replace(f"admin:{own_server.password}@", "limited:limited@"))
    tenant = Tsuru(broker, "postgres", "x")
    wait_until("the server is up", lambda: broker.servers()[0]["state"] == "up")
    assert tenant.create("orders", "small").status == 201
    env = wait_until("it is bound", lambda: (answer := tenant.bind("orders", "shop")).status == 201 and answer.json)
    own_server.as_app(env, f"SET ROLE NONE; ALTER ROLE \"{env['PG_USER']}\" PASSWORD 'SCRAM-SHA-256${SHORT}:MDEyMzQ1Njc4OWFiY2RlZg==$"
                           f"{'A' * 43}=:{'A' * 43}='")
    broker.ctl("verify", "postgres/orders", status=(0, 1, 3))
    wait_until("it is told", lambda: 'service=postgres server=main login_of="an app" times=1' in broker.log())
    assert tenant.bind("orders", "other").status == 201
    wait_until("the server is up", lambda: broker.servers()[0]["state"] == "up")
    assert 'login_of="the broker"' not in broker.log()


def test_an_end_does_not_wait_for_a_step(start, rogues):
    rogue = rogues(RoguePostgres, LONG)
    broker = start(SHARED + postgres(rogue))
    wait_until("it computes", lambda: "event=login-computes" in broker.log())
    broker.stop()
    assert "event=stopped" in broker.log()


def turns(broker):
    """The services, in the order in which something became known of their servers."""
    return list(dict.fromkeys(re.findall(r"event=server-\w+ service=(\w+)", broker.log())))


def test_many_servers_that_say_nothing_keep_no_thread(start, rogues, server):
    """More logins wait than there are threads, and none of them is in another's way."""
    silent = [rogues(RoguePostgres, 0) for _ in range(10)] + [rogues(RogueMysql) for _ in range(10)]
    services = "".join(postgres(rogue, f"silent{i}") for i, rogue in enumerate(silent[:10]))
    services += "".join(service(f"mute{i}", "mysql", f"mysql://a:b@127.0.0.1:{rogue.port}") for i, rogue in enumerate(silent[10:]))
    broker = start(services + postgres_service(server, "x"))
    wait_until("all were asked", lambda: all(rogue.asked for rogue in silent))
    wait_until("the good server answers", lambda: any(one["service"] == "postgres" and
                                                      (one["state"] == "up" or "another broker" in (one.get("reason") or ""))
                                                      for one in broker.servers()))
    wait_until("those that say nothing are given up", lambda: len(turns(broker)) > len(silent))
    assert turns(broker).index("postgres") < len(silent), "those that say nothing were given up before"
    assert "event=login-computes" not in broker.log()


def test_answers_without_measure_are_refused(start, rogues):
    """Each is told by a sentence, and not after it was made into objects."""
    redis = rogues(RogueRedis, b"*2147483647\r\n")
    nested = rogues(RogueRedis, b"*249999\r\n*249999\r\n")
    rabbit, osb = (rogues(RogueHttp, b"[" + b"1," * 4_000_000 + b"1]") for _ in range(2))
    broker = start(SHARED + service("redis", "redis", f"redis://a:b@127.0.0.1:{redis.port}") +
                   service("nested", "redis", f"redis://a:b@127.0.0.1:{nested.port}") +
                   service("rabbit", "rabbitmq", f"http://127.0.0.1:{rabbit.port}", ", username: a, password: b") +
                   service("osb", "osb", f"http://127.0.0.1:{osb.port}", ", username: a, password: b, service: kv", ", upstream_plan: p"))
    for name, sentence in (("redis", "over 250000 elements"), ("nested", "over 250000 elements"),
                           ("rabbit", "100000 values of JSON"), ("osb", "100000 values of JSON")):
        wait_until(f"{name} is told", lambda name=name, sentence=sentence: sentence in reason(broker, name))
    assert Tsuru(broker, "shared", "x").plans().status == 200


def test_words_that_are_no_text_reach_nobodys_terminal(start, rogues):
    """What tsuru shows of a status has the server's words, and none of its bytes that a terminal would obey."""
    fields = b"SFATAL\0C53300\0M\x1b[2Jwiped \xf5 \xc3\xa9\0\0"
    server = rogues(RogueRedis, b"E" + (len(fields) + 4).to_bytes(4, "big") + fields)
    url = f"postgres://a:b@127.0.0.1:{server.port}/postgres?sslmode=disable"
    broker = start(service("databases", "postgres", url).replace("wait: 1s", "wait: 1s, retry_for: 1s"))
    tsuru = Tsuru(broker, "databases", "x")
    tsuru.create("mydb")
    wait_until("status tells it", lambda: (answer := tsuru.status("mydb")).status == 200 and "?[2Jwiped ? é" in answer.body)
    assert "\x1b" not in tsuru.status("mydb").body


@pytest.mark.parametrize("begin, header, sentence", [
    (b"", b"HTTP/1.1 103 Early Hints\r\nX: " + b"x" * 900 + b"\r\n\r\n", "headers over 262144 bytes"),
    (b"HTTP/1.1 200 OK\r\n", b"X: " + b"x" * 900 + b"\r\n", "headers over 262144 bytes"),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n", b"X: " + b"x" * 900 + b"\r\n", "headers over 262144 bytes"),
    (b"HTTP/1.1 200 OK\r\nX: ", b"x" * 900, "a header of its answer is too long"),
], ids=["interim", "head", "trailer", "line"])
def test_headers_without_measure_are_refused(start, rogues, begin, header, sentence):
    """Each is given up by its size, long before its time is over, and told."""
    rabbit, osb = (rogues(RogueHeaders, begin, header) for _ in range(2))
    broker = start(service("rabbit", "rabbitmq", f"http://127.0.0.1:{rabbit.port}", ", username: a, password: b") +
                   service("osb", "osb", f"http://127.0.0.1:{osb.port}", ", username: a, password: b, service: kv", ", upstream_plan: p"))
    before = broker.memory()
    for name in ("rabbit", "osb"):
        wait_until(f"{name} is told", lambda name=name: sentence in reason(broker, name))
    assert broker.memory() - before < 32 << 20


def test_no_diffie_hellman_over_integers_with_servers(start, rogues, tmp_path):
    certificate, key = str(tmp_path / "evil.pem"), str(tmp_path / "evil.key")
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "30", "-subj", "/CN=evil",
            "-addext", "subjectAltName=IP:127.0.0.1")
    http, redis = rogues(RogueTls, tmp_path, certificate, key), rogues(RogueTls, tmp_path, certificate, key)
    subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{http.port}", "-tls1_2"], stdin=subprocess.DEVNULL,
                   capture_output=True, timeout=TIMEOUT, check=False)
    assert wait_until("another client agrees", lambda: http.reasons) == ["agreed"]
    more = f", ca_file: {certificate}"
    start(service("rabbit", "rabbitmq", f"https://127.0.0.1:{http.port}", more + ", username: a, password: b") +
          service("redis", "redis", f"rediss://a:b@127.0.0.1:{redis.port}", more))
    assert set(wait_until("the broker asked for its management", lambda: http.reasons[1:])) == {"NO_SHARED_CIPHER"}
    assert set(wait_until("the broker asked for Redis", lambda: redis.reasons)) == {"NO_SHARED_CIPHER"}


def test_no_diffie_hellman_over_integers_with_strangers(tmp_path):
    certificate, key = make_certificate(tmp_path, "own")
    broker = Listening(tmp_path, "127.0.0.1:0", f"tls: {{cert: {certificate}, key: {key}}}\n")
    with closing(broker.start()):
        for group, version, good in (("ffdhe8192", "-tls1_3", False), ("ffdhe2048", "-tls1_3", False), ("X25519", "-tls1_3", True),
                                     ("P-256", "-tls1_2", True)):
            done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{broker.port}", version, "-groups", group],
                                  stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT, check=False)
            assert (done.returncode == 0) == good, (group, done.stdout[-500:], done.stderr[-500:])


HANG = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **found)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = dlsym(RTLD_NEXT, "getaddrinfo");

    if (host == NULL || strcmp(host, "hangs.example") != 0)
        return real(host, port, hints, found);
    close(open(getenv("HANG_BEGAN"), O_CREAT | O_WRONLY, 0600));
    sleep(3600);
    close(open(getenv("HANG_ENDED"), O_CREAT | O_WRONLY, 0600));
    return EAI_AGAIN;
}
"""


def test_a_look_up_that_hangs_is_given_up_at_once(start, tmp_path):
    """libcurl looks names up on a thread, and would wait for it."""
    source, library, began, ended = (tmp_path / name for name in ("hang.c", "hang.so", "began", "ended"))
    source.write_text(HANG)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
    environment = {"LD_PRELOAD": str(library), "HANG_BEGAN": str(began), "HANG_ENDED": str(ended),
                   "ASAN_OPTIONS": "detect_leaks=0:exitcode=86:verify_asan_link_order=0"}  # the thread is left behind
    broker = start(SHARED + service("rabbit", "rabbitmq", "http://hangs.example:15672", ", username: a, password: b"),
                   environment=environment)
    wait_until("the name is looked up", began.exists)
    wait_until("the check has given up", lambda: reason(broker, "rabbit"))
    assert Tsuru(broker, "shared", "x").plans().status == 200
    assert not ended.exists()


def test_files_that_are_none_hang_nothing(tmp_path):
    """A FIFO where a certificate should be: the reload is refused, and the broker goes on."""
    certificate, key = make_certificate(tmp_path, "own")
    broker = Listening(tmp_path, "127.0.0.1:0", f"tls: {{cert: {certificate}, key: {key}}}\n")
    fifo = tmp_path / "fifo"
    subprocess.run(["mkfifo", str(fifo)], check=True)
    with closing(broker.start()):
        broker.more = f"tls: {{cert: {fifo}, key: {key}}}\n"
        said = broker.reload(f"  - {{name: a, driver: shared, password: x, plans: [{{name: one, description: a, env: {{X: y}}}}]}}\n")
        assert "reload-failed" in said and "no regular file" in said, said
        broker.more = f"tls: {{cert: {certificate}, key: {key}}}\n"
        said = broker.reload(service("a", "redis", "rediss://a:b@127.0.0.1:1", f", ca_file: {fifo}"))
        assert "reload-failed" in said and "holds no certificates" in said, said
