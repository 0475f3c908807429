/* Each turn of the loop hands the socket to libpq and waits for what it asks next; the event is for one shot.
 *
 * A pooler (pgbouncer and others) may stand between. One that gives each session a connection of its own to the server
 * is as good as none. One that gives a connection for a transaction alone breaks what the broker rests on: settings and
 * locks of a session. Nothing says which of them it is, but a process of the server that two sessions have at one time,
 * or that changes, is proof. So each session asks for its process first, and behind a pooler each query asks whether it
 * is still the same. */
#include "session.h"

#include <assert.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "dial.h"
#include "driver/sql.h"
#include "roster.h"
#include "sqlstate.h"
#include "target.h"

#define CONNECTIONS_ARE_CHECKED 140000

/* Before every statement behind a pooler: it fails, and with it all that follows, when the server's process is another
 * than the session began with. There what the session has set does not hold, a lock is another's, and operators may be
 * a tenant's. */
#define GUARD                                                                                                          \
	"SELECT 1 OPERATOR(pg_catalog./) (pg_catalog.pg_backend_pid() OPERATOR(pg_catalog.=) %d)::pg_catalog.int4;\n"
#define GUARD_MAX    256 /* bytes */
#define GUARD_FAILED "22012"

enum pg_session_state {
	SESSION_DIALING,
	SESSION_IDLE,     /* a query may be sent */
	SESSION_QUERYING, /* a query's answer is awaited */
	SESSION_BROKEN,   /* no address worked, or the connection was lost */
	SESSION_LOST,     /* the connection was lost while an answer was due */
};

struct rows {
	const struct libpq *pq;
	PGresult *result; /* NULL: none */
};

struct pg_session {
	const struct driver_context *context;
	enum pg_session_state state;
	bool is_pooled; /* a pooler stands between: the process that the connection named is not the server's */
	const struct pg_target *target;
	const struct pg_settings *settings;
	struct dial dial;
	struct roster_entry entry;
	struct event event;
	struct pg_connection connection;

	pool_done *on_opened;
	void *opened_arg;
	session_answered *on_answered;
	void (*on_died)(void *arg);
	void *arg;

	struct rows rows;
	struct error error; /* the query's */
	char sqlstate[SQLSTATE_LENGTH + 1];
};

static void on_socket(evutil_socket_t fd, short what, void *arg);

static void explain_pooler(struct error *error)
{
	error_set(
	    error, ERR_UNAVAILABLE,
	    "its pooler lets several sessions share one of the server's (pool_mode transaction or statement): the "
	    "broker needs pool_mode = session for its user, or a url that leads to the server itself");
}

static int wait_for(struct pg_session *session, short what)
{
	if (event_assign(&session->event, session->context->base,
	                 session->connection.pq->socket(session->connection.handle), what, on_socket, session) != 0 ||
	    event_add(&session->event, NULL) != 0)
		return error_no_memory(&session->error);
	return 0;
}

/* ---- opening ---- */

static void end_opening(struct pg_session *session)
{
	const struct error error = session->error;

	session->on_opened(session->opened_arg, error.code, &error);
}

static void on_greeted(void *arg, int code, const struct error *error, const struct rows *rows);

/* What the session begins with is set here, too: a pooler leaves options out, or does not take any. The system may not
 * be able to tell that the other end has closed; only Linux is known to for all versions. */
static void greet(struct pg_session *session)
{
	struct text text;
	int rc;

	text_init(&text, SQL_MAX);
	text_add(&text, session->settings->statement);
	text_add(&text, ";\n");
	if (session_version(session) >= CONNECTIONS_ARE_CHECKED)
		text_add(&text, "SELECT pg_catalog.set_config('client_connection_check_interval', '1s', false)"
		                " WHERE pg_catalog.version() ~ 'linux';\n");
	text_add(&text, "SELECT pg_catalog.pg_backend_pid(), backend_start"
	                " FROM pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid())");
	rc = text.failed ? error_no_memory(&session->error)
	                 : session_query(session, text_string(&text), on_greeted, session, &session->error);
	text_release(&text);
	if (rc != 0)
		end_opening(session);
}

static void take_process(struct pg_session *session, const struct rows *rows)
{
	const int pid = (int)strtol(rows_text(rows, 0, 0), NULL, 10);

	session->is_pooled = pid != session->connection.pq->backendPID(session->connection.handle);
	if (!session->is_pooled && session->target->takes_no_options != NULL)
		*session->target->takes_no_options = false;
	if (!roster_know(&session->entry, pid, rows_text(rows, 0, 1)))
		explain_pooler(&session->error);
}

