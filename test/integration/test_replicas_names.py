"""The url of a shared store names its host, and the system's resolver does what resolvers do: it hangs, fails, and tells another address."""

import contextlib
import subprocess

import pytest

from harness import Broker, scripted_service, wait_until
from proxy import Fault, Proxy
from replicas import KEY, Replicas, await_role, role, tsuru_of

NAME = "store.example"

# What it tells is in a file: addresses, "fail", "gone" or "hang".
RESOLVER = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int tell(char *addresses, struct addrinfo **found)
{
    const struct addrinfo numeric = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = dlsym(RTLD_NEXT, "getaddrinfo");
    struct addrinfo **end = found;

    for (char *address = strtok(addresses, " \\n"); address != NULL; address = strtok(NULL, " \\n")) {
        if (real(address, NULL, &numeric, end) != 0)
            return EAI_FAIL;
        end = &(*end)->ai_next;
    }
    return 0;
}

int getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **found)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = dlsym(RTLD_NEXT, "getaddrinfo");

    if (host == NULL || strcmp(host, "store.example") != 0)
        return real(host, port, hints, found);
    for (;;) {
        char told[256] = "";
        FILE *file = fopen(getenv("RESOLVER"), "r");

        if (fgets(told, sizeof(told), file) == NULL)
            told[0] = '\\0';
        fclose(file);
        if (strncmp(told, "fail", 4) == 0)
            return EAI_AGAIN;
        if (strncmp(told, "gone", 4) == 0)
            return EAI_NONAME;
        if (strncmp(told, "hang", 4) != 0)
            return tell(told, found);
        usleep(20 * 1000);
    }
}
"""


class Named(Replicas):
    """What the resolver tells of their store is written to a file."""

    def __init__(self, server, directory):
        super().__init__(server, directory, lease="10s")
        self.answer = directory / "answer"
        source, self.library = directory / "resolver.c", directory / "resolver.so"
        source.write_text(RESOLVER, encoding="ascii")
        subprocess.run(["cc", "-shared", "-fPIC", "-o", str(self.library), str(source)], check=True)

    def tell(self, text):
        self.answer.with_suffix(".new").write_text(text, encoding="ascii")
        self.answer.with_suffix(".new").rename(self.answer)

    def store(self, name, more=""):
        return super().store(name, more).replace("@127.0.0.1:", f"@{NAME}:")

    def begin(self, name):
        broker = Broker(scripted_service(self.directory, "x"), limits=self.store(name), environment={
            "SECRET_KEY": KEY, "LD_PRELOAD": str(self.library), "RESOLVER": str(self.answer),
            "ASAN_OPTIONS": "detect_leaks=0:exitcode=86:verify_asan_link_order=0"})  # a thread that hangs is left behind
        self.brokers.append(broker)
        return broker.start()

    def cut(self):
        self.server.rows(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{self.database}'")


@pytest.fixture(name="site")
def make_site(server, tmp_path):
    with contextlib.closing(Named(server, tmp_path)) as made:
        yield made


BEATS = 4  # renewals, of which there are three in a lease


def outlast_lease(site):
    """It is renewed for longer than it is."""
    def beat():
        return site.server.rows("SELECT beat FROM tsuru_broker.pulse", site.database)[0][0]

    begin = beat()
    wait_until("the lease is renewed", lambda: beat() >= begin + BEATS)


def sessions(site):
    """Their processes at the server."""
    return {row[0] for row in site.server.rows(f"SELECT pid FROM pg_stat_activity WHERE datname = '{site.database}'")}


@pytest.mark.parametrize("trouble", ["hang", "fail"])
def test_a_resolver_that_does_not_answer_deposes_nobody(site, trouble):
    """All connections are lost meanwhile: those to come go to the address of before."""
    site.tell("127.0.0.1")
    first = site.begin("first")
    await_role(first, "active")
    epoch = first.admin("/ready").json["epoch"]
    site.tell(trouble)
    for i in range(3):
        before = sessions(site)
        site.cut()
        wait_until("it is connected again", lambda before=before: sessions(site) - before)
        wait_until("changes are taken", lambda i=i: tsuru_of(first).create(f"db{i}", "small").status == 201)
    if trouble == "hang":
        outlast_lease(site)
    assert role(first) == "active" and first.admin("/ready").json["epoch"] == epoch
    assert "event=lease-over" not in first.log()
    first.stop()  # while it hangs: nothing waits for the look-up


@pytest.mark.parametrize("trouble", ["hang", "fail", "gone"])
def test_a_broker_that_begins_without_a_resolver_waits_for_it(site, trouble):
    site.tell(trouble)
    first = site.begin("first")
    wait_until("it says why it does nothing", lambda: "address of the store's PostgreSQL is not known" in first.log())
    assert first.admin("/ready").status == 503
    site.tell("127.0.0.9 127.0.0.1")  # the first one leads nowhere
    await_role(first, "active")
    assert tsuru_of(first).create("mydb", "small").status == 201


@pytest.fixture
def former(server):
    """Another address of the database, on the same port."""
    made = Proxy(server.port, address="127.0.0.5", port=server.port)
    yield made
    made.fault = Fault("reset")
    made.close()


@pytest.mark.parametrize("end", ["reset", "half-open"])
def test_the_name_of_a_database_that_has_moved(site, former, end):
    """An active broker that has nothing to commit renews its lease there. A connection to the former address that has died without a
    word is given up when it is used."""
    site.tell("127.0.0.5")
    first = site.begin("first")
    await_role(first, "active")
    epoch = first.admin("/ready").json["epoch"]
    site.tell("127.0.0.1")
    former.fault = Fault(end)
    outlast_lease(site)
    assert role(first) == "active" and first.admin("/ready").json["epoch"] == epoch and "event=lease-over" not in first.log()
    assert tsuru_of(first).create("mydb", "small").status == 201


def test_a_name_that_is_gone_leads_to_no_former_address(site):
    """It may be another machine's."""
    site.tell("127.0.0.1")
    first = site.begin("first")
    await_role(first, "active")
    site.tell("gone")

    def connects_no_more():
        site.cut()  # an answer holds for a second, and one that is late is not waited for
        return "address of the store's PostgreSQL is not known" in first.log()

    wait_until("it connects no more", connects_no_more, pause=1)
    await_role(first, "standby")
    assert not sessions(site)
