"""What is shipped beside the program: samples that the program accepts, rules that promtool accepts, a package."""

import os
import re
import subprocess

import pytest
import yaml

from harness import BROKER

ROOT = os.path.join(os.path.dirname(__file__), "..", "..")
PASSWORDS = {"POSTGRES_API_PASSWORD": "a", "PG_ADMIN_PASSWORD": "b", "ADMIN_PASSWORD": "c"}


def path(*parts):
    return os.path.join(ROOT, *parts)


def documents(name):
    with open(path("conf", name), encoding="utf-8") as file:
        return list(yaml.safe_load_all(file))


def check(text, tmp_path):
    """The program's own check of a configuration."""
    (tmp_path / "broker.yaml").write_text(text)
    done = subprocess.run([BROKER, "check", "-c", tmp_path / "broker.yaml"], capture_output=True, check=False,
                          env={**os.environ, **PASSWORDS})
    assert done.returncode == 0, done.stderr.decode()


def test_kubernetes(tmp_path):
    by_kind = {(one["kind"], one["metadata"]["name"]): one for one in documents("kubernetes.yaml")}
    check(by_kind["ConfigMap", "tsuru-broker"]["data"]["broker.yaml"], tmp_path)
    deployment = by_kind["Deployment", "tsuru-broker"]["spec"]
    assert deployment["replicas"] == 1 and deployment["strategy"] == {"type": "Recreate"}
    container = deployment["template"]["spec"]["containers"][0]
    assert container["securityContext"]["readOnlyRootFilesystem"] and not container["securityContext"]["allowPrivilegeEscalation"]
    ports = {one["name"] for one in container["ports"]}
    assert {container[probe]["httpGet"]["port"] for probe in ("readinessProbe", "livenessProbe")} <= ports
    secret = set(by_kind["Secret", "tsuru-broker"]["stringData"])
    assert set(re.findall(r"\$\{(\w+)\}", by_kind["ConfigMap", "tsuru-broker"]["data"]["broker.yaml"])) <= secret
    monitor = by_kind["ServiceMonitor", "tsuru-broker"]["spec"]
    admin = by_kind["Service", "tsuru-broker-admin"]
    assert monitor["selector"]["matchLabels"].items() <= admin["metadata"]["labels"].items()
    assert monitor["endpoints"][0]["port"] == admin["spec"]["ports"][0]["name"]


def test_compose(tmp_path):
    compose = documents("docker-compose.yaml")[0]
    check(compose["configs"]["broker"]["content"].replace("$$", "$"), tmp_path)
    assert compose["services"]["broker"]["read_only"] is True


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
