"""Every row of tsuru's service API, with form and JSON bodies, as tsuru sends and reads it."""

import concurrent.futures
import http.client
import json
import os
import socket

import pytest

from harness import TIMEOUT, Answer, Tsuru, closing, postgres_service, scripted_service, wait_until

# What a tsurud (1.31) sends, one request a file, each byte as it goes over the wire: the order of headers and fields,
# values that are empty, a body's new line. unit-in and unit-out are those of a tsurud before 1.18.
TSURUD = os.path.join(os.path.dirname(__file__), "..", "fixtures", "tsurud")


@pytest.fixture(scope="module")
def standing(make_broker, tmp_path_factory):
    """A broker for all that ask for tsuru."""
    broker = make_broker(scripted_service(tmp_path_factory.mktemp("standing"), "api-password"))
    with closing(broker):
        yield broker.start()


@pytest.fixture(params=["form", "json"])
def tsuru(request, standing):
    """Whatever a test has made is removed, and the next one finds nothing."""
    yield Tsuru(standing, "scripted", "api-password", encoding=request.param)
    host = Tsuru(standing, "scripted", "api-password")
    for one in standing.admin("/v1/instances").json["instances"]:
        assert host.remove(one["name"]).status == 200
        wait_until("it is gone", lambda name=one["name"]: host.info(name).status == 404)


@pytest.fixture(params=["form", "json"])
def tsuru_of_its_own(request, start_broker, tmp_path):
    return Tsuru(start_broker(scripted_service(tmp_path, "api-password")), "scripted", "api-password", encoding=request.param)


def test_plans(tsuru):
    answer = tsuru.plans()
    assert answer.status == 200
    assert answer.json == [{"name": "small", "description": "a"}, {"name": "large", "description": "b"}]


def test_a_life(tsuru):
    assert tsuru.create("mydb", "small", tags=["a", "b"], description="of mine").status == 201
    assert tsuru.status("mydb").status == 204
    bound = tsuru.bind("mydb", "shop", parameters={"read_only": True})
    assert bound.status == 201
    assert all(isinstance(value, str) for value in bound.json.values()) and bound.json["SCRIPTED_USER"]
    job = tsuru.bind_job("mydb", "shop")
    assert job.status == 201 and job.json["SCRIPTED_USER"] != bound.json["SCRIPTED_USER"]
    described = tsuru.described("mydb")
    assert described["Plan in force"] == "small" and described["Binds"] == "2"
    assert tsuru.update("mydb", "large", parameters={"size": 7}).status == 200
    assert tsuru.described("mydb")["Plan in force"] == "large"
    assert tsuru.update("mydb", "").status == 200
    assert tsuru.described("mydb")["Plan in force"] == "large"
    assert tsuru.unbind("mydb", "shop").status == 200
    assert tsuru.unbind_job("mydb", "shop").status == 200
    assert tsuru.remove("mydb").status == 200
    assert tsuru.info("mydb").status == 404


def test_errors_are_sentences_for_people(tsuru):
    assert "plans" in tsuru.create("plans").message
    assert "huge" in tsuru.create("mydb", "huge").message
    assert "colour" in tsuru.create("mydb", parameters={"colour": "red"}).message
    assert tsuru.create("mydb", parameters={"size": 101}).status == 400
    assert tsuru.info("none").status == 404
    assert "none" in tsuru.info("none").message
    assert tsuru.status("none").status == 404
    assert tsuru.update("none").status == 404
    assert tsuru.remove("none").status == 404
    assert tsuru.bind("none", "shop").status == 404
    assert tsuru.create("mydb").status == 201
    assert tsuru.bind("mydb", "No Name").status == 400
    assert tsuru.bind("mydb", "shop", parameters={"env_prefix": "1-"}).status == 400
    tsuru.team = "blue"
    assert "mydb" in tsuru.create("mydb").message


