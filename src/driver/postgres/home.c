/* Advisory locks belong to a database: whoever can enter it can see and take them, and in PostgreSQL everybody may
 * enter the database of the broker's url, unless an operator shut it. So the broker works from a database of its own,
 * into which PUBLIC has no way.
 *
 * A session is opened there straight away once the database is known to be good. Until then, and whenever that fails
 * (somebody dropped it), the session first visits the database of the url: it looks, mends one thing, looks again,
 * until nothing is left to mend, and then moves in. Several sessions, and several services with roles of their own, may
 * be at it at the same time: who was overtaken looks again.
 *
 * The owner is whichever service's role came first. It lets the others in; before PostgreSQL 16 a role with CREATEROLE
 * can also let itself in, since it may act for the owner. */
#include "home.h"

#include <stdarg.h>
#include <stdlib.h>

#include "dialect.h"
#include "limits.h"
#include "session.h"
#include "sqlstate.h"

#define ROUNDS_MAX 12 /* looks of one visit */

enum {
	ROW_STANDBY,
	ROW_READ_ONLY,
	ROW_THERE,
	ROW_OWNER,         /* quoted, as all names here */
	ROW_OWNER_IS_OURS, /* a role that is or was a service's admin */
	ROW_OWNER_IS_SUPER,
	ROW_MAY_CHANGE, /* we act for the owner */
	ROW_OPEN,       /* it takes connections */
	ROW_LET_IN,     /* we may connect */
	ROW_STRANGERS,  /* others who may, and should not */
	ROW_ADMINS,     /* others who should, and may not */
	ROW_SELF,
};

struct room {
	const struct driver_context *context;
	const struct home *home;
	struct pg_session *session;
	bool at_home; /* the session is in the database itself, not in the url's */
	int rounds;   /* looks taken */
	struct sql sql;
	pool_done *on_opened, *on_cleaned;
	void *arg, *cleaned_arg;
};

static void enter_database(struct room *room, bool at_home);
static void look_at_home(struct room *room);

static void end_visit(struct room *room, int code, const struct error *error)
{
	room->on_opened(room->arg, code, error);
}

/* Whatever it is: once an operator has seen to it, all goes on. */
__attribute__((format(printf, 2, 3))) static void give_up(struct room *room, const char *format, ...)
{
	struct error error;
	va_list arguments;

	va_start(arguments, format);
	error_set_list(&error, ERR_UNAVAILABLE, format, arguments);
	va_end(arguments);
	end_visit(room, error.code, &error);
}

static void send_query(struct room *room, session_answered *on_answered)
{
	const char *text = sql_string(&room->sql);
	struct error error;

	if (text == NULL)
		give_up(room, "out of memory");
	else if (session_query(room->session, text, on_answered, room, &error) != 0)
		end_visit(room, error.code, &error);
}

static struct sql *begin_sql(struct room *room)
{
	sql_begin(&room->sql, session_connection(room->session));
	return &room->sql;
}

/* ---- making it ---- */

static void on_mended(void *arg, int code, const struct error *error, const struct rows *rows)
{
	struct room *room = arg;

	(void)rows;
	if (code == 0 || sqlstate_is_overtaken(session_sqlstate(room->session), error->text))
		look_at_home(room);
	else
		give_up(room, "its database \"" HOME_DATABASE "\" cannot be prepared: %s", error->text);
}

static void make_home(struct room *room)
{
	sql_add(begin_sql(room), "CREATE DATABASE " HOME_DATABASE " TEMPLATE template0 ALLOW_CONNECTIONS false");
	send_query(room, on_mended);
}

static bool has_text(const struct rows *rows, int column)
{
	return rows_text(rows, 0, column)[0] != '\0';
}

static bool may_act_for_owner(const struct room *room, const struct rows *rows)
{
	return rows_say(rows, ROW_MAY_CHANGE) ||
	       (session_version(room->session) < GRANTS_HAVE_OPTIONS && !rows_say(rows, ROW_OWNER_IS_SUPER));
}

