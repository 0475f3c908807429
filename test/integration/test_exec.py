"""The driver exec through the whole program: its sample configuration and programs, what apps get, and a broker that dies."""

import contextlib
import glob
import grp
import json
import os
import pathlib
import pwd
import re
import shutil
import subprocess
import tempfile

import pytest

from backends import PASSWORD, SAMPLES, ExecBackend, ExecFiles, ExecSettings, configuration, service
from harness import BROKER, Tsuru, wait_until

SAMPLE = os.path.join(SAMPLES, "..", "exec.yaml")


def runner(backend):
    """A function that runs a sample as the driver does: its exit status, its answer or its message."""
    server, = backend.service("s")["servers"]

    def run(action, plan="small", logins=(), **members):
        asked = {"action": action, "service": "s", "server": "main",
                 "instance": {"name": "mydb", "resource": "mydb_1", "parameters": {}, **members.pop("instance", {})},
                 "plan": {"name": plan, "options": {"quota": "1000"}},
                 "binds": [{"kind": "app", "name": "shop", "login": login, "parameters": {}} for login in logins], **members}
        done = subprocess.run([server["command"], *server["args"], action], input=json.dumps(asked), text=True,
                              capture_output=True, check=False, env={"PATH": os.environ["PATH"]}, cwd="/")
        return done.returncode, json.loads(done.stdout or "{}") if done.returncode == 0 else done.stderr.strip()

    return run


@pytest.fixture(params=[ExecFiles, ExecSettings], ids=lambda kind: kind.name)
def sample(request):
    """A sample by itself, and its runner."""
    backend = request.param()
    backend.start()
    yield backend, runner(backend)
    backend.close()


class ExecAccess(ExecBackend):
    """access.py: lists of hosts that a gateway lets in. There is nothing to log in to."""

    def start(self):
        super().start()
        for place in ("lists", "instances", "retired"):
            os.mkdir(os.path.join(self.root, place))

    def service(self, name):
        program = os.path.realpath(os.path.join(SAMPLES, "access.py"))
        return service(name, "exec", {"command": "/usr/bin/python3", "args": ["-I", program, self.root, "https://api.example.com"]})

    def lists(self):
        """What the gateway reads: by the instance, its lines."""
        found = {}
        for path in glob.glob(os.path.join(self.root, "lists", "*.lst")):
            with open(path, encoding="ascii") as file:
                found[os.path.basename(path)[:-len(".lst")]] = file.read().splitlines()
        return found

    def objects(self):
        homes = glob.glob(os.path.join(self.root, "instances", "*")) + glob.glob(os.path.join(self.root, "retired", "*"))
        logins = {os.path.basename(path) for home in homes for path in glob.glob(os.path.join(home, "binds", "*"))}
        return {os.path.basename(home) for home in homes} | set(self.lists()), logins


@pytest.fixture
def access():
    backend = ExecAccess()
    backend.start()
    yield backend, runner(backend)
    backend.close()


def bind(login, password, **parameters):
    return {"kind": "app", "name": "shop", "login": login, "password": password, "parameters": parameters, "renew": False}


def test_every_action_may_come_twice(sample):
    backend, run = sample
    for _ in range(2):
        assert run("provision") == (0, {})
    for password in ("old", "new", "new"):
        status, answer = run("bind", bind=bind("shop_1", password))
        assert status == 0 and backend.works(answer["variables"])
    for _ in range(2):
        assert run("update", "large", ["shop_1"]) == (0, {})
        assert backend.works(answer["variables"])
    for _ in range(2):
        assert run("unbind", bind=bind("shop_1", None)) == (0, {})
        assert backend.refused(answer["variables"])
    for _ in range(2):
        assert run("deprovision") == (0, {})
    assert backend.objects() == (set(), set())


