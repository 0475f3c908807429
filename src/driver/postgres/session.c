/* A login is gone through beside the loop (login.h). After it, each turn of the loop hands the socket to libpq and
 * waits for what it asks next; the event is for one shot. */
#include "session.h"

#include <assert.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "driver/resolver.h"
#include "login.h"
#include "roster.h"
#include "sqlstate.h"
#include "target.h"

#define ADDRESS_MAX 64

enum pg_session_state {
	SESSION_STARTING,   /* nothing was tried; the timer begins it */
	SESSION_RESOLVING,  /* a place's name is looked up */
	SESSION_CONNECTING, /* a login to one address is under way */
	SESSION_IDLE,       /* a query may be sent */
	SESSION_QUERYING,   /* a query's answer is awaited */
	SESSION_BROKEN,     /* no address worked, or the connection was lost */
	SESSION_LOST,       /* the connection was lost while an answer was due */
};

struct rows {
	const struct libpq *pq;
	PGresult *result; /* NULL: none */
};

struct pg_session {
	const struct driver_context *context;
	const struct pg_target *target;
	const struct target_login *login; /* NULL: the url's user */
	char *database;
	enum pg_session_state state;
	bool is_fresh; /* nothing was asked yet */
	struct roster_entry entry;
	struct event event;
	struct timer timer; /* the start, then the limit of one address */
	struct pg_connection connection;

	struct login *logging_in; /* NULL: none */

	size_t place; /* of target->places, the one being tried */
	struct resolution *resolution;
	char addresses[RESOLVER_ADDRESSES][ADDRESS_MAX]; /* of the place; "" for a unix socket */
	size_t address, address_count;

	pool_done *on_opened;
	session_answered *on_answered;
	void (*on_died)(void *arg);
	void *arg;

	struct rows rows;
	struct error error; /* the last address's or the query's */
	char sqlstate[SQLSTATE_LENGTH + 1];
	bool denied; /* an address said that the login's password is wrong */
};

static void try_address(struct pg_session *session);
static void on_socket(evutil_socket_t fd, short what, void *arg);

static int wait_for(struct pg_session *session, short what)
{
	if (event_assign(&session->event, session->context->base,
	                 session->connection.pq->socket(session->connection.handle), what, on_socket, session) != 0 ||
	    event_add(&session->event, NULL) != 0)
		return error_no_memory(&session->error);
	return 0;
}

static void drop_connection(struct pg_session *session)
{
	event_del(&session->event);
	session->connection.pq->finish(session->connection.handle);
	session->connection.handle = NULL;
}

/* The first line of libpq's message, without where it was going. */
static void explain_connection(struct pg_session *session)
{
	const char *message = session->connection.pq->errorMessage(session->connection.handle);
	const size_t length = strcspn(message, "\n");
	const char *failed = memmem(message, length, " failed: ", 9);
	const char *reason = failed != NULL ? failed + 9 : message;

	session->denied |= sqlstate_is_wrong_password(message);
	sqlstate_explain_refusal(reason, (size_t)(message + length - reason), &session->error);
}

/* ---- opening ---- */

static void end_opening(struct pg_session *session, int code)
{
	timer_stop(session->context->timers, &session->timer);
	session->state = code == 0 ? SESSION_IDLE : SESSION_BROKEN;
	if (code == 0)
		roster_know(&session->entry, session->connection.pq->backendPID(session->connection.handle));
	session->on_opened(session->arg, code, &session->error);
}

static void on_addresses(void *arg, int code, const struct error *error, const char *const *addresses, size_t count);

static void try_place(struct pg_session *session)
{
	const struct pg_place *place = &session->target->places[session->place];
	static const char *const no_address[] = {""};

	if (session->place == session->target->place_count) {
		end_opening(session, session->error.code);
		return;
	}
	if (place->host[0] == '/') {
		on_addresses(session, 0, NULL, no_address, 1);
		return;
	}
	timer_stop(session->context->timers, &session->timer); /* the limit of the address before it */
	session->state = SESSION_RESOLVING;
	session->resolution = resolver_start(session->context->resolver, place->host, on_addresses, session);
	if (session->resolution == NULL)
		end_opening(session, error_no_memory(&session->error));
}

static void on_addresses(void *arg, int code, const struct error *error, const char *const *addresses, size_t count)
{
	struct pg_session *session = arg;

	session->resolution = NULL;
	session->address = session->address_count = 0;
	if (code != 0)
		session->error = *error;
	for (size_t i = 0; code == 0 && i < count && i < RESOLVER_ADDRESSES; i++)
		if (strlen(addresses[i]) < ADDRESS_MAX)
			strcpy(session->addresses[session->address_count++], addresses[i]);
	try_address(session);
}

