"""What is shipped beside the program: samples that the program accepts, rules that promtool accepts, a package."""

import os
import pwd
import re
import shutil
import subprocess

import pytest
import yaml

from harness import BROKER, TIMEOUT, Postgres, free_port, wait_until

ROOT = os.path.join(os.path.dirname(__file__), "..", "..")
PASSWORDS = {"POSTGRES_API_PASSWORD": "a", "PG_ADMIN_PASSWORD": "b", "ADMIN_PASSWORD": "c", "STORE_PASSWORD": "d"}
REPLICA = {"POD_NAME": "tsuru-broker-1", "POD_IP": "10.0.0.7", "BROKER_NAME": "broker-1"}


def path(*parts):
    return os.path.join(ROOT, *parts)


def documents(name):
    with open(path("conf", name), encoding="utf-8") as file:
        return list(yaml.safe_load_all(file))


def check(text, tmp_path):
    """The program's own check of a configuration."""
    (tmp_path / "broker.yaml").write_text(text)
    done = subprocess.run([BROKER, "check", "-c", tmp_path / "broker.yaml"], capture_output=True, check=False,
                          env={**os.environ, **PASSWORDS, **REPLICA})
    assert done.returncode == 0, done.stderr.decode()


def kubernetes(name, tmp_path):
    """What both have to have; the documents and the pod."""
    by_kind = {(one["kind"], one["metadata"]["name"]): one for one in documents(name)}
    check(by_kind["ConfigMap", "tsuru-broker"]["data"]["broker.yaml"], tmp_path)
    pod = by_kind["Deployment", "tsuru-broker"]["spec"]["template"]["spec"]
    container = pod["containers"][0]
    assert pod["enableServiceLinks"] is False  # TSURU_BROKER_... of the Services is nothing that the program should see
    assert container["securityContext"]["readOnlyRootFilesystem"] and not container["securityContext"]["allowPrivilegeEscalation"]
    ports = {one["name"] for one in container["ports"]}
    assert {container[probe]["httpGet"]["port"] for probe in ("readinessProbe", "livenessProbe")} <= ports
    secret = set(by_kind["Secret", "tsuru-broker"]["stringData"])
    known = secret | {one["name"] for one in container.get("env", [])}
    assert set(re.findall(r"\$\{(\w+)\}", by_kind["ConfigMap", "tsuru-broker"]["data"]["broker.yaml"])) <= known
    monitor = by_kind["ServiceMonitor", "tsuru-broker"]["spec"]
    admin = by_kind["Service", "tsuru-broker-admin"]
    assert monitor["selector"]["matchLabels"].items() <= admin["metadata"]["labels"].items()
    assert monitor["endpoints"][0]["port"] == admin["spec"]["ports"][0]["name"]
    return by_kind, pod