def test_retire_and_restore(sample):
    backend, run = sample
    run("provision")
    env = run("bind", bind=bind("shop_1", "secret"))[1]["variables"]
    backend.write(env, "colour", "red")
    for _ in range(2):
        assert run("retire", logins=["shop_1"]) == (0, {})
        assert backend.refused(env)
    assert run("list") == (0, {"instances": ["mydb_1"], "logins": ["shop_1"]})
    for _ in range(2):
        assert run("restore", logins=["shop_1"]) == (0, {})
        assert backend.read(env, "colour") == "red"
    run("retire", logins=["shop_1"])
    assert run("deprovision", logins=["shop_1"]) == (0, {})
    assert run("list") == (0, {"instances": [], "logins": []})


def test_inspect(sample):
    _, run = sample
    assert [drift["kind"] for drift in run("inspect")[1]["drift"]] == ["lost"]
    run("provision")
    assert run("inspect") == (0, {"drift": []})
    assert [drift["kind"] for drift in run("inspect", "large")[1]["drift"]] == ["instance"]
    run("bind", bind=bind("shop_1", "secret"))
    assert run("inspect", logins=["shop_1", "mail_1"]) == (0, {"drift": [{"kind": "bind", "text": "mail_1"}]})


def test_what_they_refuse(sample):
    backend, run = sample
    assert run("bind", bind=bind("shop_1", "x"))[0] == 1
    assert run("update")[0] == 1
    assert run("observe")[0] == 1
    status, message = run("provision", instance={"parameters": {"size": "3"}})
    assert status == 1 and "size" in message
    assert run("fly")[0] == 64
    backend.stop()
    assert run("check")[0] == 75 and run("provision")[0] == 75
    backend.start_again()
    assert run("check") == (0, {})


def test_what_belongs_to_another_store(sample):
    """The first store that changes something has it; another one's requests wait for an operator, whatever they ask."""
    backend, run = sample
    mine, other = "0123456789abcdef", "fedcba9876543210"
    assert run("check", store=other)[0] == 0 and run("list", store=other)[0] == 0
    assert run("provision", store=mine)[0] == 0
    env = run("bind", store=mine, bind=bind("shop_1", "secret"))[1]["variables"]
    for action in ("check", "observe", "inspect", "list", "provision", "update", "bind", "unbind", "retire", "deprovision"):
        status, message = run(action, store=other, bind=bind("shop_1", "stolen"))
        assert status == 75 and mine in message and other in message and "hand it over" in message, (action, message)
    assert backend.works(env) and run("inspect", store=mine, logins=["shop_1"]) == (0, {"drift": []})
    assert run("deprovision", store=mine)[0] == 0
    assert run("provision", store=other)[0] == 75
    assert run("provision")[0] == 0  # a broker that does not say


def test_a_root_that_goes_away_meanwhile(monkeypatch, tmp_path):
    """backend.sh has found its root when it is moved: it works in the one that it found, and makes none in its place."""
    backend = ExecFiles()
    backend.start()
    thief = tmp_path / "jq"
    thief.write_text(f"#!/bin/sh\n[ ! -d {backend.root} ] || mv {backend.root} {backend.root}.away\nexec {shutil.which('jq')} \"$@\"\n")
    thief.chmod(0o755)
    server, = backend.service("s")["servers"]

    def run(action):
        asked = {"instance": {"resource": "mydb_1"}, "plan": {"name": "small"}, "bind": bind("shop_1", "secret")}
        subprocess.run([server["command"], *server["args"], action], input=json.dumps(asked), text=True, check=True)
        assert not os.path.exists(backend.root)
        backend.start_again()

    with contextlib.closing(backend):
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        run("provision")
        run("bind")
        assert backend.objects() == ({"mydb_1"}, {"shop_1"})
        run("deprovision")
        assert backend.objects() == (set(), set())


def at(*hosts, login="shop_1", internal=(), **more):
    return {"kind": "app", "name": "shop", "login": login, "parameters": {}, "user": "dev@example.com", "hosts": list(hosts),
            "internal_hosts": list(internal), "cluster_addresses": [], **more}


