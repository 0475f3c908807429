"""Listeners: TLS with its certificate changed under load, client certificates, IPv6, socket files; and crowds of clients."""

import concurrent.futures
import contextlib
import http.client
import os
import resource
import select
import shutil
import signal
import socket
import ssl
import statistics
import subprocess
import threading
import time

import pytest

from arrival import arrived, told_before
from harness import BROKER, TIMEOUT, Broker, Tsuru, scripted_service, wait_until

HEADERS = {"Authorization": "Basic c2NyaXB0ZWQ6eA==", "Connection": "close"}  # scripted:x


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def make_certificate(directory, name, days=30, ca=None):
    """A key and a certificate for 127.0.0.1, signed by itself or by the ca."""
    key, certificate = str(directory / f"{name}.key"), str(directory / f"{name}.pem")
    more = ["-CA", f"{ca}.pem", "-CAkey", f"{ca}.key"] if ca else []
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", certificate,
            "-days", str(days), "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1,IP:::1", *more)
    return certificate, key


class Listening(Broker):
    """A broker with listeners of its own choice."""

    def __init__(self, directory, listen, more=""):
        self.more = more
        super().__init__(scripted_service(directory, "x"), listen=listen)

    def write_config(self, services, limits=""):
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(f"listen: {self.listen}\nadmin: {{listen: '127.0.0.1:{self.admin_port}', password: operate}}\n"
                       f"data_dir: {self.data}\n{self.more}{limits}services:\n{services}")


@pytest.fixture
def start(tmp_path):
    brokers = []

    def begin(listen="127.0.0.1:0", more="", directory=tmp_path):
        brokers.append(Listening(directory, listen, more))
        return brokers[-1].start()

    yield begin
    for broker in brokers:
        broker.close()


def tls(certificate, key, more=""):
    return f"tls: {{cert: {certificate}, key: {key}{more}}}\n"


def client(ca, minimum=None, maximum=None, certificate=None):
    context = ssl.create_default_context(cafile=ca)
    if minimum:
        context.minimum_version = minimum
    if maximum:
        context.maximum_version = maximum
    if certificate:
        context.load_cert_chain(*certificate)
    return context


def ask(port, context, host="127.0.0.1", path="/scripted/resources/plans"):
    connection = http.client.HTTPSConnection(host, port, context=context, timeout=TIMEOUT)
    try:
        connection.request("GET", path, headers=HEADERS)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def test_tls_from_1_2_on(start, tmp_path):
    certificate, key = make_certificate(tmp_path, "server")
    broker = start(more=tls(certificate, key))
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        assert ask(broker.port, client(certificate, version, version))[0] == 200
    old = client(certificate, ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_1)
    old.set_ciphers("DEFAULT@SECLEVEL=0")
    with pytest.raises(ssl.SSLError):
        ask(broker.port, old)
    with pytest.raises((ConnectionError, http.client.BadStatusLine, TimeoutError)):
        Tsuru(broker, "scripted", "x").plans()
    # A body of many records in both directions, and a client that talks nonsense.
    tsuru = http.client.HTTPSConnection("127.0.0.1", broker.port, context=client(certificate), timeout=TIMEOUT)
    body = "name=mydb&team=t&unknown=" + "x" * 200000
    for _ in range(3):
        tsuru.request("POST", "/scripted/resources", body, {**HEADERS, "Connection": "keep-alive",
                                                            "X-Padding": "x" * 20000, "Content-Type": "application/x-www-form-urlencoded"})
        response = tsuru.getresponse()
        response.read()
        assert response.status == 201
    tsuru.close()
    with socket.create_connection(("127.0.0.1", broker.port)) as nonsense:
        nonsense.sendall(os.urandom(1000))
        nonsense.settimeout(TIMEOUT)
        with contextlib.suppress(ConnectionResetError):  # some of it was not read
            while nonsense.recv(1000):
                pass
    assert subprocess.run([BROKER, "ping", "-c", broker.config], check=False).returncode == 0
    assert "https://" in subprocess.run([BROKER, "manifest", "scripted", "-c", broker.config], capture_output=True, check=True).stdout.decode()