def test_false_lifts_a_protection(tsuru):
    """In tsuru's form a false is an empty text, in JSON it is a false."""
    assert tsuru.create("mydb", parameters={"deletion_protection": True}).status == 201
    assert tsuru.remove("mydb").status == 403
    assert tsuru.update("mydb", parameters={"deletion_protection": False}).status == 200
    assert tsuru.bind("mydb", "shop", parameters={"read_only": False, "env_prefix": ""}).json["SCRIPTED_USER"]
    zero = tsuru.update("mydb", parameters={"size": 0})
    assert zero.status == 400 and "from 1 to 100" in zero.message
    assert tsuru.unbind("mydb", "shop").status == 200
    assert tsuru.remove("mydb").status == 200


def prefix_of(answer):
    assert answer.status == 201, answer
    prefixes = {name.rpartition("SCRIPTED_")[0] for name in answer.json}
    assert len(prefixes) == 1, answer.json
    return prefixes.pop()


def bind_of(tsuru, name, kind="app"):
    one, = [bind for bind in tsuru.send("GET", "/resources/mydb/binds").json if (bind["kind"], bind["name"]) == (kind, name)]
    return one


OLD = "Old parameters until bound again"


@pytest.mark.parametrize("binds", [
    {"binds.shop.env_prefix": "B_", "binds.shop.read_only": True, "binds.job:shop.env_prefix": "J_"},  # as tsuru's client sends it
    {"binds": {"shop": {"env_prefix": "B_", "read_only": True}, "job:shop": {"env_prefix": "J_"}}},
    {"binds.shop": {"env_prefix": "B_", "read_only": True}, "binds.job:shop": {"env_prefix": "J_"}},
])
def test_what_an_instance_has_for_its_binds(tsuru, binds):
    """tsuru's client knows no parameters of a bind, and jobs get none. What is nearer to the bind wins."""
    assert tsuru.create("mydb", parameters={"env_prefix": "A_", **binds}).status == 201
    assert prefix_of(tsuru.bind("mydb", "mail")) == "A_" and prefix_of(tsuru.bind_job("mydb", "mail")) == "A_"
    assert prefix_of(tsuru.bind("mydb", "shop")) == "B_" and prefix_of(tsuru.bind_job("mydb", "shop")) == "J_"
    assert json.loads(bind_of(tsuru, "shop")["parameters"]).keys() == {"env_prefix", "read_only"}
    assert json.loads(bind_of(tsuru, "shop", "job")["parameters"]) == {"env_prefix": "J_"}
    assert prefix_of(tsuru.bind("mydb", "shop", parameters={"env_prefix": "C_"})) == "C_"
    assert prefix_of(tsuru.bind("mydb", "shop", parameters={"env_prefix": ""})) == ""
    assert json.loads(bind_of(tsuru, "shop")["parameters"])["read_only"] in (True, "true")
    old = tsuru.send("POST", "/resources/mydb/bind", {"app-host": "old.example.com", "user": "dev"})
    assert prefix_of(old) == "A_"
    assert OLD not in tsuru.described("mydb")


def test_changed_parameters_hold_from_the_next_bind(tsuru):
    assert tsuru.create("mydb", parameters={"binds.shop.env_prefix": "A_"}).status == 201
    assert prefix_of(tsuru.bind("mydb", "shop")) == "A_" and prefix_of(tsuru.bind("mydb", "mail")) == ""
    # --add-param sends all that there is, and what is added.
    assert tsuru.update("mydb", parameters={"binds.shop.env_prefix": "B_", "read_only": True}).status == 200
    assert tsuru.described("mydb")[OLD] == 'the app "mail" (read_only), the app "shop" (env_prefix, read_only)'
    assert bind_of(tsuru, "shop")["old_parameters"] == "env_prefix, read_only"
    assert json.loads(bind_of(tsuru, "shop")["parameters"]) == {"env_prefix": "A_"}
    # A rotation is a new login in all but its name, and so are the parameters.
    assert tsuru.send("POST", "/resources/mydb/rotate", {"app-name": "mail"}).status == 202
    wait_until("it is done", lambda: bind_of(tsuru, "mail")["state"] == "bound")
    assert json.loads(bind_of(tsuru, "mail")["parameters"])["read_only"] in (True, "true")
    assert tsuru.described("mydb")[OLD] == 'the app "shop" (env_prefix, read_only)'
    assert prefix_of(tsuru.bind("mydb", "shop")) == "B_"
    assert OLD not in tsuru.described("mydb") and "old_parameters" not in bind_of(tsuru, "shop")
    # --remove-param: what is left is all that there is. A false says no more than nothing.
    assert tsuru.update("mydb", parameters={"read_only": False}).status == 200
    assert tsuru.described("mydb")[OLD] == 'the app "mail" (read_only), the app "shop" (env_prefix, read_only)'
    assert prefix_of(tsuru.bind("mydb", "shop")) == "" and prefix_of(tsuru.bind("mydb", "mail")) == ""
    assert OLD not in tsuru.described("mydb")


