"""Partitions between brokers and the database that they share, by the fault proxy: what is asked does not arrive, what is answered
does not, or half of it. At most one broker is active at a time, and what was acknowledged is there."""

import pytest

from harness import closing, wait_until
from proxy import STALL, Fault, Proxy
from replica_site import Site, Watch, await_role, role


class Parted(Site):
    """Each of two brokers reaches the server by a proxy of its own."""

    def __init__(self, directory, server, proxies):
        super().__init__(directory, server)
        self.proxies = proxies

    def brokers(self):
        return self.replicas.pair(first=self.url(self.proxies[0].port), second=self.url(self.proxies[1].port))


@pytest.fixture
def site(server, tmp_path):
    with closing(Proxy(server.port), Proxy(server.port)) as proxies:
        built = Parted(tmp_path, server, proxies)
        yield built
        for proxy in proxies:
            proxy.fault = None
        built.close()


kinds = pytest.mark.parametrize("kind", ["half-open", "lost-hang", STALL, "reset"],
                                ids=["requests-swallowed", "answers-swallowed", "answers-cut-short", "hung-up"])


def names_of(broker):
    return {one["name"] for one in broker.ctl("instances", "--json")}


@kinds
def test_the_active_one_is_cut_off(site, kind):
    first, second = site.brokers()
    watch, load = Watch(first, second), site.load()
    try:
        site.proxies[0].fault = Fault(kind)
        await_role(second, "active")
        site.goes_on(load)
        site.replicas.await_standby(first)
        site.proxies[0].fault = None
        site.goes_on(load)
    finally:
        made, overlaps = load.end(), watch.end()
    assert overlaps == 0
    site.check(made)
    assert [name for _, _, name in site.replicas.epochs()] == ["first", "second"]
    wait_until("who was cut off follows", lambda: names_of(first) == names_of(second))
    assert role(first) == "standby"


def test_a_renewal_that_is_answered_in_part(site):
    """There is nothing to commit, so the lease hangs on renewals alone; the end of one's answer never comes."""
    first, second = site.brokers()
    watch = Watch(first, second)
    try:
        # A busy machine may have the second one take over by itself: then its renewals are befallen.
        for proxy in site.proxies:
            proxy.fault = Fault(STALL, at=b"UPDATE tsuru_broker.pulse SET beat")
        wait_until("a renewal was befallen", lambda: sum(proxy.hits for proxy in site.proxies))
        wait_until("the renewals go on, or another takes over", lambda: role(second) == "active" or sum(proxy.hits for proxy in site.proxies) > 3)
        for proxy in site.proxies:
            proxy.fault = None
    finally:
        overlaps = watch.end()
    assert overlaps == 0
    site.replicas.keep_alive("one is active, and the other stands by", lambda: sorted(str(role(one)) for one in (first, second)) == ["active", "standby"])
    site.check()


@kinds
def test_the_standby_is_cut_off(site, kind):
    """It claims nothing because it hears nothing, and nothing at once when it hears again."""
    first, second = site.brokers()
    watch, load = Watch(first, second), site.load()
    try:
        site.proxies[1].fault = Fault(kind)
        wait_until("it notices", lambda: "event=store-unreachable" in second.log())
        site.goes_on(load)
        site.proxies[1].fault = None
        made = load.made[-1]
        wait_until("it has what was made meanwhile", lambda: made in names_of(second))
    finally:
        made, overlaps = load.end(), watch.end()
    assert overlaps == 0 and load.refused == 0
    site.check(made)
    assert role(first) == "active" and len(site.replicas.epochs()) == 1
