#!/usr/bin/python3
"""A backend for the driver "exec" in Python: spaces and accounts in the SQLite database of a service that exists already.

The service (say, one that keeps settings for apps) asks the tables `spaces` and `accounts` who may log in, and keeps what
the apps store in `entries`. This program makes and removes their rows.

Usage: backend.py DATABASE ACTION, the request on standard input. `backend.py DATABASE init` makes the tables, once.
Every action may come again after a crash, with the same request, and must then reach the same state. Each is one
transaction: there is no half of it.
"""

import contextlib
import hashlib
import json
import os
import sqlite3
import sys

UNKNOWN = 64  # exit statuses that the driver knows; any other is final
LATER = 75

TABLES = """
CREATE TABLE IF NOT EXISTS spaces (
  name TEXT PRIMARY KEY,
  plan TEXT NOT NULL,
  quota INTEGER NOT NULL, -- entries
  retired INTEGER NOT NULL DEFAULT 0 -- nobody may log in
);
CREATE TABLE IF NOT EXISTS accounts (
  login TEXT PRIMARY KEY,
  space TEXT NOT NULL REFERENCES spaces ON DELETE CASCADE,
  salt BLOB NOT NULL,
  hash BLOB NOT NULL,
  read_only INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS entries (
  space TEXT NOT NULL REFERENCES spaces ON DELETE CASCADE,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (space, key)
);
"""

STORE = "CREATE TABLE IF NOT EXISTS store (id TEXT NOT NULL) -- of the broker's store that all of this belongs to; one row"


class Refused(Exception):
    """A sentence for the user; the action is not tried again."""


class Foreign(Exception):
    """A sentence for the operators; the action waits until they have settled it."""


def check_store(database, action, store):
    """Another broker must not work on what belongs to this one: the first request that changes something says whose store
    this belongs to, and an operator who hands it over empties the table. (A copy of the store has its id.)"""
    if store is None:
        return
    if action not in ("check", "observe", "inspect", "list"):
        database.execute(STORE)
        database.execute("INSERT INTO store SELECT ? WHERE NOT EXISTS (SELECT 1 FROM store)", (store,))
    elif not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'store'").fetchone():
        return
    owner = database.execute("SELECT id FROM store").fetchone()
    if owner is not None and owner[0] != store:
        raise Foreign(f"the database belongs to the store {owner[0]} of a broker, and this is {store}; "
                      "DELETE FROM store to hand it over")


def hash_password(password, salt):
    return hashlib.scrypt(password.encode(), salt=salt, n=2**14, r=8, p=1)


def quota(request):
    text = request["plan"]["options"].get("quota", "1000")
    if not text.isdigit():
        raise Refused(f"the plan's quota \"{text}\" is no number")
    return int(text)


def check_parameters(parameters, allowed):
    unknown = sorted(set(parameters) - {"deletion_protection", "env_prefix", *allowed})
    if unknown:
        raise Refused("there are no such parameters: " + ", ".join(unknown))


def flag(parameters, name):
    """tsuru's form makes a text of true and an empty one of false."""
    value = parameters.get(name)
    text = "" if value is None else str(value).lower()
    if text not in ("true", "yes", "1", "false", "no", "0", ""):
        raise Refused(f"the parameter \"{name}\" is \"{text}\", neither true nor false")
    return text in ("true", "yes", "1")


def require_space(database, request):
    name = request["instance"]["resource"]
    row = database.execute("SELECT plan, quota FROM spaces WHERE name = ? AND NOT retired", (name,)).fetchone()
    if row is None:
        raise Refused("the space is lost")
    return name, row


def provision(database, request):
    check_parameters(request["instance"]["parameters"], ("read_only",))
    flag(request["instance"]["parameters"], "read_only")  # the broker gives it with each bind
    database.execute("INSERT INTO spaces (name, plan, quota) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE "
                     "SET plan = excluded.plan, quota = excluded.quota",
                     (request["instance"]["resource"], request["plan"]["name"], quota(request)))


def update(database, request):
    require_space(database, request)
    provision(database, request)