def test_an_undone_unbind_keeps_its_parameters(tsuru):
    """The app's units keep the environment that they have (S6), whatever the instance says by now."""
    assert tsuru.create("mydb", parameters={"env_prefix": "A_"}).status == 201
    before = tsuru.bind("mydb", "shop").json
    assert tsuru.update("mydb", parameters={"env_prefix": "B_"}).status == 200
    assert tsuru.unbind("mydb", "shop", event="e2").status == 200
    assert tsuru.bind("mydb", "shop", event="e2").json == before
    assert tsuru.described("mydb")[OLD] == 'the app "shop" (env_prefix)'
    assert prefix_of(tsuru.bind("mydb", "shop")) == "B_"


def test_a_bind_has_the_parameters_that_it_was_asked_for_with(tsuru):
    assert tsuru.create("mydb", parameters={"env_prefix": "A_"}).status == 201
    assert prefix_of(tsuru.bind("mydb", "shop", parameters={"env_prefix": "OWN_"})) == "OWN_"
    assert tsuru.update("mydb", parameters={"env_prefix": "B_", "read_only": True}).status == 200
    assert tsuru.described("mydb")[OLD] == 'the app "shop" (read_only)'
    assert tsuru.send("POST", "/resources/mydb/rotate", {"app-name": "shop"}).status == 202
    wait_until("it is done", lambda: bind_of(tsuru, "shop")["state"] == "bound")
    assert json.loads(bind_of(tsuru, "shop")["parameters"])["env_prefix"] == "OWN_"
    assert OLD not in tsuru.described("mydb")


@pytest.mark.parametrize("parameters, says", [
    ({"env_prefix": "1-"}, '"env_prefix" is "1-"'),
    ({"env_prefix": "x" * 65}, "at most 64 bytes"),
    ({"env_prefix": "TSURU_"}, "tsuru's own"),
    ({"read_only": "perhaps"}, '"read_only" is "perhaps", neither true nor false'),
    ({"binds": "shop"}, '"binds" is "shop"'),
    ({"binds.shop": "A_"}, '"binds.shop" is "A_"'),
    ({"binds.shop.env_prefix": "1-"}, 'in "binds.shop": the parameter "env_prefix" is "1-"'),
    ({"binds.shop.env_prefix": "TSURU_A"}, 'in "binds.shop": the parameter "env_prefix" is "TSURU_A"'),
    ({"binds": {"shop": {"read_only": "perhaps"}}}, 'in "binds.shop": the parameter "read_only" is "perhaps"'),
    ({"binds.shop.colour": "red"}, 'in "binds.shop": the parameter "colour" is not known; allowed are: env_prefix, read_only'),
    ({"binds.job:shop.deletion_protection": True}, 'in "binds.job:shop": the parameter "deletion_protection" is not known'),
    ({"binds.Shop.env_prefix": "A_"}, 'the app\'s name "Shop"'),
    ({"binds.job:a b.env_prefix": "A_"}, 'the job\'s name "a b"'),
    ({"binds.shop.env_prefix": "A_", "binds": {"shop": {"env_prefix": "A_"}}}, "given twice"),
    ({f"binds.app{i}.env_prefix": "A_" for i in range(257)}, "more than 256"),
    ({"colour": "red"}, "allowed are: deletion_protection, env_prefix, binds, size, read_only"),
])
def test_parameters_for_binds_are_judged_at_once(tsuru, parameters, says):
    refused = tsuru.create("mydb", parameters=parameters)
    assert refused.status == 400 and says in refused.message, refused
    assert tsuru.create("mydb").status == 201
    refused = tsuru.update("mydb", parameters=parameters)
    assert refused.status == 400 and says in refused.message, refused


