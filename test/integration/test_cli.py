"""The command line: help, check, manifest, ping, and how serve begins and ends."""

import concurrent.futures
import http.client
import json
import os
import subprocess

import pytest
import yaml

from harness import BROKER, Broker, Tsuru, closing, free_port, postgres_service, scripted_service, wait_until

ROOT = os.path.join(os.path.dirname(__file__), "..", "..")


def run(*arguments, **environment):
    return subprocess.run([BROKER, *arguments], capture_output=True, text=True, timeout=60, check=False,
                          env={**os.environ, **environment})


def test_help():
    overview = run("--help")
    assert overview.returncode == 0
    for command in ("serve", "check", "manifest"):
        assert command in overview.stdout
        own = run(command, "--help")
        assert own.returncode == 0 and command in own.stdout and "-c" in own.stdout
    assert run("--version").stdout.strip()


def test_usage_errors():
    for arguments in (("serve", "--nonsense"), ("nonsense",), ("manifest",), ()):
        result = run(*arguments)
        assert result.returncode == 2, arguments
        assert "help" in result.stderr.lower()


def test_sample_configuration_is_good():
    result = run("check", "-c", os.path.join(ROOT, "conf", "broker.yaml"))
    assert result.returncode == 0, result.stderr


def test_check_shows_every_error(tmp_path):
    path = tmp_path / "broker.yaml"
    path.write_text("listen: nowhere\nservices:\n  - name: a\n    driver: shared\n    plans: [{}]\n    colour: red\n")
    result = run("check", "-c", str(path))
    assert result.returncode == 1
    for place in (":1:9:", ":3:5:", ":5:13:", ":6:5:"):
        assert f"{path}{place}" in result.stderr, result.stderr
    assert run("check", "-c", "/nowhere.yaml").returncode == 1


def test_check_knows_the_drivers_keys(tmp_path):
    path = tmp_path / "broker.yaml"
    path.write_text("""services:
  - name: a
    driver: postgres
    password: x
    servers: [{name: s, url: "postgres://u:p@h/d", colour: red}]
    plans: [{name: p, statement_timeout: soon}]
""")
    result = run("check", "-c", str(path))
    assert result.returncode == 1 and "colour" in result.stderr and "statement_timeout" in result.stderr
    assert ":p@" not in result.stderr


FAULTS = {
    "shared": "",
    "exec": "servers: [{name: s, command: /bin/true, group: nobody}]",
    "mysql": "servers: [{name: s, url: 'mysql://u:p@h', ca_file: /nowhere.pem}]",
    "osb": "servers: [{name: s, url: 'https://h', username: u, password: p, service: one, ca_file: /nowhere.pem}]",
    "postgres": "servers: [{name: s, url: 'postgres://u:p@one,two/d'}]",
    "rabbitmq": "servers: [{name: s, url: 'https://h', username: u, password: p, ca_file: /nowhere.pem}]",
    "redis": "servers: [{name: s, url: 'redis://u:p@h'}]",
}


@pytest.mark.parametrize("driver", FAULTS)
def test_a_driver_that_finds_fault_names_the_service_once(tmp_path, driver):
    path = tmp_path / "broker.yaml"
    plan = "name: p, description: d" + (", dedicated: true" if driver == "redis" else "")
    path.write_text(f"listen: 127.0.0.1:0\ndata_dir: {tmp_path}/data\nservices:\n  - name: faulty\n"
                    f"    driver: {driver}\n    password: x\n    {FAULTS[driver]}\n    plans: [{{{plan}}}]\n")
    for command in ("check", "serve"):
        result = run(command, "-c", str(path))
        said = [line.replace('\\"', '"') for line in result.stderr.splitlines() if "event=secret-key-created" not in line]
        assert result.returncode == 1 and len(said) == 1, result.stderr
        assert said[0].count('the service "faulty": ') == 1 and said[0].count("faulty") == 1, said


def test_manifest(tmp_path, start_broker):
    broker = start_broker(scripted_service(tmp_path, '"it\'s: a \\"pass\\" #word"'))
    result = run("manifest", "-c", broker.config, "scripted", "--endpoint", "https://broker.example.com")
    assert result.returncode == 0, result.stderr
    manifest = yaml.safe_load(result.stdout)
    assert manifest["id"] == "scripted" and manifest["username"] == "scripted"
    assert manifest["password"] == 'it\'s: a "pass" #word'
    assert manifest["endpoint"]["production"] == "https://broker.example.com/scripted"
    document = json.loads(run("manifest", "-c", broker.config, "scripted", "--operations").stdout)
    assert document["enabled"] is True and document["strict_actions"] is True
    assert {"method": "GET", "path": "/binds", "action": "binds.view"} in document["operations"]
    assert run("manifest", "-c", broker.config, "none").returncode == 1


def test_top_level_manifest_fits_the_sample():
    with open(os.path.join(ROOT, "manifest.yaml"), encoding="utf-8") as file:
        manifest = yaml.safe_load(file)
    result = run("manifest", "-c", os.path.join(ROOT, "conf", "broker.yaml"), manifest["id"])
    assert result.returncode == 0, result.stderr
    own = yaml.safe_load(result.stdout)
    assert own["username"] == manifest["username"] and own["password"] == manifest["password"]


def test_ping(tmp_path, start_broker):
    broker = start_broker(scripted_service(tmp_path, "x"))
    with open(broker.config, encoding="utf-8") as file:
        text = file.read().replace("127.0.0.1:0", f"127.0.0.1:{broker.port}")
    with open(broker.config, "w", encoding="utf-8") as file:
        file.write(text)
    assert run("ping", "-c", broker.config).returncode == 0
    broker.stop()
    assert run("ping", "-c", broker.config).returncode == 1