static void on_greeted(void *arg, int code, const struct error *error, const struct rows *rows)
{
	struct pg_session *session = arg;

	session->error = *error;
	if (code == 0 && (rows == NULL || rows_count(rows) != 1))
		error_set(&session->error, ERR_UNAVAILABLE, "it does not tell its own process");
	else if (code == 0)
		take_process(session, rows);
	end_opening(session);
}

/* As somebody else the door is all that is tried. */
static void on_dialed(void *arg, const struct error *error, PGconn *connection)
{
	struct pg_session *session = arg;

	session->connection.handle = connection;
	session->state = connection != NULL ? SESSION_IDLE : SESSION_BROKEN;
	session->error = *error;
	if (connection == NULL || target_login_is_other(session->dial.login))
		end_opening(session);
	else
		greet(session);
}

struct pg_session *session_open(const struct driver_context *context, const struct pg_target *target,
                                const char *database, const struct target_login *login, pool_done *on_opened, void *arg)
{
	struct pg_session *session = calloc(1, sizeof(*session));

	if (session == NULL)
		return NULL;
	session->context = context;
	session->connection.pq = session->rows.pq = &target->pq;
	session->target = target;
	session->settings = target_settings(target, login);
	session->on_opened = on_opened;
	session->opened_arg = arg;
	event_assign(&session->event, context->base, -1, 0, on_socket, session);
	if (dial_start(&session->dial, context, target, database != NULL ? database : target->database, login,
	               on_dialed, session) != 0) {
		free(session);
		return NULL;
	}
	roster_enter(target->roster, &session->entry);
	return session;
}

bool session_was_denied(const struct pg_session *session)
{
	return session->dial.denied;
}

void session_close(struct pg_session *session)
{
	if (session == NULL)
		return;
	dial_stop(&session->dial);
	event_del(&session->event);
	session->connection.pq->finish(session->connection.handle);
	roster_leave(&session->entry, session->state == SESSION_QUERYING || session->state == SESSION_LOST);
	session->rows.pq->clear(session->rows.result);
	free(session);
}

/* ---- queries ---- */

static void explain_connection(struct pg_session *session)
{
	sqlstate_explain_refusal(session->connection.pq->errorMessage(session->connection.handle), &session->error);
}

/* The callback may close the session. */
static void end_query(struct pg_session *session)
{
	const struct rows rows = session->rows;
	const struct error error = session->error;

	session->rows.result = NULL;
	session->state =
	    session->connection.pq->status(session->connection.handle) == CONNECTION_OK ? SESSION_IDLE : SESSION_BROKEN;
	session->on_answered(session->arg, error.code, &error, error.code == 0 && rows.result != NULL ? &rows : NULL);
	rows.pq->clear(rows.result);
}

static void break_query(struct pg_session *session)
{
	if (session->error.code == 0)
		explain_connection(session);
	session->state = SESSION_LOST;
	event_del(&session->event);
	session->on_answered(session->arg, session->error.code, &session->error, NULL);
}

static void note_failure(struct pg_session *session, const PGresult *result)
{
	const struct libpq *pq = session->connection.pq;
	const char *sqlstate = pq->resultErrorField(result, PG_DIAG_SQLSTATE);
	const char *message = pq->resultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	if (session->error.code != 0)
		return;
	if (sqlstate == NULL) {
		explain_connection(session);
		return;
	}
	strncpy(session->sqlstate, sqlstate, SQLSTATE_LENGTH);
	if (session->is_pooled && strcmp(sqlstate, GUARD_FAILED) == 0)
		explain_pooler(&session->error);
	else
		sqlstate_explain(sqlstate, message != NULL ? message : "", &session->error);
}

static void take_result(struct pg_session *session, PGresult *result)
{
	const struct libpq *pq = session->connection.pq;

	switch (pq->resultStatus(result)) {
	case PGRES_TUPLES_OK:
		pq->clear(session->rows.result);
		session->rows.result = result;
		return;
	case PGRES_COMMAND_OK:
	case PGRES_EMPTY_QUERY:
		break;
	default:
		note_failure(session, result);
	}
	pq->clear(result);
}

static void await_answer(struct pg_session *session)
{
	const int unsent = session->connection.pq->flush(session->connection.handle);

	if (unsent < 0 || wait_for(session, unsent > 0 ? EV_READ | EV_WRITE : EV_READ) != 0)
		break_query(session);
}

