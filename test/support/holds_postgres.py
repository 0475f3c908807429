"""What a tenant of a PostgreSQL instance can set: every setting that the server lets it give to its database and its roles,
with values that do harm, as the server's own catalog tells them."""

import psycopg2

# What a session may be set to, and pg_settings does not list.
UNLISTED = {"role": ["{database}", "{login}", "nonexistent"], "session_authorization": ["{database}"]}
ROUNDS = 3  # values of each setting, one in each round


def values(kind, least, most, enumerated):
    """Of a setting, ROUNDS at most: both ends of what it takes, and the least that is not "off"."""
    if kind == "bool":
        return ["on", "off"]
    if kind == "enum":
        return enumerated[::max(1, (len(enumerated) + ROUNDS - 1) // ROUNDS)]
    if kind in ("integer", "real"):
        return ["1", least, most]
    return ["nonexistent", "", "1"]


def all_settings(server):
    """(name, its values) of each that the server has."""
    rows = server.rows("SELECT name, vartype, min_val, max_val, enumvals FROM pg_settings ORDER BY name")
    return [*UNLISTED.items(), *((row[0], values(*row[1:])) for row in rows)]


def is_taken(cursor, login, statement):
    """Whether the server does it for that login; not where it has no right, or a database or a role no such setting."""
    while True:
        try:
            cursor.execute(f"""SET SESSION AUTHORIZATION "{login['PG_USER']}"; {statement}""")
            return True
        except psycopg2.Error as error:
            if error.pgcode != "XX000":  # the broker changed the same at the same time
                assert error.pgcode[:2] in ("42", "22", "55", "25", "0A"), f"{statement}: {error.pgcode} {error}"
                return False


class Tenant:
    """An instance's apps as the server sees them: whoever it acts as has no more rights than that app."""

    def __init__(self, server, writer, reader):
        self.server, self.writer, self.reader = server, writer, reader

    def statements(self, name, value):
        """What the apps can do with it: the writer as the owner of the database, and each login to its own role."""
        words = {"database": self.writer["PG_DATABASE"], "login": self.writer["PG_USER"]}
        value = value.format(**words).replace("'", "''")
        yield self.writer, f"""SET ROLE "{words['database']}"; ALTER DATABASE "{words['database']}" SET "{name}" TO '{value}'"""
        for login in (self.writer, self.reader):
            yield login, f"""ALTER ROLE CURRENT_USER SET "{name}" TO '{value}'"""
            yield login, f"""ALTER ROLE CURRENT_USER IN DATABASE "{words['database']}" SET "{name}" TO '{value}'"""

    def set(self, pairs):
        """Gives (name, value) of what the server took."""
        taken = []
        connection = psycopg2.connect(host="127.0.0.1", port=self.server.port, dbname="postgres", user="admin",
                                      password=self.server.password, connect_timeout=20)
        try:
            connection.autocommit = True
            cursor = connection.cursor()
            for pair in pairs:
                if any([is_taken(cursor, login, statement) for login, statement in self.statements(*pair)]):
                    taken.append(pair)
        finally:
            connection.close()
        return taken