static void say_what_is_needed(struct room *room, const struct rows *rows)
{
	const char *owner = rows_text(rows, 0, ROW_OWNER), *self = rows_text(rows, 0, ROW_SELF);

	if (has_text(rows, ROW_STRANGERS))
		give_up(room,
		        "its database \"" HOME_DATABASE
		        "\" is open to others; as %s: REVOKE ALL ON DATABASE " HOME_DATABASE " FROM %s",
		        owner, rows_text(rows, 0, ROW_STRANGERS));
	else if (!rows_say(rows, ROW_OPEN))
		give_up(room,
		        "its database \"" HOME_DATABASE "\" takes no connections; as %s: ALTER DATABASE " HOME_DATABASE
		        " ALLOW_CONNECTIONS true",
		        owner);
	else
		give_up(room,
		        "its database \"" HOME_DATABASE
		        "\" does not let %s in; as %s: GRANT CONNECT ON DATABASE " HOME_DATABASE " TO %s",
		        self, owner, self);
}

static void mend_home(struct room *room, const struct rows *rows)
{
	const char *owner = rows_text(rows, 0, ROW_OWNER);
	const bool joins = !rows_say(rows, ROW_MAY_CHANGE);
	struct sql *sql = begin_sql(room);

	if (!may_act_for_owner(room, rows)) {
		say_what_is_needed(room, rows);
		return;
	}
	if (joins)
		sql_add(sql, "GRANT %s TO CURRENT_USER;\n", owner);
	if (has_text(rows, ROW_STRANGERS))
		sql_add(sql, "REVOKE ALL ON DATABASE " HOME_DATABASE " FROM %s;\n", rows_text(rows, 0, ROW_STRANGERS));
	if (!rows_say(rows, ROW_OPEN))
		sql_add(sql, "ALTER DATABASE " HOME_DATABASE " ALLOW_CONNECTIONS true;\n");
	if (has_text(rows, ROW_ADMINS))
		sql_add(sql, "GRANT CONNECT ON DATABASE " HOME_DATABASE " TO %s;\n", rows_text(rows, 0, ROW_ADMINS));
	if (joins)
		sql_add(sql, "REVOKE %s FROM CURRENT_USER;\n", owner);
	send_query(room, on_mended);
}

/* ---- looking ---- */

/* Whoever set it has a reason: a disk that is nearly full, or another server that takes over. */
const char *home_obstacle(bool standby, bool read_only)
{
	if (standby)
		return "it is a read-only standby";
	if (read_only)
		return "it is read-only by default_transaction_read_only; to work all the same, the broker's role "
		       "needs: "
		       "ALTER ROLE ... SET default_transaction_read_only = off";
	return NULL;
}

static bool is_good(const struct rows *rows)
{
	return rows_say(rows, ROW_OPEN) && rows_say(rows, ROW_LET_IN) && !has_text(rows, ROW_STRANGERS) &&
	       !(rows_say(rows, ROW_MAY_CHANGE) && has_text(rows, ROW_ADMINS));
}

static void judge_home(struct room *room, const struct rows *rows)
{
	/* What the url's database alone is set to counts only where home has to be made from there. */
	const char *obstacle =
	    home_obstacle(rows_say(rows, ROW_STANDBY), room->at_home && rows_say(rows, ROW_READ_ONLY));

	if (obstacle != NULL) {
		give_up(room, "%s", obstacle);
	} else if (!rows_say(rows, ROW_THERE)) {
		make_home(room);
	} else if (!rows_say(rows, ROW_OWNER_IS_OURS)) {
		give_up(room,
		        "the database \"" HOME_DATABASE
		        "\" belongs to %s, which is no role of a broker's; rename it, or: ALTER "
		        "DATABASE " HOME_DATABASE " OWNER TO %s",
		        rows_text(rows, 0, ROW_OWNER), rows_text(rows, 0, ROW_SELF));
	} else if (!is_good(rows)) {
		mend_home(room, rows);
	} else {
		*room->home->is_ready = true;
		if (room->at_home)
			end_visit(room, 0, &(struct error){0});
		else
			enter_database(room, true);
	}
}

static void on_looked(void *arg, int code, const struct error *error, const struct rows *rows)
{
	struct room *room = arg;

	if (code != 0)
		end_visit(room, code, error);
	else
		judge_home(room, rows);
}