def test_access_follows_the_hosts(access):
    """A bind with other hosts replaces those of before; every action may come twice."""
    backend, run = access
    for _ in range(2):
        assert run("provision") == (0, {}) and backend.lists() == {"mydb_1": []}
        assert run("observe") == (0, {"items": [{"label": "Let in", "value": "nobody"}]})
    for _ in range(2):
        status, answer = run("bind", bind=at("shop.example.com", internal=["tcp://shop-web.pool1.svc.cluster.local:8888"]))
        assert status == 0 and answer["variables"] == {"ACCESS_URL": "https://api.example.com/mydb_1/",
                                                       "ACCESS_HOSTS": "shop-web.pool1.svc.cluster.local,shop.example.com"}
        assert run("bind", bind=at("Mail.example.com", "shop.example.com", login="mail_1"))[0] == 0
        assert backend.lists() == {"mydb_1": ["mail.example.com", "shop-web.pool1.svc.cluster.local", "shop.example.com"]}
    for _ in range(2):
        assert run("bind", bind=at("new.example.com"))[0] == 0
        assert backend.lists() == {"mydb_1": ["mail.example.com", "new.example.com", "shop.example.com"]}
        assert "shop: new.example.com" in run("observe")[1]["items"][0]["value"]
    for _ in range(2):
        assert run("unbind", bind=at(login="mail_1")) == (0, {}) and backend.lists() == {"mydb_1": ["new.example.com"]}
    for _ in range(2):
        assert run("retire") == (0, {}) and backend.lists() == {"mydb_1": []}
        assert run("list") == (0, {"instances": ["mydb_1"], "logins": ["shop_1"]})
    for _ in range(2):
        assert run("restore") == (0, {}) and backend.lists() == {"mydb_1": ["new.example.com"]}
    for _ in range(2):
        assert run("deprovision") == (0, {}) and backend.objects() == (set(), set())


def test_what_access_finds_missing(access):
    backend, run = access
    shop, mail = at("shop.example.com"), at("mail.example.com", login="mail_1")
    assert [drift["kind"] for drift in run("inspect", binds=[])[1]["drift"]] == ["lost"]
    run("provision")
    run("bind", bind=shop)
    assert run("inspect", binds=[shop]) == (0, {"drift": []})
    assert run("inspect", binds=[shop, mail]) == (0, {"drift": [{"kind": "bind", "text": "mail_1"}]})
    assert run("inspect", binds=[at("other.example.com")]) == (0, {"drift": [{"kind": "bind", "text": "shop_1"}]})
    assert [drift["kind"] for drift in run("inspect", "large", binds=[shop])[1]["drift"]] == ["instance"]
    with open(os.path.join(backend.root, "lists", "mydb_1.lst"), "a", encoding="ascii") as file:
        file.write("stranger.example.com\n")
    assert [drift["kind"] for drift in run("inspect", binds=[shop])[1]["drift"]] == ["instance"]
    assert run("update") == (0, {}) and backend.lists() == {"mydb_1": ["shop.example.com"]}


def test_whom_access_does_not_let_in(access):
    backend, run = access
    for action in ("bind", "update", "observe"):
        assert run(action, bind=at("a.example.com")) == (1, "the list is lost")
    run("provision")
    for host in ("*.example.com", "a b", "a\nstranger.example.com", "../x", "", "a..b", "-a", "a" * 64, "a." * 127 + "a", "é"):
        status, message = run("bind", bind=at("shop.example.com", host))
        assert status == 1 and "cannot be let in" in message, host
        assert run("bind", bind=at(internal=[f"tcp://{host}:80"]))[0] == 1, host
    status, message = run("bind", bind=at(kind="job", pool="pool1"))
    assert status == 1 and message == "tsuru says no host of the job \"shop\" that could be let in"
    assert run("bind", bind=at("a.example.com", pool="pool3"))[0] == 0  # the plan names no pools
    assert run("bind", bind={**at("a.example.com"), "parameters": {"colour": "red"}})[0] == 1
    assert run("bind", bind=at("a.example.com", login="../store"))[0] == 1
    assert run("provision", instance={"resource": "../../x"})[0] == 1
    assert run("fly")[0] == 64
    mine, other = "0123456789abcdef", "fedcba9876543210"
    assert run("check", store=other)[0] == 0 and run("provision", store=mine)[0] == 0
    status, message = run("bind", store=other, bind=at("b.example.com"))
    assert status == 75 and mine in message and other in message and "hand it over" in message
    assert backend.lists() == {"mydb_1": ["a.example.com"]}
    backend.stop()
    assert run("check")[0] == 75 and run("provision")[0] == 75


