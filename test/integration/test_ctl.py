"""ctl and the operators' listener where something is wrong: no listener, another one, a stranger, what does not exist."""

import http.server
import os
import pty
import shutil
import subprocess
import threading

import pytest

from harness import BROKER, TIMEOUT, Tsuru, free_port, scripted_service, wait_until

NOBODY = "0123456789abcdef"  # an instance
NOTHING = NOBODY + "0123"  # an operation


@pytest.fixture
def broker(start_broker, tmp_path):
    started = start_broker(scripted_service(tmp_path, "x"))
    wait_until("the server was checked", lambda: started.admin("/ready", user=None).json["servers"][0]["state"] == "up")
    return started


def ctl(*arguments, password=None):
    """ctl with no configuration at hand."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TSURU_BROKER_")}
    if password:
        environment["TSURU_BROKER_PASSWORD"] = password
    return subprocess.run([BROKER, "ctl", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          env=environment, timeout=TIMEOUT, check=False)


# ---- by url ----

def test_a_url_and_a_password_are_enough(broker):
    Tsuru(broker, "scripted", "x").create("mydb")
    url = f"http://127.0.0.1:{broker.admin_port}"
    assert "mydb" in ctl("instances", "--url", url, password="operate").stdout
    assert "mydb" in ctl("instances", "--url", url, "--user", "admin", password="operate").stdout
    for refused in (ctl("instances", "--url", url, password="wrong"),
                    ctl("instances", "--url", url, "--user", "somebody", password="operate")):
        assert refused.returncode == 1 and "refuses (401)" in refused.stderr and not refused.stdout
    silent = ctl("instances", "--url", url)
    assert silent.returncode == 1 and "$TSURU_BROKER_PASSWORD" in silent.stderr


@pytest.mark.parametrize("command", [("services",), ("instances",), ("operations",), ("audit",), ("drift",), ("health",),
                                     ("verify",), ("verify", "scripted/mydb"), ("show", "scripted/mydb"), ("reload",), ("rekey",),
                                     ("purge", "scripted/mydb"), ("remove", "scripted/mydb", "--yes"), ("unbind", "scripted/mydb", "shop"), ("drain", "scripted/one"), ("cancel", NOTHING)],
                         ids=" ".join)
def test_no_broker_answers(command):
    done = ctl(*command, "--url", f"http://127.0.0.1:{free_port()}", password="operate")
    assert done.returncode == 1 and "does not answer" in done.stderr and not done.stdout, done


def test_a_listener_that_is_not_the_broker():
    class Stranger(http.server.BaseHTTPRequestHandler):
        def do_GET(self):  # pylint: disable=invalid-name
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<h1>It works!</h1>")

        def log_message(self, *_):  # pylint: disable=arguments-differ
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Stranger) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        done = ctl("services", "--url", f"http://127.0.0.1:{server.server_port}", password="operate")
        server.shutdown()
    assert done.returncode == 1 and "is no JSON (status 200)" in done.stderr and not done.stdout


def test_a_listener_that_folds_its_first_header():
    """In its second answer: libcurl before 8.1 would follow what it remembers of the first."""
    class Stranger(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):  # pylint: disable=invalid-name
            self.rfile.read(int(self.headers["Content-Length"]))
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX-One: 1\r\nContent-Length: 2\r\n\r\n{}")

        def do_GET(self):  # pylint: disable=invalid-name
            self.wfile.write(b"HTTP/1.1 200 OK\r\n folded: 1\r\nContent-Length: 11\r\n\r\n{\"began\":1}")
            self.close_connection = True

        def log_message(self, *_):  # pylint: disable=arguments-differ
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stranger) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        done = ctl("rekey", "--url", f"http://127.0.0.1:{server.server_port}", password="operate")
        server.shutdown()
    assert done.returncode == 0 or "does not answer" in done.stderr, done  # libcurl 8.1 and later read it


def test_a_configuration_without_a_listener_for_operators(tmp_path):
    path = tmp_path / "broker.yaml"
    path.write_text(f"data_dir: {tmp_path}/data\nservices:\n{scripted_service(tmp_path, 'x')}")
    done = ctl("instances", "-c", str(path))
    assert done.returncode == 1 and 'has no "admin"' in done.stderr


# ---- for people ----

def test_tables_have_what_json_has(broker):
    Tsuru(broker, "scripted", "x").create("mydb")
    services = broker.ctl("services")
    for word in ("scripted", "SERVER", "one", "up", "PLAN", "small", "large"):
        assert word in services, services
    health = broker.ctl("health")
    for word in ("configuration", "good", "STATE", "up"):
        assert word in health, health


def test_an_operation_is_named_by_its_id(broker):
    for operand in ("mydb", "scripted/mydb", NOBODY, NOTHING.upper()):
        assert "is no operation's id" in broker.ctl("cancel", operand, status=2)
    for command in ("cancel", "retry"):
        assert f'no operation "{NOTHING}"' in broker.ctl(command, NOTHING, status=1)


def on_a_terminal(broker, *arguments, until=None, then=None):
    """What ctl writes to a terminal that is its standard error. With until and then: calls it once that was written."""
    master, terminal = pty.openpty()
    with open(master, "rb", buffering=0) as screen, subprocess.Popen(
            [BROKER, "ctl", *arguments, "-c", broker.config], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=terminal,
            env=broker.environment) as command:
        shown = b""
        while until and until not in shown:
            shown += screen.read(65536)
        if then:
            then()
        assert command.wait(TIMEOUT) == 0
        os.write(terminal, b"over")  # so that there is something to read in any case
        os.close(terminal)
        while not shown.endswith(b"over"):
            shown += screen.read(65536)
    return shown.decode()[:-len("over")]


def test_what_takes_long_says_how_far_it_is(start_broker, tmp_path):
    broker = start_broker(scripted_service(tmp_path, "x"), limits="limits: {verify_rate: 1000}\n")
    tsuru = Tsuru(broker, "scripted", "x")
    for number in range(200):
        assert tsuru.create(f"db{number}").status == 201
    lines = str(tmp_path / "lines")
    assert "records: 500 " in on_a_terminal(broker, "export", lines)
    rules = tmp_path / "rules"
    rules.write_text("inspect hold\n")
    shown = on_a_terminal(broker, "verify", until=b"inspecting instances: ", then=lambda: rules.write_text(""))
    assert shown.endswith("\r\x1b[K")
    assert on_a_terminal(broker, "rekey", "--json") == ""
    broker.stop()
    shutil.rmtree(broker.data)
    assert "records: 500 " in on_a_terminal(broker, "import", lines)


# ---- what does not exist ----

def test_nothing_is_done_to_an_instance_that_is_not_there(broker):
    for verb in ("undelete", "purge", "remove", "unbind", "forget", "verify"):
        answer = broker.admin(f"/v1/instances/{NOBODY}/{verb}", "POST", fields={"reason": "because"})
        assert answer.status == 404 and NOBODY in answer.message, verb
    assert broker.admin(f"/v1/instances/{NOBODY}").status == 404
    adopt = broker.admin("/v1/instances", "POST", fields={"service": "scripted"})
    assert adopt.status == 400 and adopt.message == 'the field "name" is missing'


def test_an_instance_whose_service_is_gone_can_only_be_forgotten(broker, tmp_path):
    Tsuru(broker, "scripted", "x").create("mydb")
    broker.reload(scripted_service(tmp_path, "x", name="other"))
    [left] = broker.ctl("instances", "--json")
    for verb in ("undelete", "purge", "remove", "unbind"):
        answer = broker.admin(f"/v1/instances/{left['id']}/{verb}", "POST", fields={})
        assert answer.status == 422 and "can only be forgotten" in answer.message, verb
    assert broker.admin(f"/v1/instances/{left['id']}/forget", "POST", fields={"reason": "the service went"}).status == 200
    assert broker.ctl("instances", "--json") == []