def test_client_certificates(start, tmp_path):
    server = make_certificate(tmp_path, "server")
    make_certificate(tmp_path, "ca")
    good = make_certificate(tmp_path, "good", ca=tmp_path / "ca")
    stranger = make_certificate(tmp_path, "stranger")
    broker = start(more=tls(*server, more=f", client_ca: {tmp_path / 'ca.pem'}"))
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        assert ask(broker.port, client(server[0], version, version, good))[0] == 200
        for certificate in (None, stranger):
            with pytest.raises((ssl.SSLError, ConnectionError)):
                ask(broker.port, client(server[0], version, version, certificate))


def ask_again(connections):
    for connection in connections:
        connection.request("GET", "/scripted/resources/plans", headers={"Authorization": HEADERS["Authorization"]})
        answer = connection.getresponse()
        assert answer.status == 200 and answer.read() and connection.sock


def keep_connections(broker, context):
    connections = [http.client.HTTPSConnection("127.0.0.1", broker.port, timeout=TIMEOUT, context=context) for _ in range(3)]
    for _ in range(2):
        ask_again(connections)
    return connections


def expect_closed(connections):
    for connection in connections:
        connection.sock.settimeout(TIMEOUT)
        assert connection.sock.recv(1) == b""
        connection.close()


def test_another_client_ca_ends_kept_connections(start, tmp_path):
    """Who was let in by the certificate of a CA that counts no more does not stay."""
    server = make_certificate(tmp_path, "server")
    for name in ("old", "new"):
        make_certificate(tmp_path, name)
    member = make_certificate(tmp_path, "member", ca=tmp_path / "old")
    broker = start(more=tls(*server, more=f", client_ca: {tmp_path / 'old.pem'}"))
    connections = keep_connections(broker, client(server[0], certificate=member))
    broker.ctl("reload")  # the same files: they stay
    ask_again(connections)
    broker.more = tls(*server, more=f", client_ca: {tmp_path / 'new.pem'}")
    broker.write_config(scripted_service(tmp_path, "x"))
    broker.ctl("reload")
    expect_closed(connections)


@pytest.mark.parametrize("reloaded", [True, False], ids=["reloaded", "noticed"])
def test_a_client_ca_changed_in_place_ends_kept_connections(start, tmp_path, reloaded):
    """The path is the same; what counts is what the file holds."""
    server = make_certificate(tmp_path, "server")
    for name in ("old", "new"):
        make_certificate(tmp_path, name)
    members = {name: make_certificate(tmp_path, f"member-{name}", ca=tmp_path / name) for name in ("old", "new")}
    clients = tmp_path / "clients.pem"
    shutil.copy(tmp_path / "old.pem", clients)
    broker = start(more=tls(*server, more=f", client_ca: {clients}"))
    connections = keep_connections(broker, client(server[0], certificate=members["old"]))

    def take(source, target):
        seen = broker.log().count("certificate-replaced")
        shutil.copy(source, tmp_path / "next")
        os.rename(tmp_path / "next", target)
        if reloaded:
            broker.ctl("reload")
        else:
            wait_until("it is noticed", lambda: broker.log().count("certificate-replaced") > seen)

    take(tmp_path / "old.pem", clients)  # the same authorities in another file: they stay
    ask_again(connections)
    take(tmp_path / "new.pem", clients)
    expect_closed(connections)
    assert ask(broker.port, client(server[0], certificate=members["new"]))[0] == 200
    with pytest.raises((ssl.SSLError, ConnectionError)):
        ask(broker.port, client(server[0], certificate=members["old"]))


def test_files_that_are_not_good(start, tmp_path):
    certificate, key = make_certificate(tmp_path, "server")
    other = make_certificate(tmp_path, "other")
    for files, part in (((certificate, str(tmp_path / "nothing")), "key"), ((str(tmp_path / "nothing"), key), "certificate"),
                        ((certificate, other[1]), "key")):
        broker = Listening(tmp_path, "127.0.0.1:0", tls(*files))
        checked = subprocess.run([BROKER, "check", "-c", broker.config], capture_output=True, check=False)
        assert checked.returncode == 1 and f"the {part}" in checked.stderr.decode(), checked
        with pytest.raises(AssertionError, match=f"the {part}"):
            broker.start()
        broker.process = None
        broker.close()
    assert start is not None