def test_access_through_the_broker(start_broker, access):
    """The sample as it is configured: what tsuru says with each bind is what the gateway reads."""
    backend, _ = access
    with open(SAMPLE, encoding="utf-8") as file:
        services = "  - name: access\n" + file.read().partition("  - name: access\n")[2]
    broker = start_broker(services, environment={"SAMPLES": os.path.realpath(SAMPLES), "ACCESS_ROOT": backend.root})
    tsuru = Tsuru(broker, "access", "change-me")
    assert tsuru.create("api", "inner").status == 201
    name, = backend.lists()

    def bind_app(app, pool, *hosts):
        return tsuru.send("POST", "/resources/api/bind-app", {"app-name": app, "app-hosts": list(hosts), "app-pool-name": pool})

    assert bind_app("shop", "pool1", "shop.example.com", "www.example.com").json["ACCESS_HOSTS"] == "shop.example.com,www.example.com"
    assert backend.lists() == {name: ["shop.example.com", "www.example.com"]}
    refused = bind_app("mail", "pool3", "mail.example.com")
    assert refused.status == 422 and "pool3" in refused.message and "pool1, pool2" in refused.message
    assert bind_app("mail", "pool2", "mail.example.com").status == 201
    assert bind_app("shop", "pool1", "new.example.com").status == 201
    assert backend.lists() == {name: ["mail.example.com", "new.example.com"]}
    assert tsuru.update("api", "any").status == 200
    wait_until("the plan is reached", lambda: tsuru.described("api")["Plan in force"] == "any")
    wait_until("it is observed", lambda: "shop: new.example.com" in tsuru.described("api").get("Let in", ""))
    assert tsuru.unbind("api", "mail").status == 200 and backend.lists() == {name: ["new.example.com"]}
    job = tsuru.bind_job("api", "report")
    assert job.status == 422 and "no host" in job.message
    assert tsuru.remove("api").status == 200
    wait_until("nothing is left", lambda: backend.objects() == (set(), set()))


def test_the_sample_configuration(start_broker):
    """As it is, with the places of this machine by its variables."""
    files, settings = ExecFiles(), ExecSettings()
    for backend in (files, settings):
        backend.start()
    try:
        with open(SAMPLE, encoding="utf-8") as file:
            services = file.read().partition("\nservices:\n")[2]
        variables = {"SAMPLES": os.path.realpath(SAMPLES), "FILES_ROOT": files.root, "SETTINGS_DB": settings.path}
        subprocess.run([os.environ["BROKER"], "check", "-c", SAMPLE], env={**os.environ, **variables}, check=True)
        broker = start_broker(services, environment=variables)
        for name, backend, label in (("files", files, "Files"), ("settings", settings, "Entries")):
            tsuru = Tsuru(broker, name, "change-me")
            assert tsuru.create("mydb", "large").status == 201
            env = tsuru.bind("mydb", "shop").json
            assert backend.works(env) and (name != "files" or env["FILES_HOME"] == env["FILES_URL"])
            wait_until("it is observed", lambda tsuru=tsuru, label=label: label in tsuru.described("mydb"))
            assert tsuru.remove("mydb").status == 200
            wait_until("nothing is left", lambda backend=backend: backend.objects() == (set(), set()))
    finally:
        for backend in (files, settings):
            backend.close()


