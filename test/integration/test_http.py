"""Limits, slow clients and bad bodies through the whole program; the http floor's own tests know every rule, and
test_smuggling.py holds requests that two readers may read differently against nginx."""

import socket
import time

import pytest

from harness import Tsuru, scripted_service, wait_until

GOOD = b"GET /scripted/resources/plans HTTP/1.1\r\nHost: x\r\nAuthorization: Basic c2NyaXB0ZWQ6eA==\r\n"


@pytest.fixture(params=["10m"])
def broker(start_broker, tmp_path, request):
    return start_broker(scripted_service(tmp_path, "x"), limits=f"limits: {{request_timeout: {request.param}}}\n")


def talk(broker, *parts, pause=0.0):
    """Sends the parts and gives all that comes back until the connection ends."""
    with socket.create_connection(("127.0.0.1", broker.port), timeout=30) as connection:
        for part in parts:
            try:
                connection.sendall(part)
            except (BrokenPipeError, ConnectionResetError):
                break
            time.sleep(pause)
        received = b""
        try:
            while chunk := connection.recv(65536):
                received += chunk
        except ConnectionResetError:
            pass
        return received


def test_limits(broker):
    assert talk(broker, GOOD + b"X: " + b"a" * 70000 + b"\r\n\r\n").startswith(b"HTTP/1.1 431 ")
    assert talk(broker, GOOD + b"Content-Length: 2000000\r\n\r\n").startswith(b"HTTP/1.1 413 ")
    assert talk(broker, GOOD + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n").startswith(b"HTTP/1.1 413 ")
    body = b"".join(b"10000\r\n" + b"a" * 65536 + b"\r\n" for _ in range(20))
    assert talk(broker, GOOD + b"Transfer-Encoding: chunked\r\n\r\n" + body).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("broker", ["1s"], indirect=True)
def test_slow_requests_end(broker):
    begin = time.monotonic()
    answer = talk(broker, *(GOOD[i:i + 1] for i in range(30)), pause=0.1)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 408 ")
    assert time.monotonic() - begin < 20


def test_bodies_of_other_types_are_refused(broker):
    tsuru = Tsuru(broker, "scripted", "x")
    answer = tsuru.send("POST", "/resources", headers={"Content-Type": "text/xml", "Content-Length": "0"})
    assert answer.status in (400, 415)
    assert talk(broker, b"POST" + GOOD[3:].replace(b"/plans", b"") +
                b"Connection: close\r\nContent-Type: text/xml\r\nContent-Length: 3\r\n\r\n<a>").startswith(b"HTTP/1.1 415 ")


def test_bad_json_and_forms_are_told(broker):
    for kind, body in ((b"application/json", b'{"name": 1}'), (b"application/json", b'{"name": '), (b"application/json", b"[]"),
                       (b"application/x-www-form-urlencoded", b"name=%zz"), (b"application/json", b'{"name": "a\\u0000b"}')):
        answer = talk(broker, b"POST" + GOOD[3:].replace(b"/plans", b"") + b"Connection: close\r\nContent-Type: " + kind +
                      b"\r\nContent-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body)
        assert answer.startswith(b"HTTP/1.1 400 "), (body, answer)


def test_kept_connections_and_pipelining(broker):
    answer = talk(broker, GOOD + b"\r\n" + GOOD + b"Connection: close\r\n\r\n")
    assert answer.count(b"HTTP/1.1 200 ") == 2


def test_a_client_that_hangs_up_changes_nothing(broker, tmp_path):
    (tmp_path / "rules").write_text("provision hold\n")
    tsuru = Tsuru(broker, "scripted", "x")
    body = b"name=mydb&team=red"
    with socket.create_connection(("127.0.0.1", broker.port)) as connection:
        connection.sendall(b"POST" + GOOD[3:].replace(b"/plans", b"") +
                           b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 18\r\n\r\n" + body)
        wait_until("it is worked on", lambda: tsuru.status("mydb").status == 202)
    (tmp_path / "rules").write_text("")
    wait_until("the instance is up", lambda: tsuru.is_up("mydb"))