def test_the_certificate_changes_under_load_without_a_failed_request(start, tmp_path):
    certificate, key = make_certificate(tmp_path, "server")
    broker = start(more=tls(certificate, key))
    trusted = client(certificate)
    failures, count, over = [], [0], threading.Event()

    def load():
        while not over.is_set():
            try:
                status, _ = ask(broker.port, trusted)
            except OSError as error:
                status = error
            count[0] += 1
            if status != 200:
                failures.append(status)
            time.sleep(0.03)

    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        loads = [threads.submit(load) for _ in range(8)]
        for number in range(3):
            make_certificate(tmp_path, "next")
            trusted.load_verify_locations(str(tmp_path / "next.pem"))
            serial = ssl.PEM_cert_to_DER_cert((tmp_path / "next.pem").read_text())
            os.rename(tmp_path / "next.key", key)  # at this moment the two do not fit
            os.rename(tmp_path / "next.pem", certificate)
            if number == 0:
                broker.ctl("reload")
            wait_until("the new certificate is served",  # by itself, the second time
                       lambda: ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(("127.0.0.1", broker.port))) == serial)
        (tmp_path / "server.key").write_text("nonsense")
        assert "key" in broker.ctl("reload", status=1)
        at = count[0]
        wait_until("load goes on", lambda: count[0] > at + 50)
        over.set()
        for one in loads:
            one.result()
    assert failures == [] and count[0] > 100


def test_several_listeners(start, tmp_path):
    path = tmp_path / "socket"
    broker = start(f"['127.0.0.1:0', '[::1]:0', 'unix:{path}']")
    v6 = int(wait_until("IPv6 is listened on", lambda: __import__("re").search(r"address=\[::1\]:(\d+)", broker.log()))[1])
    for host, port in (("127.0.0.1", broker.port), ("::1", v6)):
        connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT)
        connection.request("GET", "/scripted/resources/plans", headers=HEADERS)
        assert connection.getresponse().status == 200
        connection.close()
    assert os.stat(path).st_mode & 0o777 == 0o660
    done = subprocess.run(["curl", "-s", "-u", "scripted:x", "--unix-socket", path, "http://x/scripted/resources/plans"],
                          capture_output=True, check=True)
    assert b"small" in done.stdout
    assert "peer=unix" in broker.log() and "peer=[::1]:" in broker.log()
    other = Listening(tmp_path, f"'unix:{path}'")
    with pytest.raises(AssertionError, match="somebody listens"):
        other.start()
    other.process = None
    other.close()
    broker.kill()  # leaves the file behind
    assert path.exists()
    broker.start()
    broker.stop()
    assert not path.exists()


def test_operators_by_a_socket_file(tmp_path):
    broker = Listening(tmp_path, "127.0.0.1:0")
    path = tmp_path / "admin"
    with open(broker.config, encoding="utf-8") as file:
        text = file.read()
    with open(broker.config, "w", encoding="utf-8") as file:
        file.write(text.replace(f"admin: {{listen: '127.0.0.1:{broker.admin_port}', password: operate}}", f"admin: {{listen: 'unix:{path}'}}"))
    broker.start()
    try:
        assert broker.ctl("services", "--json")["services"][0]["name"] == "scripted"
        assert subprocess.run([BROKER, "ping", "-c", broker.config], check=False).returncode == 0
        broker.stop()
        assert broker.log().count("event=admin-request") == 1, broker.log()  # the ping's is none
    finally:
        broker.close()


# ---- crowds ----

@pytest.fixture
def many_files():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 20000), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def duration(call, *arguments):
    """How long a call of tsuru's takes, in ms."""
    began = time.monotonic()
    answer = call(*arguments)
    assert answer.status < 300, answer
    return (time.monotonic() - began) * 1000