def shell(script, **more):
    """A service whose program is a shell with the script; $1 is the action."""
    return service("s", "exec", {"command": "/bin/sh", "args": ["-c", script.replace("$", "$$"), "sh"], **more})


def test_variables_and_templates(start_broker):
    program = shell("""[ "$1" != bind ] || echo '{"variables": {"URL": "a{app}{{", "host": "h", "SPARE": "x"}}'""")
    program["env"] = {"DB_URL": "{URL}@{host} of {app}{nothing}", "SPARE": ""}
    program["plans"][0]["env"] = {"host": "its {host}"}
    tsuru = Tsuru(start_broker(configuration(program)), "s", program["password"])
    tsuru.create("mydb")
    assert tsuru.bind("mydb", "shop").json == {"URL": "a{app}{{", "host": "its h", "DB_URL": "a{app}{{@h of shop"}
    assert tsuru.bind("mydb", "mail", parameters={"env_prefix": "X_"}).json.keys() == {"X_URL", "X_host", "X_DB_URL"}


def test_parameters_by_the_instance(start_broker):
    """A program is given with each bind what holds for it, of whatever type; its instances are told what is theirs."""
    program = shell("""jq -c '{variables: {"P": (.bind.parameters | tojson), "I": (.instance.parameters | tojson)}}'""")
    tsuru = Tsuru(start_broker(configuration(program)), "s", program["password"], encoding="json")
    given = {"env_prefix": "A_", "read_only": True, "size": 1, "binds": {"shop": {"read_only": "tables", "role": "r"}}, "binds.job:shop.role": "j"}
    assert tsuru.create("mydb", parameters=given).status == 201
    told = {"env_prefix": "A_", "read_only": True, "size": 1}
    for answer, holds in ((tsuru.bind("mydb", "shop"), {"env_prefix": "A_", "read_only": "tables", "role": "r"}),
                          (tsuru.bind_job("mydb", "shop"), {"env_prefix": "A_", "read_only": True, "role": "j"}),
                          (tsuru.bind("mydb", "mail"), {"env_prefix": "A_", "read_only": True})):
        assert json.loads(answer.json["A_P"]) == holds and json.loads(answer.json["A_I"]) == told


@pytest.mark.parametrize("sample, status", [("backend.py", 201), ("backend.sh", 400)])
def test_samples_judge_read_only(start_broker, sample, status):
    """One knows it, the other says that it does not; neither makes a login that may do more than was asked for."""
    backend = (ExecSettings if sample == "backend.py" else ExecFiles)()
    backend.start()
    try:
        tsuru = Tsuru(start_broker(configuration(backend.service("s"))), "s", PASSWORD)
        assert tsuru.create("mydb", parameters={"binds.report.read_only": True, "env_prefix": "A_"}).status == 201
        assert tsuru.bind("mydb", "shop").status == 201
        answer = tsuru.bind("mydb", "report")
        assert answer.status == status or (status == 400 and "read_only" in answer.message), answer
        assert tsuru.remove("mydb").status == 200
    finally:
        backend.close()


def test_what_is_observed_has_its_plan(start_broker):
    """Where the size that an instance may have is the plan's, its program says how much of it is left."""
    program = shell("""[ "$1" != observe ] || jq '{items: [{label: "Of", value: .plan.options.quota}]}'""")
    program["plans"][0]["options"] = {"quota": "1000"}
    tsuru = Tsuru(start_broker(configuration(program)), "s", program["password"])
    assert tsuru.create("mydb").status == 201
    wait_until("it is observed", lambda: tsuru.described("mydb").get("Of") == "1000")


