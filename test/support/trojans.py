"""Objects of a tenant's that have the names of everything the broker's statements use, and tell the server's log who runs them."""

import contextlib
import glob
import os
import re

import psycopg2

SOURCES = os.path.join(os.path.dirname(__file__), "..", "..", "src", "driver", "postgres", "*.c")
TYPES = ("name", "text", "oid", "bool", "int2", "int4", "int8", "char", "regclass", "aclitem", "_text", "_oid", "_aclitem", "xid")
TELL = "RAISE LOG 'TROJAN run by %', session_user"


def words():
    """Everything in the driver's source that may be a name in a statement."""
    found = set()
    for path in glob.glob(SOURCES):
        with open(path, encoding="utf-8") as file:
            found.update(re.findall(r"[a-z_0-9]+", file.read()))
    return sorted(found)


def functions(cursor, schema):
    cursor.execute("""SELECT DISTINCT p.proname, pg_get_function_identity_arguments(p.oid), pg_get_function_result(p.oid)
        FROM pg_proc p WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind = 'f' AND p.proname = ANY (%s)""", (words(),))
    for name, arguments, result in cursor.fetchall():
        yield (f'CREATE FUNCTION {schema}."{name}"({arguments}) RETURNS {result} LANGUAGE plpgsql AS '
               f"$$ #variable_conflict use_column\nBEGIN {TELL}; RETURN {'' if 'SETOF' in result or 'TABLE' in result else 'NULL'}; END $$")


def operators(cursor, schema):
    cursor.execute("""SELECT oprname, l.typname, r.typname, t.typname FROM pg_operator o JOIN pg_type l ON l.oid = oprleft
        JOIN pg_type r ON r.oid = oprright JOIN pg_type t ON t.oid = oprresult WHERE oprnamespace = 'pg_catalog'::regnamespace
        AND l.typname = ANY (%s) AND r.typname = ANY (%s)""", (list(TYPES), list(TYPES)))
    for number, (name, left, right, result) in enumerate(cursor.fetchall()):
        left, right, result = (f'pg_catalog."{one}"' for one in (left, right, result))
        yield (f"CREATE FUNCTION {schema}.trojan_{number}({left}, {right}) RETURNS {result} LANGUAGE plpgsql AS "
               f"$$ BEGIN {TELL}; RETURN NULL; END $$; CREATE OPERATOR {schema}.{name} (LEFTARG = {left}, RIGHTARG = {right},"
               f" FUNCTION = {schema}.trojan_{number})")


def types(cursor, schema):
    yield (f"CREATE FUNCTION {schema}.trojan_value(pg_catalog.anyelement) RETURNS pg_catalog.bool LANGUAGE plpgsql AS "
           f"$$ BEGIN {TELL}; RETURN true; END $$")
    for name in TYPES:
        yield f'CREATE DOMAIN {schema}."{name}" AS pg_catalog."{name}" CHECK ({schema}.trojan_value(VALUE))'
    yield f"CREATE TYPE {schema}.bait AS (a pg_catalog.text)"
    for name in ("text", "name", "oid", "bool", "int8"):
        yield (f'CREATE FUNCTION {schema}.cast_{name}(pg_catalog."{name}") RETURNS {schema}.bait LANGUAGE plpgsql AS '
               f"$$ BEGIN {TELL}; RETURN NULL; END $$; CREATE CAST (pg_catalog.\"{name}\" AS {schema}.bait) WITH FUNCTION"
               f' {schema}.cast_{name}(pg_catalog."{name}") AS IMPLICIT')
    cursor.execute("SELECT relname FROM pg_class WHERE relnamespace = 'pg_catalog'::regnamespace AND relname = ANY (%s)"
                   " AND relkind IN ('r', 'v')", (words(),))
    for (name,) in cursor.fetchall():
        yield f'CREATE VIEW {schema}."{name}" AS SELECT * FROM pg_catalog."{name}" WHERE {schema}.trojan_value(1)'


def plant(connection, owner):
    """In public, in the schema of the owner's name ("$user"), and on the way to both. Gives how many were planted."""
    planted = 0
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute(f'CREATE SCHEMA IF NOT EXISTS "{owner}"; SET check_function_bodies = off; SET search_path = pg_catalog')
    for schema in ("public", f'"{owner}"'):
        for make in (types, functions, operators):
            for statement in list(make(cursor, schema)):
                with contextlib.suppress(psycopg2.Error):  # of a kind that no function of ours can stand in for
                    cursor.execute(statement)
                    planted += 1
    for setting in ('search_path = "$user", public, pg_temp, pg_catalog', "standard_conforming_strings = off", "row_security = off",
                    "default_transaction_read_only = on", "quote_all_identifiers = on", "backslash_quote = on",
                    "transform_null_equals = on", "statement_timeout = 1"):
        cursor.execute(f'ALTER DATABASE "{connection.info.dbname}" SET {setting}')
    return planted