def deprovision(database, request):
    database.execute("DELETE FROM spaces WHERE name = ?", (request["instance"]["resource"],))


def bind(database, request):
    space, _ = require_space(database, request)
    asked = request["bind"]
    check_parameters(asked["parameters"], ("read_only",))
    read_only = flag(asked["parameters"], "read_only")
    salt = os.urandom(16)
    database.execute("INSERT OR REPLACE INTO accounts (login, space, salt, hash, read_only) VALUES (?, ?, ?, ?, ?)",
                     (asked["login"], space, salt, hash_password(asked["password"], salt), read_only))
    return {"variables": {"SETTINGS_SPACE": space, "SETTINGS_USER": asked["login"],
                          "SETTINGS_PASSWORD": asked["password"]}}


def unbind(database, request):
    database.execute("DELETE FROM accounts WHERE login = ?", (request["bind"]["login"],))


def check(database, _):
    database.execute("SELECT 1 FROM spaces LIMIT 1")


def observe(database, request):
    space, (_, most) = require_space(database, request)
    count, = database.execute("SELECT count(*) FROM entries WHERE space = ?", (space,)).fetchone()
    return {"items": [{"label": "Entries", "value": f"{count} of {most}"}]}


def retire(database, request):
    database.execute("UPDATE spaces SET retired = 1 WHERE name = ?", (request["instance"]["resource"],))


def restore(database, request):
    changed = database.execute("UPDATE spaces SET retired = 0 WHERE name = ?", (request["instance"]["resource"],))
    if changed.rowcount == 0:
        raise Refused("the space is lost")


def inspect(database, request):
    try:
        space, found = require_space(database, request)
    except Refused as lost:
        return {"drift": [{"kind": "lost", "text": str(lost)}]}
    drift = []
    if found != (request["plan"]["name"], quota(request)):
        drift.append({"kind": "instance", "text": f"the space has the plan {found[0]} with a quota of {found[1]}"})
    logins = {row[0] for row in database.execute("SELECT login FROM accounts WHERE space = ?", (space,))}
    drift += [{"kind": "bind", "text": bound["login"]} for bound in request["binds"] if bound["login"] not in logins]
    return {"drift": drift}


def list_all(database, _):
    return {"instances": [row[0] for row in database.execute("SELECT name FROM spaces ORDER BY name")],
            "logins": [row[0] for row in database.execute("SELECT login FROM accounts ORDER BY login")]}


# An action of its own, which the plans in exec.yaml declare.
def clear(database, request):
    space, _ = require_space(database, request)
    check_parameters(request["parameters"], ("prefix",))
    prefix = str(request["parameters"].get("prefix", ""))
    database.execute("DELETE FROM entries WHERE space = ? AND substr(key, 1, ?) = ?", (space, len(prefix), prefix))


# `adopt` is one that this backend does without.
ACTIONS = {"provision": provision, "update": update, "deprovision": deprovision, "bind": bind, "unbind": unbind,
           "check": check, "observe": observe, "retire": retire, "restore": restore, "inspect": inspect, "list": list_all,
           "clear": clear}


def run(path, action):
    mode = "rwc" if action == "init" else "rw"
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode={mode}", uri=True, timeout=10)) as database:
        database.execute("PRAGMA foreign_keys = ON")
        if action == "init":
            database.executescript(TABLES)
            return None
        with database:
            request = json.load(sys.stdin)
            check_store(database, action, request.get("store"))
            return ACTIONS[action](database, request)


def main():
    path, action = sys.argv[1:]
    if action != "init" and action not in ACTIONS:
        print(f"there is no action {action}", file=sys.stderr)
        return UNKNOWN
    try:
        answer = run(path, action)
    except Refused as refusal:
        print(refusal, file=sys.stderr)
        return 1
    except Foreign as refusal:
        print(refusal, file=sys.stderr)
        return LATER
    except sqlite3.OperationalError as error:
        print(f"the database cannot be used: {error}", file=sys.stderr)
        return LATER
    print(json.dumps(answer or {}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