def test_an_action_of_its_own(start_broker):
    backend = ExecSettings()
    backend.start()
    offered = backend.service("s")
    offered["plans"][0]["actions"] = ["clear"]
    broker = start_broker(configuration(offered))
    tsuru = Tsuru(broker, "s", "api-password")
    tsuru.create("mydb", "small")
    env = tsuru.bind("mydb", "shop").json
    for key in ("tmp1", "tmp2", "kept"):
        backend.write(env, key, "x")

    def ended():
        operation = tsuru.operations("mydb")[0]
        return operation["kind"] == "action" and operation["state"] in ("done", "failed") and operation

    answer = tsuru.send("POST", "/resources/mydb/actions/clear", {}, {"prefix": "tmp"})
    assert answer.status == 202, answer
    operation = wait_until("it is done", ended)
    assert operation["action"] == "clear" and operation["state"] == "done"
    assert backend.read(env, "tmp1") is None and backend.read(env, "kept") == "x"
    assert tsuru.send("POST", "/resources/mydb/actions/clear", {}, {"colour": "red"}).status == 202
    wait_until("it is refused", lambda: "colour" in tsuru.operations("mydb")[0].get("error", ""))
    wait_until("it is up", lambda: tsuru.is_up("mydb"))
    for name in ("deprovision", "other", "../rotate"):
        assert tsuru.send("POST", f"/resources/mydb/actions/{name}", {}).status in (400, 404), name
    assert tsuru.send("POST", "/resources/nobody/actions/clear", {}).status == 404
    assert tsuru.update("mydb", "large").status == 200
    wait_until("the plan is reached", lambda: tsuru.described("mydb")["Plan in force"] == "large")
    assert "no action" in tsuru.send("POST", "/resources/mydb/actions/clear", {}).message
    told = subprocess.run([BROKER, "manifest", "-c", broker.config, "--operations", "s"], capture_output=True, text=True, check=True)
    assert {"method": "POST", "path": "/actions/clear", "action": "actions.clear"} in json.loads(told.stdout)["operations"]
    tsuru.remove("mydb")
    backend.close()


def test_an_action_outlives_the_broker(start_broker, tmp_path):
    """What was acknowledged is done, also when the broker is killed at once."""
    program = tmp_path / "slow"
    program.write_text("#!/bin/sh\n[ \"$1\" != mark ] || { [ -e " + str(tmp_path / "go") + " ] || exit 75; echo $1 >> " +
                       str(tmp_path / "done") + "; }\n")
    program.chmod(0o755)
    broker = start_broker(configuration(service("s", "exec", {"command": str(program)}, {"actions": ["mark"]})))
    tsuru = Tsuru(broker, "s", "api-password")
    tsuru.create("mydb", "small")
    assert tsuru.send("POST", "/resources/mydb/actions/mark", {}).status == 202
    broker.kill()
    (tmp_path / "go").write_text("")
    broker.start()
    wait_until("it is done", lambda: tsuru.operations("mydb")[0]["state"] == "done")
    assert (tmp_path / "done").read_text() == "mark\n"
    for bad in ("bind", "Mark", "-x"):
        path = tmp_path / "bad.yaml"
        path.write_text("data_dir: /tmp\nservices:\n" + configuration(service("s", "exec", {"command": str(program)}, {"actions": [bad]})))
        checked = subprocess.run([BROKER, "check", "-c", path], capture_output=True, text=True, check=False)
        assert checked.returncode != 0 and "action" in checked.stderr, checked


def test_users_read_what_the_program_says(start_broker):
    program = shell("""case $1 in
        provision) grep -q '"size":"3"' || { echo 'it must have the size 3' >&2; exit 1; };;
        check) exit 64;;
        bind) echo 'no "logins" today' >&2; exit 75;;
        esac""")
    program["bind_wait"] = "1s"
    tsuru = Tsuru(start_broker(configuration(program)), "s", program["password"])
    answer = tsuru.create("mydb", parameters={"size": "4"})
    assert answer.status == 422 and "it must have the size 3" in answer.message
    wait_until("its record is gone", lambda: tsuru.info("mydb").status == 404)
    assert tsuru.create("mydb", parameters={"size": "3"}).status == 201
    wait_until("it is made", lambda: tsuru.is_up("mydb"))
    answer = tsuru.bind("mydb", "shop")
    assert answer.status == 503 and 'no "logins" today' in answer.message