def test_kubernetes(tmp_path):
    by_kind, pod = kubernetes("kubernetes.yaml", tmp_path)
    deployment = by_kind["Deployment", "tsuru-broker"]["spec"]
    assert deployment["replicas"] == 3 and deployment["strategy"]["type"] == "RollingUpdate"
    budget = by_kind["PodDisruptionBudget", "tsuru-broker"]["spec"]
    assert budget["maxUnavailable"] == 1 and budget["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
    pause = int(pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"][1])
    with open(path("docs", "configuration.md"), encoding="utf-8") as file:
        shutdown = int(re.search(r"^\| `shutdown` \| duration \| `(\d+)s`", file.read(), re.MULTILINE)[1])
    assert pod["terminationGracePeriodSeconds"] > pause + shutdown
    assert {one["topologyKey"] for one in pod["topologySpreadConstraints"]} == {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}
    assert not any("persistentVolumeClaim" in one for one in pod["volumes"])
    # The replicas reach each other's service.
    allowed = by_kind["NetworkPolicy", "tsuru-broker"]["spec"]["ingress"][0]
    assert allowed["ports"] == [{"port": "service"}] and {"podSelector": {"matchLabels": {"app": "tsuru-broker"}}} in allowed["from"]


def test_kubernetes_with_one_replica(tmp_path):
    by_kind, pod = kubernetes("kubernetes-single.yaml", tmp_path)
    deployment = by_kind["Deployment", "tsuru-broker"]["spec"]
    assert deployment["replicas"] == 1 and deployment["strategy"] == {"type": "Recreate"}
    assert any("persistentVolumeClaim" in one for one in pod["volumes"])


COMPOSE = ["docker-compose.yaml", "docker-compose-replicas.yaml"]


@pytest.mark.parametrize("name", COMPOSE)
def test_compose(name, tmp_path):
    compose = documents(name)[0]
    with open(path("conf", compose["configs"]["broker"]["file"]), encoding="utf-8") as file:
        configuration = file.read()
    check(configuration, tmp_path)
    brokers = [one for service, one in compose["services"].items() if service.startswith("broker")]
    assert brokers and all(one["read_only"] is True for one in brokers)
    for one in brokers:
        assert set(re.findall(r"\$\{(\w+)\}", configuration)) <= set(one["environment"])
    # Docker refuses to write a "content" into a container whose root file system is read-only.
    for service, one in compose["services"].items():
        sources = [compose["configs"][config["source"]] for config in one.get("configs", [])]
        assert all(os.path.isfile(path("conf", source["file"])) for source in sources), service


def test_one_compose_file_does_not_take_the_volumes_of_the_other():
    assert len({documents(name)[0]["name"] for name in COMPOSE}) == len(COMPOSE)


class Records:
    """A server of docker-compose-replicas.yaml: records.sh on the data directory of its own, with another for the peer."""

    def __init__(self, server, peer, begins):
        self.server = server
        self.directory = server.directory
        for name in ("records.sh", "replication.sh"):
            shutil.copy(path("conf", "compose", name), self.directory)
        entrypoint = os.path.join(self.directory, "docker-entrypoint.sh")
        with open(entrypoint, "w", encoding="ascii") as file:
            file.write('#!/bin/sh\nexec "$@"\n')  # what the image's does where there is a database
        for name in ("records.sh", "replication.sh", "docker-entrypoint.sh"):
            os.chmod(os.path.join(self.directory, name), 0o755)
        self.environment = {"PATH": f"{self.directory}:{server.bin}:{os.environ['PATH']}", "PGDATA": server.data, "PGPASSWORD": server.password,
                            "POSTGRES_USER": "admin", "POSTGRES_DB": "postgres", "PEER": "127.0.0.1", "PGPORT": str(peer), "BEGINS": begins}

    def command(self, *command, **more):
        user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        return [*user, "env", *(f"{key}={value}" for key, value in {**self.environment, **more}.items()), *command]

    def run(self, *command, **more):
        # Not a pipe: a server that should not have started would keep it open.
        output = os.path.join(self.directory, "said")
        with open(output, "wb") as file:
            code = subprocess.run(self.command(*command, **more), cwd=self.directory, stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                                  check=False, timeout=TIMEOUT).returncode
        with open(output, encoding="utf-8") as file:
            return file.read(), code

    def start(self):
        """In the foreground, as the container's first process."""
        command = self.command("./records.sh", "-p", str(self.server.port), "-c", "listen_addresses=127.0.0.1", "-c",
                               f"unix_socket_directories={self.directory}")
        return subprocess.Popen(command, cwd=self.directory, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)


class Empty(Postgres):
    """A data directory that nobody has filled."""

    def make(self, password_file):
        os.mkdir(self.data)
        os.chmod(self.data, 0o700)
        if os.getuid() == 0:
            os.chown(self.data, pwd.getpwnam("postgres").pw_uid, pwd.getpwnam("postgres").pw_gid)

    def start(self):
        self.port = free_port()


def sync_state(server):
    rows = server.rows("SELECT sync_state FROM pg_stat_replication WHERE state = 'streaming'")
    return rows[0][0] if rows else None


def takes_writes(server):
    try:
        return not server.rows("SELECT pg_is_in_recovery()")[0][0]
    except Exception:  # pylint: disable=broad-exception-caught
        return None  # it is not there yet


def test_the_records_of_compose_fail_over_by_hand():
    first, second = Postgres(), Empty()
    second.password = first.password
    one, other = Records(first, second.port, "yes"), Records(second, first.port, "no")
    processes = []
    try:
        said, code = one.run("./replication.sh", PGHOST=first.directory, PGPORT=str(first.port))
        assert code == 0, said
        first.stop("fast")
        processes.append(one.start())
        wait_until("the primary is there", lambda: takes_writes(first))
        processes.append(other.start())
        wait_until("commits wait for the standby", lambda: sync_state(first) == "quorum")
        first.rows("CREATE TABLE kept AS SELECT 1 AS number")
        first.stop()
        said, code = other.run("pg_ctl", "promote", "-w")
        assert code == 0, said
        assert second.rows("SHOW synchronous_standby_names") == [("",)]  # it waits for none
        second.rows("INSERT INTO kept VALUES (2)")
        said, code = one.run("./records.sh")  # started again on its old data
        assert code == 1 and "takes writes" in said, said
        said, code = one.run("./records.sh", "copy")
        assert code == 0, said
        processes.append(one.start())
        wait_until("the former primary follows", lambda: sync_state(second) == "async")
        second.rows("ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (*)'")
        second.rows("SELECT pg_reload_conf()")
        wait_until("commits wait for it", lambda: sync_state(second) == "quorum")
        second.rows("INSERT INTO kept VALUES (3)")
        wait_until("it has all", lambda: first.rows("SELECT number FROM kept ORDER BY 1") == [(1,), (2,), (3,)])
    finally:
        first.close()
        second.close()
        for process in processes:
            process.wait(TIMEOUT)


def dockerfile():
    """Its instructions, each one line."""
    with open(path("Dockerfile"), encoding="utf-8") as file:
        return re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", file.read(), flags=re.MULTILINE))


def stem(package):
    """libcurl4 and libcurl4t64, libhiredis0.14 and libhiredis1.1.0: the two Debians number them for themselves."""
    return re.match(r"(?:[a-z]+-?)+", package)[0].rstrip("-")


def owner(library):
    """The package of a library that the program is linked to."""
    done = subprocess.run(["dpkg-query", "-S", f"*/{library}"], capture_output=True, check=True)
    return done.stdout.decode().split(":")[0]


def test_the_image_has_every_library():
    built, own = (set(one.split()) for one in re.findall(r"--no-install-recommends (.*?) ?&&", dockerfile()))
    with open(path("test", "support", "packages.sh"), encoding="utf-8") as file:
        assert built == set(re.search(r'build_packages="([^"]*)"', file.read())[1].split())
    with open(path("README.md"), encoding="utf-8") as file:
        assert built == set(re.search(r"apt-get install -y (.*)", file.read())[1].split())
    dynamic = subprocess.run(["readelf", "-d", BROKER], capture_output=True, check=True).stdout.decode()
    linked = {owner(name) for name in re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic)}
    loaded = set()
    for folder, _, files in os.walk(path("src")):
        for name in files:
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                loaded |= set(re.findall(r'\.package = "(\w+)"', file.read()))
    needed = {stem(name) for name in linked | loaded} - {"libc", "libgcc-s", "libasan", "libubsan"}
    needed -= {"libevent"}  # the other three in one, which Debian 12 links beside them
    assert len(loaded) == 2 and needed <= {stem(name) for name in own}, needed - {stem(name) for name in own}


def test_what_runs_the_image_fits_it():
    text = dockerfile()
    assert len(set(re.findall(r"^FROM (\S+)", text, re.MULTILINE))) == 1
    with open(path(".dockerignore"), encoding="utf-8") as file:
        sent = {line[1:] for line in file.read().splitlines() if line.startswith("!")}
    assert {name for one in re.findall(r"^COPY ([^-].*) \S+$", text, re.MULTILINE) for name in one.split()} == sent
    user, group = re.search(r"^USER (\d+):(\d+)$", text, re.MULTILINE).groups()
    store, ports = re.search(r"^VOLUME (\S+)$", text, re.MULTILINE)[1], re.search(r"^EXPOSE (.*)$", text, re.MULTILINE)[1].split()
    pod = next(one for one in documents("kubernetes.yaml") if one["kind"] == "Deployment")["spec"]["template"]["spec"]
    container = pod["containers"][0]
    assert [pod["securityContext"][key] for key in ("runAsUser", "runAsGroup", "fsGroup")] == [int(user), int(group), int(group)]
    assert [str(one["containerPort"]) for one in container["ports"]] == ports
    assert {one["mountPath"] for one in container["volumeMounts"]} == {store, "/etc/tsuru-broker"}
    broker = documents("docker-compose.yaml")[0]["services"]["broker"]
    assert broker["volumes"] == [f"store:{store}"] and [one.rsplit(":", 1)[1] for one in broker["ports"]] == ports
    for name in re.findall(r'"/usr/bin/tsuru-broker", "(\w+)"|^CMD \["(\w+)"', text, re.MULTILINE):
        assert subprocess.run([BROKER, "".join(name), "--help"], check=False, stdout=subprocess.DEVNULL).returncode == 0


def test_the_sample_configuration_names_every_key():
    with open(path("conf", "broker.yaml"), encoding="utf-8") as file:
        sample = file.read()
    with open(path("src", "config", "tables.c"), encoding="utf-8") as file:
        keys = set(re.findall(r'(?:\.name = |_KEY\()"(\w+)"', file.read()))
    assert not {key for key in keys if not re.search(rf"\b{key}:", sample)}


def test_every_key_is_in_the_manual():
    with open(path("docs", "configuration.md"), encoding="utf-8") as file:
        manual = file.read()
    with open(path("src", "config", "tables.c"), encoding="utf-8") as file:
        keys = set(re.findall(r'(?:\.name = |_KEY\()"(\w+)"', file.read()))
    assert not {key for key in keys if f"`{key}`" not in manual}


def test_every_metric_is_in_the_manual_and_the_rules_name_only_metrics():
    names = set()
    for folder, _, files in os.walk(path("src")):
        for name in files:
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                text = file.read()
            names |= set(re.findall(r'"(tsuru_broker_\w+)"', text))
            names |= {"tsuru_broker_" + one for one in re.findall(r'(?:COUNTER|GAUGE|HISTOGRAM)\(\s*"(\w+)"', text)}
    names.discard("tsuru_broker_")
    with open(path("docs", "operations.md"), encoding="utf-8") as file:
        manual = file.read()
    assert len(names) > 25 and not {name for name in names if f"`{name}`" not in manual}
    with open(path("conf", "prometheus", "rules.yaml"), encoding="utf-8") as file:
        used = {re.sub(r"_(bucket|sum|count)$", "", name) for name in re.findall(r"tsuru_broker_\w+", file.read())}
    assert used <= names, used - names


def test_rules():
    done = subprocess.run(["promtool", "check", "rules", path("conf", "prometheus", "rules.yaml")], capture_output=True, check=False)
    assert done.returncode == 0 and b"SUCCESS" in done.stdout, done


def test_systemd_unit(tmp_path):
    with open(path("conf", "systemd", "tsuru-broker.service"), encoding="utf-8") as file:
        unit = file.read().replace("/usr/bin/tsuru-broker", "/bin/true").replace("Documentation=", "#")
    (tmp_path / "tsuru-broker.service").write_text(unit)
    done = subprocess.run(["systemd-analyze", "verify", tmp_path / "tsuru-broker.service"], capture_output=True, check=False)
    assert b"tsuru-broker.service" not in done.stderr, done.stderr
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", tmp_path / "tsuru-broker.service"],
                          capture_output=True, check=True)
    level = float(re.search(rb"Overall exposure level[^:]*: ([\d.]+)", done.stdout)[1])
    assert level < 2, done.stdout.decode()


def test_debian_package(tmp_path):
    build = os.path.dirname(os.path.abspath(BROKER))
    subprocess.run(["cpack", "--config", os.path.join(build, "CPackConfig.cmake"), "-B", str(tmp_path)], check=True,
                   stdout=subprocess.DEVNULL)
    package = next(str(tmp_path / name) for name in os.listdir(tmp_path) if name.endswith(".deb"))
    files = subprocess.run(["dpkg-deb", "-c", package], capture_output=True, check=True).stdout.decode()
    for name in ("/usr/bin/tsuru-broker", "/usr/share/man/man1/tsuru-broker.1", "/etc/tsuru-broker/broker.yaml",
                 "/usr/lib/systemd/system/tsuru-broker.service", "/usr/share/bash-completion/completions/tsuru-broker"):
        assert f".{name}" in files, files
    depends = subprocess.run(["dpkg-deb", "-f", package, "Depends"], capture_output=True, check=True).stdout.decode()
    for name in ("liblmdb0", "libcurl4", "libpq5"):  # the last two are loaded by the program itself
        assert name in depends, depends
    assert pytest is not None
