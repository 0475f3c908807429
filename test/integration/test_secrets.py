"""No password is found in the data directory or in any log, after a life with every kind of secret in it."""

import os
import re
import secrets as random
import subprocess

from harness import BROKER, Tsuru, postgres_service, scripted_service

KUBE_CONFIG = "a3ViZS1jb25maWctb2YtdGhlLWNsdXN0ZXI="


def contents(directory):
    for folder, _, names in os.walk(directory):
        for name in names:
            with open(os.path.join(folder, name), "rb") as file:
                yield os.path.join(folder, name), file.read()


def test_no_secret_is_found(start_broker, own_server):
    broker = start_broker(postgres_service(own_server, "api-password-1234"), limits="log: {level: debug}\n")
    tsuru = Tsuru(broker, "postgres", "api-password-1234")
    wrong = Tsuru(broker, "postgres", "wrong-password-1234")
    cluster = {"X-Tsuru-Cluster-Kube-Config": KUBE_CONFIG}
    secrets = [own_server.password, "api-password-1234", "wrong-password-1234", KUBE_CONFIG]
    assert tsuru.create("mydb", headers=cluster).status == 201
    for app in ("one", "two"):
        secrets.append(tsuru.bind("mydb", app).json["PG_PASSWORD"])
    assert wrong.plans().status == 401
    tsuru.unbind("mydb", "one")
    own_server.stop()
    tsuru.send("POST", "/resources/mydb/rotate", {})
    own_server.start()
    secrets.append(tsuru.bind("mydb", "three").json["PG_PASSWORD"])
    broker.kill()
    broker.start()
    tsuru.info("mydb")
    broker.stop()
    searched = list(contents(broker.data)) + [(broker.log_path, broker.log().encode()),
                                              (own_server.log, open(own_server.log, "rb").read())]
    assert len(searched) >= 4 and b"CREATE ROLE" in searched[-1][1]
    for path, content in searched:
        for secret in secrets:
            assert secret.encode() not in content, f"{secret} is in {path}"


def test_the_environment_is_wiped_once_it_was_read(start_broker, tmp_path):
    """What /proc shows of the environment is nothing, and a reload still finds every variable."""
    planted = {"API_PASSWORD": "api-password-1234", "NEXT_PASSWORD": "next-password-1234", "SECRET_KEY": random.token_hex(32), "OTHER": "other-1234"}
    broker = start_broker(scripted_service(tmp_path, "${API_PASSWORD}"), environment=planted)
    assert Tsuru(broker, "scripted", planted["API_PASSWORD"]).create("mydb").status == 201

    def shown():
        with open(f"/proc/{broker.process.pid}/environ", "rb") as file:
            return file.read().strip(b"\0")

    assert shown() == b""
    assert "reloaded" in broker.reload(scripted_service(tmp_path, "['${API_PASSWORD}', '${NEXT_PASSWORD}']"))
    for password in (planted["API_PASSWORD"], planted["NEXT_PASSWORD"]):
        assert Tsuru(broker, "scripted", password).bind("mydb", "shop").status == 201
    assert shown() == b""
    with open(f"/proc/{broker.process.pid}/cmdline", "rb") as file:
        told = file.read()
    assert not [name for name, value in planted.items() if value.encode() in told]


def test_ctl_takes_no_password_as_an_argument():
    """Arguments are there for everybody to see."""
    told = subprocess.run([BROKER, "ctl", "health", "--help"], capture_output=True, text=True, check=True).stdout
    assert "--url" in told and not re.search("--[a-z-]*(password|token|secret)", told)