@pytest.fixture
def open_path():
    """A directory that other users may enter; pytest's own is shut again by each pytest that starts beside."""
    with tempfile.TemporaryDirectory(prefix="broker-exec-") as directory:
        os.chmod(directory, 0o755)
        yield pathlib.Path(directory)


AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give programs another user")


@AS_ROOT
def test_what_the_sample_says_to_install(open_path):
    """Its first lines, in places of the test's own: they make all that the programs need as the broker's user."""
    with open(SAMPLE, encoding="utf-8") as file:
        lines = re.findall(r"^#   (.*)", file.read(), re.MULTILINE)
    script = "\n".join(line for line in lines if not line.startswith("useradd"))
    for said, here in (("/usr/local/lib", f"{open_path}/lib"), ("/srv", f"{open_path}/srv"), ("-o tsuru-broker", "-o nobody"), ("-u tsuru-broker", "-u nobody")):
        assert said in script
        script = script.replace(said, here)
    subprocess.run(["sh", "-euc", script], check=True, cwd=os.path.join(SAMPLES, "..", "..", ".."))
    asked = {"store": "00ff", "service": "s", "instance": {"name": "mydb", "resource": "mydb_1", "parameters": {}},
             "plan": {"name": "small", "options": {"quota": "1000"}}, "binds": []}
    srv = open_path / "srv"
    url = "https://x.example.com"
    for program, *arguments in (("backend.sh", srv / "files", url), ("backend.py", srv / "settings/settings.db"), ("access.py", srv / "access", url)):
        command = ["runuser", "-u", "nobody", "--", open_path / "lib/tsuru-broker" / program, *arguments, "provision"]
        done = subprocess.run(command, input=json.dumps({**asked, "action": "provision"}), text=True, capture_output=True, check=False, cwd="/")
        assert done.returncode == 0, (program, done.stderr)


@AS_ROOT
def test_a_user_of_its_own(start_broker, open_path):
    """The program is that user in every way, also as the broker's killing of it, and may not be who the broker is."""
    whole = open_path / "whole"
    whole.mkdir()
    whole.chmod(0o777)
    programs = [
        shell(f"[ $1 != provision ] || {{ id -ru; id -u; id -rg; id -G; cat /proc/self/oom_score_adj; }} >{whole}/told", user="nobody"),
        shell(f"[ $1 != provision ] || {{ id -g; id -G; }} >{whole}/grouped", user="65534", group="daemon"),
        shell(f"[ $1 != provision ] || {{ echo $$ >{whole}/pid; trap '' TERM INT HUP; while :; do sleep 1; done; }}", user="nobody"),
        service("s", "exec", {"command": str(open_path / "mine"), "user": "nobody"}),
    ]
    (open_path / "mine").write_text("#!/bin/sh\n")
    (open_path / "mine").chmod(0o700)
    for number, program in enumerate(programs):
        program.update(name=f"s{number}", **({"attempt_timeout": "3s", "retry_for": "1s"} if number >= 2 else {}))
    broker = start_broker(configuration(*programs))
    told, grouped, hanging, foreign = (Tsuru(broker, program["name"], program["password"]) for program in programs)
    nobody = pwd.getpwnam("nobody")
    groups = " ".join(str(one) for one in os.getgrouplist("nobody", nobody.pw_gid))
    assert told.create("mydb").status == 201
    assert (whole / "told").read_text().splitlines()[:4] == [str(nobody.pw_uid)] * 2 + [str(nobody.pw_gid), groups]
    assert (whole / "told").stat().st_uid == nobody.pw_uid
    assert grouped.create("mydb").status == 201
    assert (whole / "grouped").read_text().splitlines()[0] == str(grp.getgrnam("daemon").gr_gid)
    hanging.create("mydb")
    pid = wait_until("it runs", lambda: (whole / "pid").exists() and (whole / "pid").read_text().strip())
    wait_until("it is killed", lambda: not os.path.exists(f"/proc/{pid}"))
    answer = foreign.create("mydb")
    wait_until("it is told", lambda: "Permission denied" in answer.body + foreign.status("mydb").body)


