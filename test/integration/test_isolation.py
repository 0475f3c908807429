"""What an app with a login may try against the server, the other tenants and the broker: nothing gets through.

Each driver's attempts are a module test/support/attacks_DRIVER.py:

    ADMINS = ("plain", "superuser")      # the kinds of admin that the broker works with there
    class Ground:                        # a private server, a broker on it, an attacker's bind and a victim's
        def __init__(self, admin): ...
        def close(self): ...
    ATTEMPTS = [("what is tried", function), ...]   # function(ground): None, or a sentence that says what got through

An attempt that the server refuses is what is hoped for; an attempt that cannot fail is none, so each one looks at what it
would have won. LEAST attempts are demanded of each driver.
"""

import importlib
import os

import pytest

LEAST = 60
SUPPORT = os.path.join(os.path.dirname(__file__), "..", "support")
DRIVERS = sorted(name[len("attacks_"):-len(".py")] for name in os.listdir(SUPPORT) if name.startswith("attacks_"))
MODULES = {driver: importlib.import_module(f"attacks_{driver}") for driver in DRIVERS}


@pytest.fixture(scope="module", params=[(driver, admin) for driver in DRIVERS for admin in MODULES[driver].ADMINS],
                ids=lambda param: f"{param[0]}-{param[1]}")
def arena(request):
    driver, admin = request.param
    ground = MODULES[driver].Ground(admin)
    yield MODULES[driver], ground
    ground.close()


def test_nothing_gets_through(arena):
    module, ground = arena
    names = [name for name, _ in module.ATTEMPTS]
    assert len(set(names)) == len(names) >= LEAST
    won = []
    for name, attempt in module.ATTEMPTS:
        outcome = attempt(ground)
        if outcome is not None:
            won.append(f"{name}: {outcome}")
    assert not won, "\n".join(won)