static void try_next_address(struct pg_session *session)
{
	drop_connection(session);
	session->address++;
	try_address(session);
}

static void take_connection(struct pg_session *session, PGconn *connection)
{
	const struct libpq *pq = session->connection.pq;

	session->connection.handle = connection;
	if (connection == NULL) {
		end_opening(session, error_no_memory(&session->error));
	} else if (pq->status(connection) == CONNECTION_OK) {
		pq->setnonblocking(connection, 1);
		end_opening(session, 0);
	} else {
		explain_connection(session);
		try_next_address(session);
	}
}

static struct login_server *server_of(const struct pg_session *session)
{
	return target_login_is_other(session->login) ? session->target->app_logins : session->target->logins;
}

static void on_login(void *arg, enum login_end end, void *work)
{
	struct pg_session *session = arg;

	session->logging_in = NULL;
	switch (end) {
	case LOGIN_OVER:
		take_connection(session, entry_take(work));
		return;
	case LOGIN_AGAIN:
		try_address(session);
		return;
	case LOGIN_RESTS:
		login_server_explain(server_of(session), &session->error);
		try_next_address(session);
	}
}

static int start_login(struct pg_session *session)
{
	struct pg_entry *entry = entry_new(session->target, &session->target->places[session->place],
	                                   session->addresses[session->address], session->database, session->login);

	if (entry != NULL)
		session->logging_in = login_start(server_of(session), &postgres_login_kind, entry, on_login, session);
	if (session->logging_in != NULL)
		return 0;
	if (entry != NULL)
		postgres_login_kind.free(entry);
	return error_no_memory(&session->error);
}

static void try_address(struct pg_session *session)
{
	if (session->address == session->address_count) {
		session->place++;
		try_place(session);
		return;
	}
	session->state = SESSION_CONNECTING;
	if (timer_start(session->context->timers, &session->timer, session->target->connect_timeout) != 0)
		end_opening(session, error_no_memory(&session->error));
	else if (start_login(session) != 0)
		end_opening(session, session->error.code);
}

/* The start, or an address's limit. */
static void on_timer(void *arg)
{
	struct pg_session *session = arg;

	if (session->state == SESSION_STARTING) {
		try_place(session);
		return;
	}
	login_cancel(session->logging_in);
	session->logging_in = NULL;
	error_set(&session->error, ERR_UNAVAILABLE, "no connection within %lld ms",
	          (long long)session->target->connect_timeout);
	try_next_address(session);
}

struct pg_session *session_open_as(const struct driver_context *context, const struct pg_target *target,
                                   const char *database, const struct target_login *login, pool_done *on_opened,
                                   void *arg)
{
	struct pg_session *session = calloc(1, sizeof(*session));

	if (session == NULL)
		return NULL;
	session->context = context;
	session->target = target;
	session->login = login;
	session->connection.pq = session->rows.pq = &target->pq;
	session->state = SESSION_STARTING;
	session->is_fresh = true;
	session->on_opened = on_opened;
	session->arg = arg;
	session->database = strdup(database != NULL ? database : target->database);
	timer_init(&session->timer, on_timer, session);
	event_assign(&session->event, context->base, -1, 0, on_socket, session);
	if (session->database == NULL || timer_start(context->timers, &session->timer, 0) != 0) {
		free(session->database);
		free(session);
		return NULL;
	}
	roster_enter(target->roster, &session->entry);
	return session;
}

struct pg_session *session_open(const struct driver_context *context, const struct pg_target *target,
                                const char *database, pool_done *on_opened, void *arg)
{
	return session_open_as(context, target, database, NULL, on_opened, arg);
}

bool session_was_denied(const struct pg_session *session)
{
	return session->denied;
}

void session_close(struct pg_session *session)
{
	if (session == NULL)
		return;
	timer_stop(session->context->timers, &session->timer);
	resolver_cancel(session->resolution);
	login_cancel(session->logging_in);
	drop_connection(session);
	roster_leave(&session->entry, session->state == SESSION_QUERYING || session->state == SESSION_LOST);
	session->rows.pq->clear(session->rows.result);
	free(session->database);
	free(session);
}

/* ---- queries ---- */

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
	session->is_fresh = false;
	if (session->connection.pq->sendQuery(session->connection.handle, statements))
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

bool session_is_fresh(const struct pg_session *session)
{
	return session->is_fresh;
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