@AS_ROOT
def test_programs_of_root_are_warned_of(start_broker):
    broker = start_broker(configuration(shell("exit 0")))
    wait_until("it is told", lambda: 'run as root' in broker.log())
    broker.reload(configuration(shell("exit 0", user="nobody")))
    begin = len(broker.log())
    Tsuru(broker, "s", "api-password").create("mydb")
    wait_until("it was checked", lambda: broker.admin("/ready").json["servers"][0]["state"] == "up")
    assert "run as root" not in broker.log()[begin:]


@pytest.mark.parametrize("keys, words", [
    ({"user": "nobody-of-that-name"}, "no such user"), ({"user": "root"}, "which is root"), ({"user": "0"}, "which is root"),
    ({"user": "nobody", "group": "nobody-of-that-name"}, "no such group"), ({"group": "daemon"}, 'needs a \"user\"'),
    ({"user": "4000000000"}, "no such user"), ({"user": "-1"}, "no such user"), ({"user": ""}, "user")])
def test_users_that_cannot_be(tmp_path, keys, words):
    path = tmp_path / "broker.yaml"
    path.write_text(f"data_dir: {tmp_path}\nservices:\n" + configuration(shell("exit 0", **keys)))
    checked = subprocess.run([BROKER, "check", "-c", path], capture_output=True, text=True, check=False)
    assert checked.returncode == 1 and words.replace("\\", "") in checked.stderr, checked


@AS_ROOT
def test_a_broker_that_may_not_become_others(start_broker, open_path):
    """Neither check nor a reload takes a user that no program could be run as."""
    path = open_path / "broker.yaml"
    path.write_text(f"data_dir: {open_path}\nservices:\n" + configuration(shell("exit 0", user="nobody")))
    mine = open_path / "program"
    shutil.copy(BROKER, mine)
    for capabilities, status in (("-all", 1), ("-all,+setuid,+setgid", 1), ("-all,+setuid,+setgid,+kill", 0)):
        checked = subprocess.run(["setpriv", "--reuid=64001", "--regid=64001", "--clear-groups", f"--inh-caps={capabilities}",
                                  f"--ambient-caps={capabilities}", "--", mine, "check", "-c", path], capture_output=True, text=True, check=False)
        assert checked.returncode == status, checked
        assert status == 0 or "CAP_SETUID, CAP_SETGID and CAP_KILL" in checked.stderr, checked
    broker = start_broker(configuration(shell("exit 0")))
    assert "reload-failed" in broker.reload(configuration(shell("exit 0", user="root")))


def test_a_program_dies_with_its_broker(start_broker, tmp_path):
    """Its successor begins the action again, and alone."""
    pid = tmp_path / "pid"
    broker = start_broker(configuration({**shell(f"[ $1 != provision ] || {{ echo $$ >{pid}; exec sleep 1000; }}"), "wait": "0s"}))
    assert Tsuru(broker, "s", PASSWORD).create("mydb").status == 201
    first = wait_until("it runs", lambda: pid.exists() and pid.read_text().strip())
    broker.kill()
    wait_until("it is gone", lambda: not os.path.exists(f"/proc/{first}") or
               open(f"/proc/{first}/stat", encoding="ascii").read().split()[2] == "Z")
    broker.start()
    second = wait_until("it runs again", lambda: (now := pid.read_text().strip()) != first and now)
    broker.stop()
    wait_until("that is gone, too", lambda: not os.path.exists(f"/proc/{second}"))
