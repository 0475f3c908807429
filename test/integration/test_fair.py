"""One tenant's locks hold up none of the others: through the program, on a server that is told what to do."""

import concurrent.futures
import os
import re

import pytest

from harness import Tsuru, scripted_service, wait_until

PLACES = 4  # the default of `parallel`
HOSTILE = 12
LOCKED = "unbind lock 0 {delay}\n"
HANGING = "unbind hang\n"


def writer(path):
    """Writes the rules, which are the old ones or the new ones at any time."""
    def write(text):
        (path / "next").write_text(text)
        os.replace(path / "next", path / "rules")
    return write


@pytest.fixture(params=["1s"])
def site(start_broker, tmp_path, request):
    """A broker, the rules of its pretended server, and two teams' tsuru."""
    more = f"    wait: 0s\n    attempt_timeout: {request.param}\n"
    broker = start_broker(scripted_service(tmp_path, "x", more=more))
    broker.rules = writer(tmp_path)
    return broker, Tsuru(broker, "scripted", "x", team="red"), Tsuru(broker, "scripted", "x", team="blue")


def measured(broker, name):
    text = broker.admin("/metrics", user=None).body
    return int(float(re.search(rf'^tsuru_broker_{name}{{service="scripted",server="one"}} ([0-9.e+]+)$', text, re.M)[1]))


def attempts(broker, outcome):
    text = broker.admin("/metrics", user=None).body
    found = re.search(rf'^tsuru_broker_attempts_total{{service="scripted",server="one",outcome="{outcome}"}} ([0-9.e+]+)$', text, re.M)
    return int(float(found[1])) if found else 0


def unbind_all(broker, tsuru, rule):
    """Unbinds that cannot end, each of which has been tried."""
    for i in range(HOSTILE):
        assert tsuru.create(f"bad-{i}").status == 201
        wait_until("it is up", lambda i=i: tsuru.is_up(f"bad-{i}"))
        assert tsuru.bind(f"bad-{i}", "shop").status == 201
    broker.rules(rule)
    for i in range(HOSTILE):
        assert tsuru.unbind(f"bad-{i}", "shop").status == 200
    wait_until("each is held up", lambda: measured(broker, "server_operations_held_up") == HOSTILE)


@pytest.mark.parametrize("rule", [LOCKED.format(delay="1s"), HANGING], ids=["lock", "hang"])
def test_what_is_held_up_has_a_quarter_of_the_places(site, rule):
    """The others' binds are done meanwhile, and its own end once nothing is in their way."""
    broker, red, blue = site
    assert blue.create("good").status == 201
    wait_until("it is up", lambda: blue.is_up("good"))
    unbind_all(broker, red, rule)
    for i in range(20):
        assert measured(broker, "server_operations_running") <= PLACES // 4
        assert blue.bind("good", f"app-{i}").status == 201
    wait_until("the hostile ones are tried again", lambda: attempts(broker, "locked" if "lock" in rule else "may-pass") > HOSTILE + 3)
    broker.rules("")
    wait_until("all have ended", lambda: measured(broker, "server_operations_held_up") == 0)
    wait_until("nothing is pending", lambda: broker.ctl("operations", "--json") == [])


def test_operators_see_what_is_held_up(site):
    broker, red, _ = site
    unbind_all(broker, red, LOCKED.format(delay="0s"))
    table = wait_until("one waits", lambda: (lambda text: text if re.search(r" lock +scripted", text) else "")(broker.ctl("operations")))
    assert "WAITS FOR" in table.splitlines()[0]
    assert "somebody holds a lock" in table
    wait_until("they are tried often", lambda: attempts(broker, "locked") > 8 * HOSTILE)
    told = broker.log().count("error=locked")  # ever more rarely
    assert HOSTILE <= told <= attempts(broker, "locked") * 3 // 4


@pytest.mark.parametrize("site", ["1h"], indirect=True)
def test_one_teams_queue_holds_up_no_other_team(site):
    """Creates of one team that wait for a place: the other's is answered long before them."""
    broker, red, blue = site
    broker.rules("provision hold\n")
    for i in range(40):
        assert red.create(f"many-{i}").status == 201
    assert blue.create("good").status == 201
    broker.rules(f"provision ok {PLACES}\nprovision hold\n")
    wait_until("the other's is up", lambda: blue.is_up("good"))
    pending = broker.ctl("operations", "--json")
    assert "place" in {operation.get("waits_for") for operation in pending}, pending  # in order of arrival none would wait any more
    broker.rules("")
    wait_until("nothing is pending", lambda: broker.ctl("operations", "--json") == [])


@pytest.fixture
def measured_site(start_broker, tmp_path):
    """A broker whose instances have a small measure, two teams' tsuru with an instance each, and the server's rules."""
    more = "    wait: 0s\n    bind_wait: 280s\n    attempt_timeout: 2s\n"
    broker = start_broker(scripted_service(tmp_path, "x", more=more), limits="limits: {pending: 10, requests: 40}\n")
    red, blue = Tsuru(broker, "scripted", "x", team="red"), Tsuru(broker, "scripted", "x", team="blue")
    for tsuru, name in ((red, "bad"), (blue, "good")):
        assert tsuru.create(name).status == 201
        wait_until("it is up", lambda tsuru=tsuru, name=name: tsuru.is_up(name))
    return broker, red, blue, writer(tmp_path)


def test_an_instances_operations_have_a_measure(measured_site):
    """One whose server does not answer does not fill the store."""
    broker, red, blue, rules = measured_site
    assert red.bind("bad", "shop").status == 201
    rules("update hang\n")
    answers = [red.update("bad", ("large", "small")[i % 2]) for i in range(20)]
    assert [answer.status for answer in answers] == [200] * 10 + [503, 200] * 5  # what is wanted already is no more work
    assert "limits.pending" in answers[10].message
    assert red.bind("bad", "other").status == 503
    for _ in range(20):  # each under an event of its own
        assert red.unbind("bad", "shop").status == 200
    assert len(broker.ctl("operations", "--json")) <= 11
    assert red.remove("bad").status == 200
    assert blue.bind("good", "shop").status == 201
    rules("")
    wait_until("nothing is pending", lambda: broker.ctl("operations", "--json") == [])


def test_an_instances_requests_have_a_measure(measured_site):
    """Those that wait for one do not take the places of all requests."""
    _, red, blue, rules = measured_site
    rules("bind hold\n")
    with concurrent.futures.ThreadPoolExecutor(60) as pool:
        jobs = [pool.submit(red.bind, "bad", "shop") for _ in range(60)]
        wait_until("all but ten are answered", lambda: sum(job.done() for job in jobs) == 50)
        assert blue.update("good", "large").status == 200
        assert {job.result().status for job in jobs if job.done()} == {503}
        rules("")
    assert sorted(job.result().status for job in jobs) == [201] * 10 + [503] * 50