/* The functions give NULL, read as "", where the database is not there. */
static void look_at_home(struct room *room)
{
	struct sql *sql = begin_sql(room);

	if (room->rounds++ == ROUNDS_MAX) {
		give_up(room, "its database \"" HOME_DATABASE "\" is being changed by somebody else");
		return;
	}
	sql_add(
	    sql,
	    "SELECT " HOME_IS_READ_ONLY ", d.oid IS NOT NULL, quote_ident(o.rolname), (o.rolsuper OR o.rolcreaterole)"
	    ", o.rolsuper, pg_has_role(d.datdba, 'USAGE'), d.datallowconn, has_database_privilege(d.oid, 'CONNECT'),"
	    " (SELECT string_agg(DISTINCT coalesce(quote_ident(rolname), 'PUBLIC'), ', ')"
	    " FROM aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a LEFT JOIN pg_roles ON oid = a.grantee"
	    " WHERE a.grantee <> d.datdba AND NOT coalesce(" HOME_ADMINS ", false)),"
	    " " HOME_NOT_LET_IN ", quote_ident(current_user)\n"
	    "FROM (SELECT) one LEFT JOIN pg_database d ON d.datname = '" HOME_DATABASE
	    "' LEFT JOIN pg_roles o ON o.oid = d.datdba");
	send_query(room, on_looked);
}

static void on_entered(void *arg, int code, const struct error *error)
{
	struct room *room = arg;

	if (code == 0) {
		look_at_home(room);
		return;
	}
	*room->home->is_ready = false;
	if (room->at_home && room->rounds == 0)
		enter_database(room, false);
	else
		end_visit(room, code, error);
}

static void enter_database(struct room *room, bool at_home)
{
	room->at_home = at_home;
	session_close(room->session);
	room->session =
	    session_open(room->context, room->home->target, at_home ? HOME_DATABASE : NULL, NULL, on_entered, room);
	if (room->session == NULL)
		give_up(room, "out of memory");
}

/* ---- for a pool ---- */

static void *open_room(const struct driver_context *context, const void *target, pool_done *on_opened, void *arg)
{
	const struct home *home = target;
	struct room *room = calloc(1, sizeof(*room));

	if (room == NULL)
		return NULL;
	*room = (struct room){.context = context, .home = home, .on_opened = on_opened, .arg = arg};
	sql_init(&room->sql, &postgres_dialect);
	room->at_home = *home->is_ready;
	room->session =
	    session_open(context, home->target, room->at_home ? HOME_DATABASE : NULL, NULL, on_entered, room);
	if (room->session == NULL) {
		free(room);
		return NULL;
	}
	return room;
}

static void close_room(void *pooled)
{
	struct room *room = pooled;

	session_close(room->session);
	sql_release(&room->sql);
	free(room);
}

static bool is_room_usable(const void *pooled)
{
	return session_is_usable(home_session(pooled));
}

static void on_unlocked(void *arg, int code, const struct error *error, const struct rows *rows)
{
	struct room *room = arg;

	(void)rows;
	room->on_cleaned(room->cleaned_arg, code, error);
}

static int clean_room(void *pooled, pool_done *on_cleaned, void *cleaned_arg)
{
	struct room *room = pooled;

	room->on_cleaned = on_cleaned;
	room->cleaned_arg = cleaned_arg;
	sql_add(begin_sql(room), "%sSELECT pg_catalog.pg_advisory_unlock_all()", limits_reset(room->session));
	return session_query(room->session, sql_string(&room->sql), on_unlocked, room, NULL);
}

/* Something is heard from the server when it ends the session. */
static int watch_room(void *pooled, void (*on_died)(void *arg), void *died_arg)
{
	return session_watch(home_session(pooled), on_died, died_arg);
}

struct pg_session *home_session(const void *pooled)
{
	const struct room *room = pooled;

	return room != NULL ? room->session : NULL;
}

const struct pool_kind home_kind = {
    .open = open_room,
    .close = close_room,
    .is_usable = is_room_usable,
    .clean = clean_room,
    .watch = watch_room,
};