def lives(tsuru):
    return [(tsuru.create, "db"), (tsuru.bind, "db", "shop"), (tsuru.info, "db"), (tsuru.status, "db"), (tsuru.unbind, "db", "shop"),
            (tsuru.remove, "db")]


def by_turns(rounds, *calls):
    """The durations of each of the lists of calls; they are made side by side, so that the machine is as busy for all of them."""
    taken = [[] for _ in calls]
    for _ in range(rounds):
        for side in zip(*calls):
            for one, call in zip(taken, side):
                one.append(duration(*call))
    return taken


def check_prompt(tsuru, alone, what):
    """All of tsuru's calls are answered within 100 ms; a busy machine may hold up a few, and holds up as many of a broker that
    is alone."""
    plans, plans_alone = by_turns(100, [(tsuru.plans,)], [(alone.plans,)])
    lived, lived_alone = by_turns(10, lives(tsuru), lives(alone))
    for name, taken in (("plans", plans), ("plans alone", plans_alone), ("all calls", lived), ("all calls alone", lived_alone)):
        print(f"{name}: median {statistics.median(taken):.2f} ms, worst {max(taken):.1f} ms {what}")
    assert sum(one > 100 for one in plans) <= 5 + 2 * sum(one > 100 for one in plans_alone)
    assert statistics.median(lived) < max(100, 3 * statistics.median(lived_alone))


@pytest.fixture
def alone(start, tmp_path):
    """tsuru in front of a broker that nobody else asks."""
    (tmp_path / "alone").mkdir()
    return Tsuru(start(directory=tmp_path / "alone"), "scripted", "x")


def test_slow_and_idle_clients_keep_nobody_waiting(start, alone, many_files):
    broker = start(more="limits: {request_timeout: 10m}\n")  # a slow one that is closed would end the dribbling
    tsuru = Tsuru(broker, "scripted", "x")
    slow = [socket.create_connection(("127.0.0.1", broker.port)) for _ in range(1000)]
    idle = [socket.create_connection(("127.0.0.1", broker.port)) for _ in range(5000)]
    over = threading.Event()

    def dribble():
        """A byte a second on each, in turns."""
        request = b"GET /scripted/resources/plans HTTP/1.1\r\nX: " + b"x" * 100000
        at = 0
        while not over.is_set():
            for one in slow:
                one.send(request[at:at + 1])
            at += 1
            time.sleep(0.2)

    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        dribbling = threads.submit(dribble)
        try:
            check_prompt(tsuru, alone, "beside 1,000 slow and 5,000 idle clients")
        finally:
            over.set()
        dribbling.result()
    for one in slow + idle:
        one.close()
    assert many_files is None


GIGABYTE = 1 << 30


def send_a_gigabyte(port):
    """Sends as much of it as is taken; gives the answer, or nothing when the connection ended before."""
    head = (b"POST /scripted/resources HTTP/1.1\r\nHost: x\r\nAuthorization: Basic c2NyaXB0ZWQ6eA==\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n" % GIGABYTE)
    block, sent = b"x" * 1048576, 0
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT) as connection:
        try:
            connection.sendall(head)
            while sent < GIGABYTE:
                sent += connection.send(block)
        except OSError:
            pass
        try:
            return connection.recv(1000)
        except OSError:
            return b""


def test_a_body_of_a_gigabyte_is_refused_without_being_kept(start, alone):
    broker = start()
    tsuru = Tsuru(broker, "scripted", "x")
    before, over = broker.memory(), threading.Event()

    def send():
        """One after the other."""
        answers = []
        while not over.is_set():
            answers.append(send_a_gigabyte(broker.port))
        return answers

    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        sending = threads.submit(send)
        try:
            check_prompt(tsuru, alone, "beside bodies of a gigabyte")
        finally:
            over.set()
        answers = sending.result()
    assert answers and all(not answer or b" 413 " in answer for answer in answers)
    assert broker.memory() - before < 64 << 20
    assert tsuru.plans().status == 200


