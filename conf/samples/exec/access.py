#!/usr/bin/python3
"""A backend for the driver "exec" in Python: who may call an API, by host.

An instance is a list of hosts that a gateway in front of the API reads; the hosts of an app that is bound stand in it. With
HAProxy, which answers 403 to a browser's request from a page of another host:

  http-request deny unless { req.hdr(origin),field(3,/),field(1,:) -f ROOT/lists/NAME.lst }

  ROOT/lists/NAME.lst              the names of all that are let in, one a line; whoever reads it watches it for changes
  ROOT/instances/NAME/plan         the plan's name
  ROOT/instances/NAME/binds/LOGIN  the names of one bind, as JSON
  ROOT/retired/NAME                the same, locked away: its list is empty
  ROOT/store                       the id of the broker's store that all of this belongs to

Usage: access.py ROOT URL ACTION, the request on standard input. An operator makes ROOT with lists,
instances and retired in it; all four are the user's that runs this. Every action may come again after a crash, with the
same request, and must then reach the same state.
"""

import json
import os
import re
import shutil
import sys

UNKNOWN = 64  # exit statuses that the driver knows; any other is final
LATER = 75

HOST = re.compile(r"(?=.{1,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z")
NAME = re.compile(r"[a-z0-9_-]{1,64}\Z")


class Refused(Exception):
    """A sentence for the user; the action is not tried again."""


class Foreign(Exception):
    """A sentence for the operators; the action waits until they have settled it."""


def check_store(action, store):
    """Another broker must not work on what belongs to this one: the first request that changes something says whose store
    this belongs to, and an operator who hands it over removes the file. (A copy of the store has its id.)"""
    if store is None:
        return
    if action not in ("check", "observe", "inspect", "list") and not os.path.exists("store"):
        mine = f"store.{os.getpid()}"
        with open(mine, "w", encoding="ascii") as file:
            file.write(store)
        try:
            os.link(mine, "store")
        except FileExistsError:
            pass
        os.remove(mine)
    owner = read("store")
    if owner not in (None, store):
        raise Foreign(f"the directory belongs to the store {owner} of a broker, and this is {store}; "
                      "remove ROOT/store to hand it over")


# ---- files ----

def read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return None


def replace(path, content):
    """At no moment is there half of it."""
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(content)
    os.replace(path + ".new", path)


def remove(path):
    if os.path.exists(path):
        os.remove(path)


def logins(home):
    return [name for name in sorted(os.listdir(f"{home}/binds")) if not name.endswith(".new")]


def binds_of(home):
    """Without those that are unbound meanwhile."""
    return [json.loads(said) for login in logins(home) if (said := read(f"{home}/binds/{login}")) is not None]


# ---- what a request says ----

def checked(name):
    if not NAME.match(name):
        raise Refused("a name on the server must be small letters, digits, _ and -")
    return name


def places(request):
    name = checked(request["instance"]["resource"])
    return f"instances/{name}", f"retired/{name}", f"lists/{name}.lst"


def require_home(request):
    home, _, path = places(request)
    if not os.path.isdir(f"{home}/binds"):
        raise Refused("the list is lost")
    return home, path


def check_parameters(parameters):
    unknown = sorted(set(parameters) - {"deletion_protection", "env_prefix"})
    if unknown:
        raise Refused("there are no such parameters: " + ", ".join(unknown))


def names_of(bound):
    """Hosts are what an app's owner chose, so each is looked at; internal ones have a scheme and a port around their names."""
    hosts = [*bound["hosts"], *bound["internal_hosts"]]
    names = {re.sub(r":[0-9]+\Z", "", host.partition("://")[2] or host).lower() for host in hosts}
    for name in names:
        if not HOST.match(name):
            raise Refused(f"the host \"{name}\" is no name of small letters, digits, dots and -, and cannot be let in")
    return sorted(names)


def check_pool(request):
    """Only apps of the plan's pools may be bound; of any, when the plan names none."""
    pools = request["plan"]["options"].get("pools", "").split()
    pool = request["bind"].get("pool", "")
    if pools and pool not in pools:
        raise Refused(f"apps of the pool \"{pool}\" are not let in by this plan, only those of: " + ", ".join(pools))


