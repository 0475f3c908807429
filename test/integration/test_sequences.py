"""The failure sequences that tsuru creates, through the whole program, with faults that only the scripted driver has at
will. test_drivers.py goes through them on every driver's real server, S5 to S9 there alone: credentials must be tried."""

import concurrent.futures
import secrets
import time

import pytest

from harness import Tsuru, scripted_service, wait_until


LONG = 60  # seconds that a request waits, or a server's time-out is, where a test is about who does not wait for that
AT_ONCE = LONG / 2  # on a slow machine


@pytest.fixture
def scripted(request, start_broker, tmp_path):
    """tsuru against the scripted driver, and a function that sets the driver's rules."""
    terms = {"wait": 2, "bind_wait": 15, "attempt_timeout": 2, **getattr(request, "param", {})}
    broker = start_broker(scripted_service(tmp_path, "x", more="".join(f"    {name}: {seconds}s\n" for name, seconds in terms.items())))

    def rules(*lines):
        # A new file each time: the driver takes rules afresh when size or time differ.
        (tmp_path / "rules").write_text("# " + secrets.token_hex(len(lines) + 1) + "\n" + "\n".join(lines) + "\n")

    return Tsuru(broker, "scripted", "x"), rules


def test_s1_create_again(scripted):
    tsuru, rules = scripted
    rules("provision hang")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        lost = pool.submit(tsuru.create, "mydb", "small")
        wait_until("the create runs", lambda: tsuru.status("mydb").status == 202)
        assert tsuru.create("mydb", "large").status == 201
        rules()
        assert lost.result().status == 201
    wait_until("the new plan is reached", lambda: tsuru.described("mydb").get("Plan in force") == "large")
    tsuru.team = "blue"
    taken = tsuru.create("mydb")
    assert taken.status == 409 and taken.message.startswith('taken by another team: the instance "mydb"')
    tsuru.team = "red"
    assert tsuru.bind("mydb", "shop").status == 201
    used = tsuru.create("mydb")
    assert used.status == 409 and used.message.startswith("in use already: your team has")


def test_s2_remove_while_creating(scripted):
    tsuru, rules = scripted
    rules("provision fail-transient")
    assert tsuru.create("mydb").status == 201
    assert tsuru.status("mydb").status == 202
    assert tsuru.remove("mydb").status == 200
    wait_until("it is gone", lambda: tsuru.info("mydb").status == 404)


@pytest.mark.parametrize("scripted", [{"wait": LONG}], indirect=True)
def test_s3_update_converges_and_shows_failure(scripted):
    tsuru, rules = scripted
    tsuru.create("mydb", "small")
    rules("update fail-transient 4")
    assert tsuru.update("mydb", "large").status == 200
    wait_until("the plan is reached", lambda: tsuru.described("mydb")["Plan in force"] == "large")
    refused = tsuru.update("mydb", "huge")
    assert refused.status == 400 and tsuru.described("mydb")["Last refusal"] == refused.message
    assert "Plan" not in tsuru.described("mydb")  # tsuru shows one of its own, what was asked last
    rules("update fail-final")
    assert tsuru.update("mydb", "small").status == 422
    assert "Last refusal" not in tsuru.described("mydb")
    status = tsuru.status("mydb")
    assert status.status == 200 and "update failed" in status.body
    described = tsuru.described("mydb")
    assert described["Plan in force"] == "large" and described["Wanted plan"] == "small" and described["Last failure"]


def test_s4_bind_again(scripted):
    tsuru, rules = scripted
    tsuru.create("mydb")
    rules("bind lost 1")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        first = pool.submit(tsuru.bind, "mydb", "shop")
        wait_until("the bind runs", lambda: tsuru.send("GET", "/resources/mydb/binds").json)
        assert tsuru.bind("mydb", "shop").status == 201
        assert first.result().status == 201
    rules("bind fail-transient")
    answer = tsuru.bind("mydb", "other")
    assert answer.status == 503 and "repeat" in answer.message
    rules()
    assert tsuru.bind("mydb", "other").status == 201


@pytest.mark.parametrize("scripted", [{"attempt_timeout": LONG}], indirect=True)
def test_s10_info_never_waits(scripted):
    tsuru, rules = scripted
    tsuru.create("mydb")
    rules("observe hang", "update hang")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        pool.submit(tsuru.update, "mydb", "large")
        for _ in range(50):
            begin = time.monotonic()
            assert tsuru.info("mydb").status == 200 and tsuru.plans().status == 200
            assert time.monotonic() - begin < AT_ONCE  # a server's time-out would be longer


def test_s11_recovery(scripted):
    tsuru, rules = scripted
    rules("provision fail-transient")
    assert tsuru.create("mydb", "large").status == 201
    tsuru.broker.kill()
    rules()
    tsuru.broker.start()
    wait_until("the create goes on", lambda: tsuru.is_up("mydb"))
    assert tsuru.described("mydb")["Plan in force"] == "large"


def test_s12_units(scripted):
    tsuru, _ = scripted
    tsuru.create("mydb")
    unit = {"unit-host": "10.1.2.3", "app-host": "shop.example.com"}
    for _ in range(2):
        assert tsuru.send("POST", "/resources/mydb/bind", unit).status == 201
    for _ in range(2):
        assert tsuru.send("DELETE", "/resources/mydb/bind", unit).status == 200


@pytest.mark.parametrize("scripted", [{"wait": LONG}], indirect=True)
def test_s13_commands_answer_at_once(scripted):
    tsuru, rules = scripted
    tsuru.create("mydb")
    tsuru.bind("mydb", "shop")
    rules("bind hang")
    begin = time.monotonic()
    assert tsuru.send("POST", "/resources/mydb/rotate", {}).status == 202
    assert time.monotonic() - begin < AT_ONCE
    assert tsuru.operations("mydb")[0]["kind"] == "rotate"
    rules()
    wait_until("it is rotated", lambda: tsuru.operations("mydb")[0]["state"] == "done")
