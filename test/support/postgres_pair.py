"""A PostgreSQL primary and its streaming standby, for the tests of a store that brokers share.

    pair = Pair(synchronous=True)
    pair.rows(sql)                    # at the one that takes writes
    pair.url_of(user, password, name)   # both hosts, as a broker is told; through pair.doors[i], a Proxy before each server
    pair.cut()                        # the standby gets nothing more, and nobody notices at once
    pair.fail_over()                  # the primary is killed, the standby is promoted
"""

import contextlib
import os
import signal

from harness import Postgres, wait_until
from proxy import Fault, Proxy

SETTINGS = "wal_level = replica\nmax_wal_senders = 4\nwal_sender_timeout = 60s\nwal_receiver_timeout = 60s\nhot_standby = on\n"


class Standby(Postgres):
    """Follows the server behind a port of 127.0.0.1."""

    def __init__(self, primary, port):
        self.primary = primary
        self.source = port
        super().__init__()

    def make(self, password_file):
        self.password = self.primary.password
        conninfo = f"host=127.0.0.1 port={self.source} user=admin password={self.password} application_name=standby"
        self.run("pg_basebackup", "-d", conninfo, "-D", self.data, "-R", "-X", "stream", "-c", "fast", "--no-sync")

    def promote(self):
        self.run("pg_ctl", "-D", self.data, "-w", "promote")


def children(pid):
    """The processes that the process has begun itself."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(one) for one in file.read().split()]
    return []


def kill_server(server):
    """kill -9 of the postmaster and of all that it has begun."""
    with open(os.path.join(server.data, "postmaster.pid"), encoding="ascii") as file:
        postmaster = int(file.readline())
    with contextlib.suppress(ProcessLookupError):
        os.kill(postmaster, signal.SIGSTOP)  # it begins no more of them
    pids = [postmaster, *children(postmaster)]
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait_until("the server's processes are gone", lambda: not any(is_alive(pid) for pid in pids))


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Pair:
    """The two servers, the link between them, and a door to each."""

    def __init__(self, synchronous):
        with contextlib.ExitStack() as stack:
            self.servers = [Postgres(SETTINGS)]
            stack.callback(self.servers[0].close)
            self.link = Proxy(self.servers[0].port)
            stack.callback(self.link.close)
            self.servers.append(Standby(self.servers[0], self.link.port))
            stack.callback(self.servers[1].close)
            self.doors = []
            for server in self.servers:
                self.doors.append(Proxy(server.port))
                stack.callback(self.doors[-1].close)
            wait_until("the standby follows", self.follows)
            if synchronous:
                self.servers[0].rows("ALTER SYSTEM SET synchronous_standby_names = 'standby'")
                self.servers[0].rows("SELECT pg_reload_conf()")
                wait_until("the standby is synchronous", lambda: self.follows() == "sync")
            self.primary = self.servers[0]
            self.open = stack.pop_all()

    def follows(self):
        """How the standby does: "async", "sync"; None: it does not."""
        rows = self.servers[0].rows("SELECT sync_state FROM pg_stat_replication WHERE state = 'streaming'")
        return rows[0][0] if rows else None

    def rows(self, sql, *more):
        return self.primary.rows(sql, *more)

    def caught_up(self):
        """Waits until the standby has all that the primary has now."""
        there = self.servers[0].rows("SELECT pg_current_wal_flush_lsn()")[0][0]
        wait_until("the standby has it", lambda: self.servers[1].rows(f"SELECT pg_last_wal_replay_lsn() >= '{there}'::pg_lsn")[0][0])

    def url_of(self, user, password, database):
        hosts = ",".join(f"127.0.0.1:{door.port}" for door in self.doors)
        return f"postgres://{user}:{password}@{hosts}/{database}"

    def cut(self):
        self.link.fault = Fault("half-open")

    def join(self):
        """They see each other again; what was on its way is lost."""
        self.link.fault = None
        self.link.reset_all()

    def fail_over(self):
        """The standby takes over with what it has."""
        kill_server(self.servers[0])
        self.servers[1].promote()
        self.primary = self.servers[1]

    def close(self):
        for door in (*self.doors, self.link):
            door.fault = None
        self.open.close()