def collect(home):
    """The list that the instance's binds come to."""
    names = {name for one in binds_of(home) for name in one["names"]}
    return "".join(name + "\n" for name in sorted(names))


# ---- actions ----

def provision(request):
    check_parameters(request["instance"]["parameters"])
    home, _, path = places(request)
    os.makedirs(f"{home}/binds", exist_ok=True)
    replace(f"{home}/plan", request["plan"]["name"])
    replace(path, collect(home))


def update(request):
    require_home(request)
    provision(request)


def deprovision(request):
    home, retired, path = places(request)
    remove(path)
    for directory in (home, retired):
        if os.path.isdir(directory):
            shutil.rmtree(directory)


def bind(request, url):
    home, path = require_home(request)
    asked = request["bind"]
    check_parameters(asked["parameters"])
    check_pool(request)
    names = names_of(asked)
    if not names:
        raise Refused(f"tsuru says no host of the {asked['kind']} \"{asked['name']}\" that could be let in")
    # What the last bind said is what counts: hosts that the app does not have any more are not let in any more.
    said = {"names": names, "app": asked["name"], "user": asked.get("user"), "cluster": asked.get("cluster")}
    replace(f"{home}/binds/{checked(asked['login'])}", json.dumps(said))
    replace(path, collect(home))
    return {"variables": {"ACCESS_URL": f"{url}/{request['instance']['resource']}/", "ACCESS_HOSTS": ",".join(names)}}


def unbind(request):
    home, _, path = places(request)
    if os.path.isdir(home):
        remove(f"{home}/binds/{checked(request['bind']['login'])}")
        replace(path, collect(home))


def observe(request):
    home, _ = require_home(request)
    told = "; ".join(f"{one['app']}: {', '.join(one['names'])}" for one in binds_of(home))
    return {"items": [{"label": "Let in", "value": told or "nobody"}]}


def retire(request):
    home, retired, path = places(request)
    replace(path, "")
    if not os.path.isdir(retired):
        os.rename(home, retired)


def restore(request):
    home, retired, path = places(request)
    if not os.path.isdir(home):
        os.rename(retired, home)
    replace(path, collect(home))


def is_as_asked(home, bound):
    said = read(f"{home}/binds/{checked(bound['login'])}")
    try:
        return said is not None and json.loads(said)["names"] == names_of(bound)
    except Refused:
        return False


def inspect(request):
    try:
        home, path = require_home(request)
    except Refused as lost:
        return {"drift": [{"kind": "lost", "text": str(lost)}]}
    drift = []
    if read(f"{home}/plan") != request["plan"]["name"] or read(path) != collect(home):
        drift.append({"kind": "instance", "text": "the list is not that of the plan and the binds"})
    drift += [{"kind": "bind", "text": bound["login"]} for bound in request["binds"] if not is_as_asked(home, bound)]
    return {"drift": drift}


def list_all(_):
    homes = [f"{place}/{name}" for place in ("instances", "retired") for name in sorted(os.listdir(place))]
    return {"instances": [os.path.basename(home) for home in homes],
            "logins": [login for home in homes for login in logins(home)]}


def check(_):
    """That the directories are there was seen already."""


# `adopt` is one that this backend does without.
ACTIONS = {"provision": provision, "update": update, "deprovision": deprovision, "unbind": unbind, "check": check,
           "observe": observe, "retire": retire, "restore": restore, "inspect": inspect, "list": list_all}


def run(root, url, action):
    # All is done below the directory as it was found: when a volume goes away meanwhile, nothing is made in its place.
    os.chdir(root)
    for place in ("lists", "instances", "retired"):
        os.stat(place)
    request = json.load(sys.stdin)
    check_store(action, request.get("store"))
    return bind(request, url) if action == "bind" else ACTIONS[action](request)


def main():
    root, url, action = sys.argv[1:]
    os.umask(0o027)
    if action not in ACTIONS and action != "bind":
        print(f"there is no action {action}", file=sys.stderr)
        return UNKNOWN
    try:
        answer = run(root, url, action)
    except Refused as refusal:
        print(refusal, file=sys.stderr)
        return 1
    except Foreign as refusal:
        print(refusal, file=sys.stderr)
        return LATER
    except OSError as error:
        print(f"the directory cannot be used: {error.strerror}", file=sys.stderr)
        return LATER
    print(json.dumps(answer or {}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
