"""Brokers of two formats on one store. Another program's part is played by what it leaves in the head of the journal."""

import time

import pytest

from harness import wait_until
from replicas import active_and_standby, await_role, role, tsuru_of
from test_replicas import run

LONGER = 8  # s than a lease


def sql(replicas, statement):
    return replicas.server.rows(statement, database=replicas.database)


def format_of(replicas):
    return sql(replicas, "SELECT format FROM tsuru_broker.head")[0][0]


def newer_takes_over(replicas):
    """The first one, upgraded, claims the journal, and gives no sign of life any more."""
    sql(replicas, "WITH h AS (UPDATE tsuru_broker.head SET format = format + 1, epoch = epoch + 1 RETURNING epoch)"
                  " UPDATE tsuru_broker.pulse SET epoch = h.epoch FROM h")


@pytest.mark.takeover
def test_records_are_the_newer_programs_once_it_is_active(replicas):
    first, second = active_and_standby(replicas)
    present = format_of(replicas)
    sql(replicas, "UPDATE tsuru_broker.head SET format = 1")  # the first one is an older program
    assert tsuru_of(first).create("mydb", "small").status == 201
    assert format_of(replicas) == 1
    first.kill()
    await_role(second, "active")
    assert format_of(replicas) == present
    assert tsuru_of(second).info("mydb").status == 200


@pytest.mark.takeover
def test_older_program_stands_aside(replicas):
    first, second = active_and_standby(replicas)
    assert tsuru_of(first).create("mydb", "small").status == 201
    wait_until("the standby has it", lambda: [one["name"] for one in second.ctl("instances", "--json")] == ["mydb"])
    present = format_of(replicas)
    newer_takes_over(replicas)  # before it dies, as the second would take over by and by
    first.kill()
    wait_until("it says why", lambda: "newer tsuru-broker" in second.admin("/ready").json.get("outdated", ""))
    ready = second.admin("/ready")
    assert ready.status == 200 and ready.json["active"] == "first" and "trouble" not in ready.json
    assert second.admin("/health").status == 200
    assert second.log().count("event=outdated") == 1

    # Nobody renews the lease, and it takes it not: nor when it is started again, nor does an import.
    time.sleep(LONGER)
    assert role(second) == "standby" and format_of(replicas) == present + 1
    second.stop()
    second.start()
    time.sleep(LONGER)
    assert role(second) == "standby" and "outdated" in second.admin("/ready").json
    lines = replicas.directory / "lines"
    lines.write_text("", encoding="ascii")
    moved = run(first, "ctl", "import", str(lines))
    assert moved.returncode == 1 and "newer tsuru-broker" in moved.stderr
    assert format_of(replicas) == present + 1

    # In its place comes one that reads that format.
    sql(replicas, f"UPDATE tsuru_broker.head SET format = {present}")
    await_role(second, "active")
    assert "outdated" not in second.admin("/ready").json
    assert tsuru_of(second).info("mydb").status == 200