static void go_on_querying(struct pg_session *session, short what)
{
	if ((what & EV_READ) && !session->connection.pq->consumeInput(session->connection.handle)) {
		break_query(session);
		return;
	}
	while (!session->connection.pq->isBusy(session->connection.handle)) {
		PGresult *result = session->connection.pq->getResult(session->connection.handle);

		if (result == NULL) {
			end_query(session);
			return;
		}
		take_result(session, result);
	}
	await_answer(session);
}

bool session_sends_alone(const char *statements)
{
	static const char *const alone[] = {"CREATE DATABASE ", "DROP DATABASE ", "ROLLBACK PREPARED "};

	for (size_t i = 0; i < sizeof(alone) / sizeof(*alone); i++)
		if (strncmp(statements, alone[i], strlen(alone[i])) == 0)
			return true;
	return false;
}

static int send_statements(struct pg_session *session, const char *statements)
{
	const struct libpq *pq = session->connection.pq;
	struct text guarded;
	int sent = 0;

	if (!session->is_pooled || session_sends_alone(statements))
		return pq->sendQuery(session->connection.handle, statements);
	text_init(&guarded, SQL_MAX + GUARD_MAX);
	text_add_format(&guarded, GUARD, session->entry.pid);
	text_add(&guarded, statements);
	if (!guarded.failed)
		sent = pq->sendQuery(session->connection.handle, text_string(&guarded));
	text_wipe(&guarded);
	return sent;
}

int session_query(struct pg_session *session, const char *statements, session_answered *on_answered, void *arg,
                  struct error *error)
{
	int unsent = -1;

	assert(session->state == SESSION_IDLE);
	event_del(&session->event);
	error_clear(&session->error);
	session->sqlstate[0] = '\0';
	session->on_answered = on_answered;
	session->arg = arg;
	session->state = SESSION_QUERYING;
	if (send_statements(session, statements))
		unsent = session->connection.pq->flush(session->connection.handle);
	if (unsent < 0)
		explain_connection(session);
	else if (wait_for(session, unsent > 0 ? EV_READ | EV_WRITE : EV_READ) == 0)
		return 0;
	session->state = SESSION_LOST;
	return error_set(error, session->error.code, "%s", session->error.text);
}

static void on_socket(evutil_socket_t fd, short what, void *arg)
{
	struct pg_session *session = arg;

	(void)fd;
	if (session->state == SESSION_QUERYING)
		go_on_querying(session, what);
	else if (session->state == SESSION_IDLE)
		session->on_died(session->arg);
}

int session_watch(struct pg_session *session, void (*on_died)(void *arg), void *arg)
{
	assert(session->state == SESSION_IDLE);
	session->on_died = on_died;
	session->arg = arg;
	return wait_for(session, EV_READ);
}

/* ---- the rest ---- */

int rows_count(const struct rows *rows)
{
	return rows->pq->ntuples(rows->result);
}

const char *rows_text(const struct rows *rows, int row, int column)
{
	return rows->pq->getvalue(rows->result, row, column);
}

bool rows_say(const struct rows *rows, int column)
{
	return rows_text(rows, 0, column)[0] == 't';
}

const char *session_sqlstate(const struct pg_session *session)
{
	return session->sqlstate;
}

/* A server says nothing to a session that asks nothing, unless it ends it. */
static bool hears_something(const struct pg_session *session)
{
	struct pollfd socket = {.fd = session->connection.pq->socket(session->connection.handle), .events = POLLIN};

	return poll(&socket, 1, 0) != 0;
}

bool session_is_usable(const struct pg_session *session)
{
	return session->state == SESSION_IDLE &&
	       session->connection.pq->transactionStatus(session->connection.handle) == PQTRANS_IDLE &&
	       !hears_something(session);
}

struct pg_connection *session_connection(struct pg_session *session)
{
	return &session->connection;
}

int session_pid(const struct pg_session *session)
{
	return session->entry.pid;
}

bool session_is_pooled(const struct pg_session *session)
{
	return session->is_pooled;
}

int session_version(const struct pg_session *session)
{
	return session->connection.pq->serverVersion(session->connection.handle);
}

bool session_is_superuser(const struct pg_session *session)
{
	const char *superuser = session->connection.pq->parameterStatus(session->connection.handle, "is_superuser");

	return superuser != NULL && strcmp(superuser, "on") == 0;
}