@pytest.mark.parametrize("path", ["/", "/deep"])
@pytest.mark.parametrize("socket_file", [False, True])
def test_a_ping_leaves_no_line(tmp_path, path, socket_file):
    """Without an operators' listener, as in the image's own configuration: its health check asks all day."""
    broker = Broker(scripted_service(tmp_path, "x", more=f"    path: {path}\n"))
    listen = f"127.0.0.1:{free_port()}" if not socket_file else f"unix:{tmp_path}/socket"
    with open(broker.config, encoding="utf-8") as file:
        services = file.read().partition("services:")[2]
    with open(broker.config, "w", encoding="utf-8") as file:
        file.write(f"listen: ['{listen}', '127.0.0.1:0']\ndata_dir: {broker.data}\nservices:{services}")
    with closing(broker.start()):
        assert run("ping", "-c", broker.config).returncode == 0
        broker.stop()
        assert "event=request" not in broker.log() and "event=stopped" in broker.log(), broker.log()
        assert run("ping", "-c", broker.config).returncode == 1


def test_second_process_on_the_same_data(tmp_path, start_broker):
    broker = start_broker(scripted_service(tmp_path, "x"))
    result = run("serve", "-c", broker.config)
    assert result.returncode == 1
    assert broker.data in result.stderr and "in use" in result.stderr


def test_port_in_use(tmp_path, start_broker):
    broker = start_broker(scripted_service(tmp_path, "x"))
    path = tmp_path / "second.yaml"
    path.write_text(f"listen: 127.0.0.1:{broker.port}\ndata_dir: {tmp_path}/data\nservices:\n"
                    + scripted_service(tmp_path, "x"))
    result = run("serve", "-c", str(path))
    assert result.returncode == 1 and str(broker.port) in result.stderr


def test_terms_while_requests_wait(tmp_path, start_broker):
    (tmp_path / "rules").write_text("provision hold\n")
    broker = start_broker(scripted_service(tmp_path, "x", more="    wait: 280s\n"), limits="limits: {shutdown: 10m}\n")
    tsuru = Tsuru(broker, "scripted", "x")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        waiting = pool.submit(tsuru.create, "mydb")
        wait_until("the create runs", lambda: tsuru.status("mydb").status == 202)
        ending = pool.submit(broker.stop)  # asserts that the program ends with 0
        wait_until("it is told to end", lambda: "event=stopping waiting=1 " in broker.log())
        (tmp_path / "rules").write_text("")
        assert waiting.result().status == 201
        ending.result()


def test_a_request_that_waits_too_long_does_not_hold_the_end_up(tmp_path, start_broker):
    (tmp_path / "rules").write_text("provision hang\n")
    broker = start_broker(scripted_service(tmp_path, "x", more="    wait: 280s\n"), limits="limits: {shutdown: 1s}\n")
    tsuru = Tsuru(broker, "scripted", "x")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        waiting = pool.submit(tsuru.create, "mydb")
        wait_until("the create runs", lambda: tsuru.status("mydb").status == 202)
        broker.stop()  # asserts that the program ends with 0; the create alone would wait for 280 s
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            waiting.result()
    (tmp_path / "rules").unlink()
    broker.start()
    wait_until("the create that was promised nothing is done all the same", lambda: tsuru.is_up("mydb"))


def test_secret_key_from_environment(server, start_broker):
    broker = start_broker(postgres_service(server, "x"), environment={"SECRET_KEY": "ab" * 32})
    tsuru = Tsuru(broker, "postgres", "x")
    tsuru.create("mydb")
    env = tsuru.bind("mydb", "shop", event="e1").json
    assert not os.path.exists(os.path.join(broker.data, "secret.key"))
    broker.stop()
    broker.start()
    assert tsuru.bind("mydb", "shop", event="e1").json == env
    tsuru.remove("mydb")


def test_another_secret_key_is_refused(tmp_path, start_broker):
    broker = start_broker(scripted_service(tmp_path, "x"), environment={"SECRET_KEY": "ab" * 32})
    broker.stop()
    result = run("serve", "-c", broker.config, SECRET_KEY="cd" * 32)
    assert result.returncode == 1 and "master key" in result.stderr
    broker.start()


def test_a_lost_key_is_not_replaced(tmp_path, start_broker):
    broker = start_broker(scripted_service(tmp_path, "x"))
    broker.stop()
    key = os.path.join(broker.data, "secret.key")
    os.rename(key, key + ".lost")
    result = run("serve", "-c", broker.config)
    assert result.returncode == 1 and "secret.key" in result.stderr and not os.path.exists(key)
    os.rename(key + ".lost", key)
    broker.start()


def test_json_log(tmp_path, start_broker):
    broker = start_broker(scripted_service(tmp_path, "x"))
    broker.stop()
    broker.write_config(scripted_service(tmp_path, "x"), "log: {format: json}\n")
    result = subprocess.Popen([BROKER, "serve", "-c", broker.config], stderr=subprocess.PIPE, text=True,
                              env=broker.environment)
    try:
        event = ""
        while event != "listening":  # from then on at the latest, it ends well
            line = json.loads(result.stderr.readline())
            assert {"time", "level", "event"} <= set(line)
            event = line["event"]
    finally:
        result.terminate()
        rest = result.stderr.read()
        assert result.wait(60) == 0
    assert all(json.loads(one)["event"] for one in rest.splitlines())
