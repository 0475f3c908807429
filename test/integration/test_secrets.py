"""No password is found in the data directory or in any log, after a life with every kind of secret in it."""

import os

from harness import Tsuru, postgres_service

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
