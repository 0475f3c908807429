"""The active broker ends at the points where a commit's answer can be lost: before its statement is sent, behind that, and once
it is durable. Another broker of those that share the store takes over: what was acknowledged is there, every operation ends, and
nothing is done a second time with another outcome.

The story is that of test_crashes.py, told to whoever is active. With CRASH_FULL=1 it is told to its end after each crash, and
every commit of the story is a case.
"""

import concurrent.futures
import contextlib
import shutil
import tempfile

import pytest

from harness import closing, wait_until
from replica_site import Replicas, await_role, make_database, role
from test_crashes import CRASH_STATUS, FULL, Case, ScriptedBackend, configured

POINTS = ("append:before", "append:sent", "append:durable")
TIMES = range(1, 60) if FULL else (1, 2, 3, 4, 7, 12, 20)
AT_ONCE = 3


class Takeover(Case):
    """One case: "first" ends at the point, "second" goes on."""

    def __init__(self, backend, replicas, point):
        self.first, self.second = (replicas.brokers[name] for name in ("first", "second"))
        super().__init__(backend, self.first, point)

    def begin(self):
        self.first.environment["CRASH_POINT"] = self.point
        try:
            self.first.start()
            wait_until("it is active, or has ended", lambda: self.first.process.poll() is not None or role(self.first) == "active")
        except AssertionError:
            if self.first.process.poll() != CRASH_STATUS:
                raise
        self.second.start()
        if self.has_crashed():
            self.go_on(None)

    def go_on(self, step):
        self.crashed_in = step or self.begin
        self.first.process = None
        await_role(self.second, "active")
        self.broker = self.story.broker = self.story.tsuru.broker = self.second
        self.story.check_acknowledged()

    def end(self):
        pass

    def close(self):
        """The next case finds no broker, and a store that was handed over."""
        for broker in (self.second, self.first):
            if broker.process is not None and broker.process.poll() == CRASH_STATUS:
                broker.process = None
            broker.stop()


class Lane:
    """A database, two brokers on it, and a pretended server, for one case after the other."""

    def __init__(self, server):
        self.server = server
        self.directory = tempfile.mkdtemp(prefix="broker-lane-")
        self.database = make_database(server)
        self.backend = ScriptedBackend()
        self.backend.start()
        url = f"postgres://{self.database}:sekret@127.0.0.1:{server.port}/{self.database}"
        self.replicas = Replicas(self.directory, url, services=configured(self.backend))
        for name in ("first", "second"):
            self.replicas.make(name)

    def run(self, point):
        """The failure, or None; whether the point was reached."""
        try:
            return Takeover(self.backend, self.replicas, point).tell(), None
        except AssertionError as failure:
            return True, str(failure)

    def check(self):
        self.replicas.check(self.server, self.database)

    def close(self):
        with closing(self.backend, self.replicas):
            shutil.rmtree(self.directory)


@pytest.mark.parametrize("point", POINTS)
def test_another_goes_on(server, point):
    todo = [f"{point}:{times}" for times in TIMES]
    with contextlib.ExitStack() as stack:
        lanes = [stack.enter_context(contextlib.closing(Lane(server))) for _ in range(AT_ONCE)]
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            ended = [row for rows in pool.map(lambda lane: [lanes[lane].run(one) for one in todo[lane::AT_ONCE]], range(AT_ONCE))
                     for row in rows]
        failures = [failure for _, failure in ended if failure is not None]
        assert not failures, f"{len(failures)} of {len(todo)}:\n" + "\n\n".join(failures)
        assert FULL or all(crashed for crashed, _ in ended)
        for lane in lanes:
            lane.check()