def test_a_driver_without_logins(start_broker):
    """A login that only reads is a promise: where there is none, nobody is left to believe in it."""
    tsuru = Tsuru(start_broker("  - name: mail\n    driver: shared\n    password: x\n    env: {MAIL_URL: 'smtp://mail'}\n"
                               "    plans: [{name: small}]\n"), "mail", "x")
    for parameters, where in (({"read_only": True}, "the parameter"), ({"binds.shop.read_only": True}, 'in "binds.shop": the parameter')):
        refused = tsuru.create("mydb", parameters=parameters)
        assert refused.status == 400 and refused.message.startswith(where + ' "read_only" is "true"'), refused
        assert 'the driver "shared" has no binds that only read; allowed are: ' in refused.message
    assert tsuru.create("mydb", parameters={"env_prefix": "A_", "binds.shop.env_prefix": "B_"}).status == 201
    assert tsuru.bind("mydb", "shop").json == {"B_MAIL_URL": "smtp://mail"}
    assert tsuru.bind_job("mydb", "shop").json == {"A_MAIL_URL": "smtp://mail"}
    refused = tsuru.bind("mydb", "shop", parameters={"read_only": True})
    assert refused.status == 400 and "allowed are: env_prefix" in refused.message


def test_methods_and_paths(tsuru):
    answer = tsuru.send("PATCH", "/resources/mydb", {})
    assert answer.status == 405
    assert {"GET", "PUT", "DELETE"} <= {method.strip() for method in answer.headers["Allow"].split(",")}
    for path in ("/", "/resource", "/resources/", "/resources/mydb/unknown", "/authenticated-resources/x"):
        assert tsuru.send("GET", path).status == 404, path
        assert tsuru.send("GET", path).message
    assert tsuru.send("HEAD", "/resources/plans").status == 200


def test_what_everybody_may_ask_for(tsuru):
    """tsuru passes every user through below /authenticated-resources/ and asks for no permission: nothing of an instance is
    there, by whatever way."""
    assert tsuru.create("mydb").status == 201
    assert tsuru.send("GET", "/authenticated-resources/plans").json == tsuru.plans().json
    answer = tsuru.send("POST", "/authenticated-resources/plans", {})
    assert answer.status == 405 and answer.headers["Allow"] == "GET, HEAD, OPTIONS"
    for path in ("", "/", "/x", "/resources", "/resources/mydb", "/resources/plans", "/plans/", "/plans/mydb"):
        for method in ("GET", "POST", "PUT", "DELETE"):
            answer = tsuru.send(method, "/authenticated-resources" + path, None if method == "GET" else {})
            assert answer.status == 404 and "/authenticated-resources/plans" in answer.message, (method, path, answer)
    for up in ("..", "%2e%2e", ".%2E"):
        for path in (f"/{up}/resources/mydb", f"/plans/{up}/{up}/resources/mydb", f"%2f{up}%2fresources%2fmydb"):
            answer = tsuru.send("DELETE", "/authenticated-resources" + path, {})
            assert answer.status in (400, 404), (path, answer)
    assert tsuru.status("mydb").status == 204