def test_half_handshakes_keep_nobody_out(start, tmp_path):
    """Strangers that begin a handshake and do not end it, three times as many as may be connected."""
    server = make_certificate(tmp_path, "server")
    broker = start(more=tls(*server) + "limits: {connections: 60, strangers: 40}\n")
    held = []
    try:
        for _ in range(180):
            held.append(socket.create_connection(("127.0.0.1", broker.port), source_address=("127.0.0.2", 0)))
            held[-1].sendall(b"\x16\x03\x01")
            if len(held) % 30 == 0:
                assert ask(broker.port, client(server[0]))[0] == 200
    finally:
        for one in held:
            one.close()


def test_handshakes_at_once_do_not_hold_up_others(start, tmp_path):
    """Hundreds of strangers complete what the broker has to sign for at one moment: a probe is answered among the first, and so is
    who has logged in from its address."""
    certificate, key = str(tmp_path / "large.pem"), str(tmp_path / "large.key")
    openssl("req", "-x509", "-newkey", "rsa:4096", "-nodes", "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=large",
            "-addext", "subjectAltName=IP:127.0.0.1")
    broker = start(more=tls(certificate, key) + "limits: {request_timeout: 10m}\n")
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        client(certificate).wrap_bio(incoming, outgoing, server_hostname="127.0.0.1").do_handshake()
    hello = outgoing.read()
    assert ask(broker.port, client(certificate))[0] == 200
    held = [socket.create_connection(("127.0.0.1", broker.port), source_address=(f"127.0.{10 + number % 2}.{1 + number // 2}", 0)) for number in range(400)]
    try:
        for one in held:
            one.sendall(hello[:-1])
        assert broker.admin("/health", user=None).status == 200
        with socket.create_connection(("127.0.0.1", broker.admin_port)) as probe, socket.create_connection(("127.0.0.1", broker.port)) as known:
            for one in (probe, known):
                one.settimeout(TIMEOUT)
            broker.process.send_signal(signal.SIGSTOP)
            try:
                for one in held:
                    one.sendall(hello[-1:])
                probe.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
                known.sendall(hello)
            finally:
                broker.process.send_signal(signal.SIGCONT)
            assert probe.recv(8192).startswith(b"HTTP/1.1 200")
            assert told_before(arrived(probe), held) < 200
            assert known.recv(8192)[:1] == b"\x16"  # a handshake goes on
            assert told_before(arrived(known), held) < 200  # its address goes first
        assert ask(broker.port, client(certificate))[0] == 200
        wait_until("they have their turns", lambda: len(select.select(held, [], [], 0)[0]) > 200)
    finally:
        for one in held:
            one.close()


def test_limits_of_connections(tmp_path):
    broker = Listening(tmp_path, "127.0.0.1:0", "limits: {connections: 20, connections_per_address: 15, request_timeout: 10m}\n").start()
    try:
        tsuru = Tsuru(broker, "scripted", "x")
        held = [socket.create_connection(("127.0.0.1", broker.port)) for _ in range(40)]

        def closed():
            count = 0
            for one in held:
                one.settimeout(0.01)
                try:
                    count += one.recv(1) == b""
                except TimeoutError:
                    pass
                except OSError:
                    count += 1
            return count

        wait_until("those over the limit are closed", lambda: closed() >= 25)
        assert closed() == 25
        for one in held:
            one.close()
        wait_until("all is well again", lambda: tsuru.plans().status == 200)
    finally:
        broker.close()


def test_wrong_passwords_are_slowed_down_and_right_ones_are_not(start):
    broker = start()
    tsuru, wrong = Tsuru(broker, "scripted", "x"), Tsuru(broker, "scripted", "guess")
    assert all(wrong.plans().status == 401 for _ in range(10))
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        guesses = [threads.submit(wrong.plans) for _ in range(4)]
        assert all(one.result().status == 401 for one in guesses)
    assert time.monotonic() - began > 0.1
    assert tsuru.plans().status == 200  # and it clears the address
    assert wrong.plans().status == 401
