"""Fixtures of the integration tests."""

import functools
import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))

import backends  # noqa: E402  pylint: disable=wrong-import-position
import harness  # noqa: E402  pylint: disable=wrong-import-position
import replica_site  # noqa: E402  pylint: disable=wrong-import-position
import replicas as sharing  # noqa: E402  pylint: disable=wrong-import-position
import spread  # noqa: E402  pylint: disable=wrong-import-position


def pytest_configure(config):
    config.addinivalue_line("markers", "takeover: an active broker dies, and the next one has to wait for the end of its lease")


@pytest.fixture(scope="session")
def server():
    """One private PostgreSQL for a file of tests."""
    postgres = harness.Postgres()
    yield postgres
    postgres.close()


@pytest.fixture
def replicas(request, server, tmp_path):
    """Brokers that share a store. Where nobody takes over from one that is dead, a short lease would be a race with a busy machine."""
    made = sharing.Replicas(server, tmp_path, "5s" if request.node.get_closest_marker("takeover") else "60s")
    yield made
    made.close()


@pytest.fixture
def own_server():
    """A PostgreSQL for one test that stops it or looks at all of it."""
    postgres = harness.Postgres()
    yield postgres
    postgres.close()


@pytest.fixture(scope="session", params=backends.BACKENDS, ids=lambda kind: kind.name)
def backend(request):
    """Each driver's server in turn."""
    server = request.param()
    server.start()
    yield server
    server.close()


@pytest.fixture(scope="session")
def make_broker(request):
    """What makes one, or three that share a store and are taken for one."""
    if not spread.SHARED:
        return harness.Broker
    return functools.partial(spread.Spread, request.getfixturevalue("server"), lease=replica_site.CALM)


@pytest.fixture
def start_broker(request, make_broker):
    """Starts brokers by their services; all are stopped, and must end well, when the test is over. Each has the test's
    backend from the broker before."""
    handed = request.getfixturevalue("backend") if "backend" in request.fixturenames else backends.Backend()
    brokers = []

    def start(services, **options):
        handed.hand_over()
        broker = make_broker(services, **options)
        brokers.append(broker)
        return broker.start()

    yield start
    for broker in reversed(brokers):
        broker.close()