def test_every_route_asks_for_credentials(tsuru_of_its_own):
    tsuru = tsuru_of_its_own  # wrong passwords are counted
    tsuru.password = "wrong"
    for method, path in (("GET", "/resources/plans"), ("POST", "/resources"), ("GET", "/resources/x"),
                         ("PUT", "/resources/x"), ("DELETE", "/resources/x"), ("GET", "/resources/x/status"),
                         ("POST", "/resources/x/bind-app"), ("DELETE", "/resources/x/bind-app"),
                         ("POST", "/resources/x/bind"), ("DELETE", "/resources/x/bind"),
                         ("PUT", "/resources/x/binds/jobs/j"), ("DELETE", "/resources/x/binds/jobs/j"),
                         ("GET", "/resources/x/binds"), ("GET", "/resources/x/operations"),
                         ("POST", "/resources/x/operations/retry"), ("POST", "/resources/x/rotate"),
                         ("GET", "/anything"), ("GET", "/authenticated-resources/plans"), ("PATCH", "/authenticated-resources/anything")):
        answer = tsuru.send(method, path)
        assert answer.status == 401, (method, path)
        assert answer.headers["WWW-Authenticate"].startswith("Basic realm=")
        assert answer.message.startswith("tsuru's password for the service \"scripted\" is wrong"), answer.message
        assert "tell those who run tsuru" in answer.message


def test_old_clients(tsuru):
    tsuru.create("mydb")
    fields = {"app-host": "shop.example.com"}
    assert tsuru.send("POST", "/resources/mydb/bind", {**fields, "unit-host": "10.0.0.9"}).status == 201
    bound = tsuru.send("POST", "/resources/mydb/bind", fields)
    assert bound.status == 201 and "SCRIPTED_URL" in bound.json
    assert tsuru.send("DELETE", "/resources/mydb/bind", {**fields, "unit-host": "10.0.0.9"}).status == 200
    assert tsuru.send("GET", "/resources/mydb/binds").json[0]["name"] == "shop.example.com"
    assert tsuru.send("DELETE", "/resources/mydb/bind", fields).status == 200
    assert tsuru.send("GET", "/resources/mydb/binds").json == []
    assert "app-name" in tsuru.send("POST", "/resources/mydb/bind-app", {"user": "x"}).message


def test_own_commands(tsuru):
    tsuru.create("mydb")
    tsuru.bind("mydb", "shop", event="e-bind")
    binds = tsuru.send("GET", "/resources/mydb/binds").json
    assert binds[0]["kind"] == "app" and binds[0]["state"] == "bound" and binds[0]["user"] == tsuru.user
    operations = tsuru.operations("mydb")
    assert [operation["kind"] for operation in operations] == ["bind", "create"]
    assert operations[0]["event"] == "e-bind" and operations[0]["attempts"] == 1
    assert operations[0]["state"] == "done" and operations[0]["finished"] >= operations[0]["created"]
    assert tsuru.send("POST", "/resources/mydb/operations/retry", {}).status == 202
    assert tsuru.send("POST", "/resources/mydb/rotate", {}).status == 202
    assert tsuru.send("POST", "/resources/mydb/rotate", {"app-name": "other"}).status == 404


def test_where_an_app_runs(tsuru):
    """What one bind says of its app replaces what an earlier one said; an unbind is not refused for it."""
    tsuru.create("mydb")
    where = {"app-hosts": ["a.example.com", "b.example.com"], "app-internal-hosts": ["tcp://a:8888"], "app-pool-name": "east",
             "app-cluster-name": "c1", "app-cluster-addresses": ["https://10.0.0.1:6443", "https://10.0.0.2:6443"]}

    def bound():
        one, = tsuru.send("GET", "/resources/mydb/binds").json
        return {name: one[name] for name in ("hosts", "internal_hosts", "pool", "cluster", "cluster_addresses") if name in one}

    assert tsuru.send("POST", "/resources/mydb/bind-app", {"app-name": "shop", **where}).status == 201
    assert bound() == {"hosts": where["app-hosts"], "internal_hosts": where["app-internal-hosts"], "pool": "east",
                       "cluster": "c1", "cluster_addresses": where["app-cluster-addresses"]}
    assert tsuru.send("POST", "/resources/mydb/bind-app", {"app-name": "shop", "app-host": "c.example.com"}).status == 201
    assert bound() == {"hosts": ["c.example.com"]}
    for wrong in ({"app-hosts": ["h" * 1025]}, {"app-hosts": ["h" * 1000] * 17}, {"app-internal-hosts": ["h" * 1025]},
                  {"app-cluster-addresses": ["h" * 1025]}, {"app-pool-name": "p" * 256}):
        name, = wrong
        answer = tsuru.send("POST", "/resources/mydb/bind-app", {"app-name": "shop", **wrong})
        assert answer.status == 400 and f'"{name}"' in answer.message
        assert tsuru.send("DELETE", "/resources/mydb/bind-app", {"app-name": "shop", **wrong}).status == 200
    assert tsuru.send("PUT", "/resources/mydb/binds/jobs/j", {"job-name": "j", "job-cluster-name": "c" * 256}).status == 400


def test_where_an_app_runs_in_variables(start_broker, tmp_path):
    names = ("tsuru_user", "app_host", "app_hosts", "app_internal_hosts", "pool", "pool_provisioner", "cluster",
             "cluster_provisioner", "cluster_addresses")
    env = "    env: {" + ", ".join(f'X_{name}: "{{{name}}}"' for name in names) + "}\n"
    broker = start_broker(scripted_service(tmp_path, "api-password", more=env))
    for encoding in ("form", "json"):
        tsurud = Tsurud(broker, encoding)
        tsurud.expect("create", 201, "")
        bound = tsurud.expect("bind", 201).json
        assert {name: bound[f"X_{name}"] for name in names} == {
            "tsuru_user": "dev@example.com", "app_host": "shop.example.com", "app_hosts": "shop.example.com,www.shop.example.com",
            "app_internal_hosts": "tcp://shop-web.tsuru-pool1.svc.cluster.local:8888", "pool": "pool1",
            "pool_provisioner": "kubernetes", "cluster": "c1", "cluster_provisioner": "kubernetes",
            "cluster_addresses": "https://10.0.0.1:6443"}
        job = tsurud.expect("bind-job", 201).json
        assert {name: job[f"X_{name}"] for name in names if job[f"X_{name}"]} == {
            "tsuru_user": "dev@example.com", "pool": "pool1", "cluster": "c1"}
        tsurud.expect("update", 200, "")
        tsurud.expect("remove", 200, "")
    host = Tsuru(broker, "scripted", "api-password")
    host.create("mydb")
    where = {"app-name": "shop", "app-hosts": ['a"b', "c,d", "e\u00e9"]}
    bound = host.send("POST", "/resources/mydb/bind-app", where).json
    assert (bound["X_app_host"], bound["X_app_hosts"]) == ('a"b', 'a"b,c,d,e\u00e9')


# ---- byte for byte ----

class Tsurud:
    """Sends the files of one encoding, and reads as tsurud does: until the connection is closed, if it asked for that."""

    def __init__(self, broker, encoding):
        self.broker = broker
        self.directory = os.path.join(TSURUD, encoding)

    def names(self):
        return set(os.listdir(self.directory))

    def send(self, name):
        with open(os.path.join(self.directory, name), "rb") as file:
            request = file.read()
        with socket.create_connection(("127.0.0.1", self.broker.port), timeout=TIMEOUT) as connection:
            connection.sendall(request)
            response = http.client.HTTPResponse(connection, method=request.split(b" ", 1)[0].decode())
            response.begin()
            answer = Answer(response.status, response.headers, response.read().decode())
            if b"Connection: close" in request:
                assert answer.headers["Connection"] == "close" and connection.recv(1) == b"", name
        return answer

    def expect(self, name, status, body=None):
        answer = self.send(name)
        assert answer.status == status, (name, answer)
        assert body is None or answer.body == body, (name, answer)
        return answer


def environment_of(answer):
    """tsurud reads a bind's answer into a map of texts; anything else is a failure to it."""
    environment = answer.json
    assert environment and all(isinstance(value, str) for value in environment.values())
    return environment


@pytest.mark.parametrize("encoding", ["form", "json"])
def test_what_a_tsurud_sends(start_broker, tmp_path, encoding):
    tsurud = Tsurud(start_broker(scripted_service(tmp_path, "api-password")), encoding)
    assert len(tsurud.expect("plans", 200).json) == 2
    tsurud.expect("create", 201, "")
    tsurud.expect("status", 204, "")
    info = {item["label"]: item["value"] for item in tsurud.expect("info", 200).json}
    assert info["Plan in force"] == "small"
    assert "deletion_protection" in tsurud.expect("remove-protected", 403).message
    tsurud.expect("update", 200, "")
    bound = environment_of(tsurud.expect("bind", 201))
    assert bound["SCRIPTED_USER"]
    bind = tsurud.expect("proxied-binds", 200).json
    assert [(one["kind"], one["name"], one["user"]) for one in bind] == [("app", "shop", "dev@example.com")]
    assert bind[0].items() >= {
        "hosts": ["shop.example.com", "www.shop.example.com"], "pool": "pool1", "pool_provisioner": "kubernetes",
        "internal_hosts": ["tcp://shop-web.tsuru-pool1.svc.cluster.local:8888"], "cluster": "c1",
        "cluster_provisioner": "kubernetes", "cluster_addresses": ["https://10.0.0.1:6443"]}.items()
    assert json.loads(bind[0]["parameters"]) == {"env_prefix": "", "read_only": True if encoding == "json" else "true"}
    assert environment_of(tsurud.expect("bind-job", 201))["SCRIPTED_USER"] != bound["SCRIPTED_USER"]
    job, = [one for one in tsurud.expect("proxied-binds", 200).json if one["kind"] == "job"]
    assert job.items() >= {"name": "report", "pool": "pool1", "cluster": "c1"}.items() and "hosts" not in job
    tsurud.expect("unbind-job", 200, "")
    tsurud.expect("unbind-job", 200, "")
    tsurud.expect("unbind", 200, "")
    # The unbind is taken back: its event, no parameters (S6).
    assert environment_of(tsurud.expect("rebind", 201)) == bound
    if encoding == "form":
        tsurud.expect("unit-in", 201, "")
        tsurud.expect("unit-out", 200, "")
    tsurud.expect("remove", 200, "")
    tsurud.expect("remove", 200, "")
    for name in ("status", "info", "update", "bind", "rebind-old-path", "unbind", "unbind-job"):
        assert "mydb" in tsurud.expect(name, 404).message
    tsurud.expect("create", 201, "")


@pytest.mark.parametrize("encoding", ["form", "json"])
def test_what_a_tsurud_sends_to_the_wrong_place(start_broker, tmp_path, encoding):
    """The service was taken out of the configuration: none of tsurud's requests may be answered as if all were gone."""
    tsurud = Tsurud(start_broker(scripted_service(tmp_path, "api-password", name="other")), encoding)
    for name in tsurud.names():
        assert "/scripted/resources" in tsurud.expect(name, 503).message


def test_multi_cluster(start_broker, server):
    west = f"""      - {{name: west, url: "{server.url()}", pool: west}}
"""
    service = postgres_service(server, "x", more="    multi_cluster: true\n", server_more="        pool: east\n" + west)
    tsuru = Tsuru(start_broker(service), "postgres", "x")
    answer = tsuru.plans()
    assert answer.status == 400 and answer.json["missing_params"] == ["cluster"]
    assert [plan["name"] for plan in tsuru.send("GET", "/authenticated-resources/plans").json] == ["small", "large"]
    pool = {"X-Tsuru-Pool-Name": "west", "X-Tsuru-Cluster-Kube-Config": "c2VjcmV0" * 7000}
    assert tsuru.plans(**pool).status == 200
    for cluster in ({}, {"X-Tsuru-Cluster-Name": "far"}):
        nowhere = tsuru.plans(**{"X-Tsuru-Pool-Name": "north", **cluster})
        assert nowhere.status == 400 and 'serves the pool "north"' in nowhere.message
    assert "pool" in tsuru.create("mydb").message
    nowhere = tsuru.create("mydb", headers={"X-Tsuru-Pool-Name": "north"})
    assert nowhere.status == 400 and 'serves the pool "north"' in nowhere.message
    assert tsuru.create("mydb", headers=pool).status == 201
    assert tsuru.described("mydb")["Server"] == "west"
    tsuru.remove("mydb")


def test_what_is_down_says_why(start_broker, tmp_path):
    """tsuru shows its user the text of a 200, and of a 500 that the instance is down, no more."""
    services = ""
    for name, more in (("told", ""), ("failed", "    status_code: 500\n")):
        (tmp_path / name).mkdir()
        services += scripted_service(tmp_path / name, "api-password", name=name, more=more)
    broker = start_broker(services)
    told, failed = (Tsuru(broker, name, "api-password") for name in ("told", "failed"))
    for tsuru in (told, failed):
        assert tsuru.create("mydb").status == 201
        (tmp_path / tsuru.service / "rules").write_text("check fail-transient\n")
    wait_until("both are down", lambda: told.why_down("mydb") and failed.status("mydb").status == 500)
    down = told.status("mydb")
    assert down.status == 200 and down.body.startswith("down: ") and "told to fail" in down.body
    assert down.headers["Content-Type"].startswith("text/plain")
    assert told.described("mydb")["Server state"] == down.body
    down = failed.status("mydb")
    assert down.status == 500 and "told to fail" in down.message
    for tsuru in (told, failed):
        (tmp_path / tsuru.service / "rules").write_text("\n\n")
        wait_until("it is up", lambda tsuru=tsuru: tsuru.is_up("mydb"))


def test_base_paths(start_broker, tmp_path):
    (tmp_path / "other").mkdir()
    services = scripted_service(tmp_path, "one", name="first", more="    path: /\n")
    services += scripted_service(tmp_path / "other", "two", name="second", more="    path: /deep/er\n    username: me\n")
    broker = start_broker(services)
    first = Tsuru(broker, "first", "one", path="")
    second = Tsuru(broker, "me", "two", path="/deep/er")
    assert first.create("mydb").status == 201
    assert second.info("mydb").status == 404
    assert second.create("mydb").status == 201
    assert Tsuru(broker, "first", "one", path="/deep/er").plans().status == 401


def test_a_full_store(start_broker, tmp_path):
    """Creates until nothing fits: 507, what was acknowledged stays, and a removal makes room."""
    broker = start_broker(scripted_service(tmp_path, "x"), limits="limits: {store_bytes: 16MiB}\n")
    tsuru = Tsuru(broker, "scripted", "x", encoding="json")
    large = {"tags": ["t" * 255] * 100, "description": "d" * 4000}

    def fill(number):
        """What was made by one of several clients, and what it was told in the end."""
        count = 0
        while (answer := tsuru.create(f"db{number}-{count}", **large)).status == 201:
            count += 1
        return [f"db{number}-{i}" for i in range(count)], answer

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        filled = list(pool.map(fill, range(4)))
        assert all(answer.status == 507 and "limit" in answer.message for _, answer in filled), filled
        names = [name for made, _ in filled for name in made]
        assert len(names) > 50 and tsuru.plans().status == 200
        assert [broker.ctl(command, "scripted/one") for command in ("drain", "undrain")] == ["done\n"] * 2
        broker.kill()
        broker.start()
        assert {answer.status for answer in pool.map(tsuru.status, names)} == {204}
    for name in names[:5]:
        assert tsuru.remove(name).status == 200
    assert tsuru.create("again", **large).status == 201
