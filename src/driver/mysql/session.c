/* A login is gone through beside the loop (login.h). After it, Connector/C's plain calls run in a fiber here, and
 * wherever they would wait, the library asks on_wait, which leaves to the loop until the socket is ready. */
#include "session.h"

#include <assert.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "driver/resolver.h"
#include "driver/sql.h"
#include "errors.h"
#include "fiber.h"
#include "login.h"
#include "target.h"

#define ADDRESS_MAX 64
#define SILENCE_MAX 10   /* s between the statements of a call */
#define CLEANING    4000 /* ms for the server to give the locks back */

/* Nothing that the server's configuration says may change how the broker's statements act. No lock that a tenant may
 * hold is waited for longer than a second. A session that the network has cut off ends by wait_timeout, in seconds, and
 * with it its lock on the instance. */
#define SETTINGS                                                                                                       \
	"SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION%s', autocommit = 1, foreign_key_checks = 1," \
	" lock_wait_timeout = 1, innodb_lock_wait_timeout = 1, wait_timeout = %lld"

/* A MariaDB's GRANT to an account that went meanwhile would make one without a password; MySQL has no such mode. */
#define NO_ACCOUNT_BY_GRANT ",NO_AUTO_CREATE_USER"

enum mysql_session_state {
	SESSION_RESOLVING,  /* the host's name is looked up */
	SESSION_CONNECTING, /* one address is tried: the login, then the settings */
	SESSION_IDLE,       /* statements may be sent */
	SESSION_QUERYING,   /* their answer is awaited */
	SESSION_BROKEN,     /* no address worked, or the connection was lost */
};

struct mysql_session {
	const struct driver_context *context;
	const struct mysql_target *target;
	enum mysql_session_state state;
	struct resolution *resolution;
	char addresses[RESOLVER_ADDRESSES][ADDRESS_MAX];
	size_t address, address_count;
	struct timer timer; /* the limit of one address */
	struct event event; /* the socket's, or the turn that begins */

	struct login *logging_in; /* NULL: none */

	struct fiber *fiber; /* NULL: none */
	MYSQL *mysql;        /* the fiber's; NULL: not connected */
	int socket;          /* that the fiber waits for; -1: none yet */
	short wanted;        /* what it waits for; 0: it does not wait */
	bool cancelled;      /* it may not wait any more: every wait fails */
	bool literal_grants;
	char badge[BADGE_SIZE];

	struct text statements;
	MYSQL_RES *rows;
	unsigned int number; /* of the failure, the server's */
	struct error error;  /* the last address's, or the batch's */

	pool_done *on_opened, *on_cleaned;
	session_answered *on_answered;
	void (*on_died)(void *arg);
	void *arg, *cleaned_arg;
};

static void try_address(struct mysql_session *session);
static void on_event(evutil_socket_t fd, short what, void *arg);

/* ---- in the fiber ---- */

/* Called by the library where it would wait. */
static int on_wait(my_socket fd, my_bool is_read, int timeout)
{
	struct mysql_session *session = fiber_running();

	(void)timeout;
	if (session->cancelled)
		return -1;
	session->socket = fd;
	session->wanted = is_read ? EV_READ : EV_WRITE;
	fiber_leave(session->fiber);
	session->wanted = 0;
	return session->cancelled ? -1 : 1;
}

static void note_failure(struct mysql_session *session)
{
	const unsigned int number = mysql_errno(session->mysql);

	session->number = maria_error_is_local(number) ? 0 : number;
	maria_error_explain(number, mysql_error(session->mysql), &session->error);
}

static int run_statements(struct mysql_session *session)
{
	const char *text = text_string(&session->statements);
	int rc = mysql_real_query(session->mysql, text, strlen(text));

	while (rc == 0) {
		MYSQL_RES *rows = mysql_store_result(session->mysql);

		if (rows != NULL) {
			mysql_free_result(session->rows);
			session->rows = rows;
		} else if (mysql_errno(session->mysql) != 0) {
			break; /* a lost connection has no field count any more, and the next result would be none */
		}
		rc = mysql_next_result(session->mysql);
	}
	/* -1 stands for the last result's end, and for a description of columns that was cut off. */
	if (rc > 0 || mysql_errno(session->mysql) != 0)
		note_failure(session);
	return session->error.code;
}

/* A MySQL without the variable has no such grants either. */
static void ask_for_literal_grants(struct mysql_session *session)
{
	MYSQL_ROW row;

	text_reset(&session->statements);
	text_add(&session->statements, "SELECT @@GLOBAL.partial_revokes");
	if (run_statements(session) == 0 && session->rows != NULL && (row = mysql_fetch_row(session->rows)) != NULL)
		session->literal_grants = row[0] != NULL && strcmp(row[0], "1") == 0;
	error_clear(&session->error);
}

static bool prepare_session(struct mysql_session *session)
{
	const int fd = mysql_get_socket(session->mysql);

	if (mysql_optionsv(session->mysql, MARIADB_OPT_IO_WAIT, (const void *)on_wait) != 0 ||
	    fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK) != 0)
		return false;
	text_reset(&session->statements);
	text_add_format(&session->statements, SETTINGS, mariadb_connection(session->mysql) ? NO_ACCOUNT_BY_GRANT : "",
	                (long long)session->target->idle / 1000 + SILENCE_MAX);
	if (run_statements(session) != 0)
		return false;
	if (!mariadb_connection(session->mysql))
		ask_for_literal_grants(session);
	mysql_free_result(session->rows);
	session->rows = NULL;
	return true;
}

/* A connection's life, from its login on. Between batches the fiber rests with nothing wanted. */
static void live(void *arg)
{
	struct mysql_session *session = arg;

	if (prepare_session(session)) {
		fiber_leave(session->fiber);
		while (!session->cancelled) {
			run_statements(session);
			fiber_leave(session->fiber);
		}
	}
	session->cancelled = true;
	mysql_close(session->mysql);
	session->mysql = NULL;
}

/* ---- the fiber, from the loop ---- */

static int wait_for(struct mysql_session *session, int fd, short what)
{
	event_del(&session->event);
	if (event_assign(&session->event, session->context->base, fd, what, on_event, session) != 0 ||
	    event_add(&session->event, NULL) != 0)
		return error_no_memory(&session->error);
	return 0;
}

/* Makes the fiber end, wherever it is. */
static void end_fiber(struct mysql_session *session)
{
	if (session->fiber == NULL)
		return;
	event_del(&session->event);
	if (!session->cancelled) {
		session->cancelled = true;
		if (session->wanted != 0)
			(void)shutdown(session->socket, SHUT_RDWR);
		fiber_resume(session->fiber);
	}
	fiber_free(session->fiber);
	session->fiber = NULL;
}

/* The callback may close the session. */
static void end_opening(struct mysql_session *session, int code)
{
	const struct error error = session->error;

	timer_stop(session->context->timers, &session->timer);
	session->state = code == 0 ? SESSION_IDLE : SESSION_BROKEN;
	session->on_opened(session->arg, code, &error);
}

static bool is_lost(const struct mysql_session *session)
{
	return session->error.code != 0 && session->number == 0;
}

static void end_query(struct mysql_session *session)
{
	MYSQL_RES *rows = session->rows;
	const struct error error = session->error;

	session->rows = NULL;
	session->state = is_lost(session) ? SESSION_BROKEN : SESSION_IDLE;
	session->on_answered(session->arg, error.code, &error, error.code == 0 ? rows : NULL);
	mysql_free_result(rows);
}

static void try_next_address(struct mysql_session *session)
{
	end_fiber(session);
	session->address++;
	try_address(session);
}

static void go_on(struct mysql_session *session)
{
	if (fiber_resume(session->fiber)) {
		try_next_address(session);
	} else if (session->wanted != 0) {
		if (wait_for(session, session->socket, session->wanted) == 0)
			return;
		if (session->state == SESSION_CONNECTING)
			end_opening(session, session->error.code);
		else
			end_query(session);
	} else if (session->state == SESSION_CONNECTING) {
		end_opening(session, 0);
	} else {
		end_query(session);
	}
}

static void on_event(evutil_socket_t fd, short what, void *arg)
{
	struct mysql_session *session = arg;

	(void)fd;
	(void)what;
	if (session->state == SESSION_IDLE)
		session->on_died(session->arg);
	else
		go_on(session);
}

/* ---- opening ---- */

static void on_timer(void *arg)
{
	struct mysql_session *session = arg;
	const long long limit = (long long)session->target->connect_timeout;

	login_cancel(session->logging_in);
	session->logging_in = NULL;
	end_fiber(session);
	error_set(&session->error, ERR_UNAVAILABLE, "no connection within %lld ms", limit);
	try_next_address(session);
}

static void start_fiber(struct mysql_session *session)
{
	session->fiber = fiber_new(live, session);
	if (session->fiber != NULL) {
		go_on(session);
		return;
	}
	mysql_close(session->mysql);
	session->mysql = NULL;
	end_opening(session, error_no_memory(&session->error));
}

static void on_login(void *arg, enum login_end end, void *work)
{
	struct mysql_session *session = arg;

	session->logging_in = NULL;
	if (end == LOGIN_AGAIN) {
		try_address(session);
	} else if (end == LOGIN_RESTS) {
		login_server_explain(session->target->logins, &session->error);
		try_next_address(session);
	} else if (maria_entry_take(work, &session->mysql, &session->error) == 0) {
		start_fiber(session);
	} else {
		try_next_address(session);
	}
}

static int start_login(struct mysql_session *session)
{
	struct mysql_entry *entry = maria_entry_new(session->target, session->addresses[session->address]);

	if (entry != NULL)
		session->logging_in = login_start(session->target->logins, &maria_login_kind, entry, on_login, session);
	if (session->logging_in != NULL)
		return 0;
	if (entry != NULL)
		maria_login_kind.free(entry);
	return error_no_memory(&session->error);
}

static void try_address(struct mysql_session *session)
{
	if (session->address == session->address_count) {
		end_opening(session, session->error.code);
		return;
	}
	session->state = SESSION_CONNECTING;
	session->cancelled = false;
	session->number = 0;
	error_clear(&session->error);
	if (timer_start(session->context->timers, &session->timer, session->target->connect_timeout) != 0)
		end_opening(session, error_no_memory(&session->error));
	else if (start_login(session) != 0)
		end_opening(session, session->error.code);
}

static void on_addresses(void *arg, int code, const struct error *error, const char *const *addresses, size_t count)
{
	struct mysql_session *session = arg;

	session->resolution = NULL;
	if (code != 0)
		session->error = *error;
	else
		error_set(&session->error, ERR_UNAVAILABLE, "the host \"%s\" has no address",
		          session->target->place.host);
	for (size_t i = 0; code == 0 && i < count && i < RESOLVER_ADDRESSES; i++)
		if (strlen(addresses[i]) < ADDRESS_MAX)
			strcpy(session->addresses[session->address_count++], addresses[i]);
	try_address(session);
}

static void session_close(void *arg)
{
	struct mysql_session *session = arg;

	timer_stop(session->context->timers, &session->timer);
	resolver_cancel(session->resolution);
	login_cancel(session->logging_in);
	end_fiber(session);
	event_del(&session->event);
	mysql_free_result(session->rows);
	text_wipe(&session->statements);
	free(session);
}

static void *session_open(const struct driver_context *context, const void *target, pool_done *on_opened, void *arg)
{
	struct mysql_session *session = calloc(1, sizeof(*session));

	if (session == NULL)
		return NULL;
	session->context = context;
	session->target = target;
	session->state = SESSION_RESOLVING;
	session->socket = -1;
	session->on_opened = on_opened;
	session->arg = arg;
	text_init(&session->statements, SQL_MAX);
	timer_init(&session->timer, on_timer, session);
	event_assign(&session->event, context->base, -1, 0, on_event, session);
	session->resolution = resolver_start(context->resolver, session->target->place.host, on_addresses, session);
	if (session->resolution == NULL) {
		session_close(session);
		return NULL;
	}
	return session;
}

/* ---- use ---- */

/* Every batch anew: what is left of the attempt shrinks. */
static void add_limit(struct mysql_session *session, int64_t limit)
{
	if (mariadb_connection(session->mysql))
		text_add_format(&session->statements, "SET SESSION max_statement_time = %lld.%03lld;\n",
		                (long long)limit / 1000, (long long)limit % 1000);
	else
		text_add_format(&session->statements, "SET SESSION max_execution_time = %lld;\n", (long long)limit);
}

int maria_session_query(struct mysql_session *session, const char *statements, int64_t limit,
                        session_answered *on_answered, void *arg, struct error *error)
{
	assert(session->state == SESSION_IDLE);
	event_del(&session->event);
	error_clear(&session->error);
	session->number = 0;
	text_reset(&session->statements);
	add_limit(session, limit);
	text_add(&session->statements, statements);
	if (session->statements.failed || wait_for(session, -1, EV_TIMEOUT) != 0)
		return error_no_memory(error);
	session->on_answered = on_answered;
	session->arg = arg;
	session->state = SESSION_QUERYING;
	event_active(&session->event, EV_TIMEOUT, 0);
	return 0;
}

unsigned int maria_session_errno(const struct mysql_session *session)
{
	return session->number;
}

/* A server says nothing to a session that asks nothing, unless it ends it. */
bool maria_session_is_usable(const struct mysql_session *session)
{
	struct pollfd socket = {.events = POLLIN};

	if (session->state != SESSION_IDLE)
		return false;
	socket.fd = mysql_get_socket(session->mysql);
	return poll(&socket, 1, 0) == 0;
}

unsigned long maria_session_id(const struct mysql_session *session)
{
	const bool known = session->state == SESSION_IDLE || session->state == SESSION_QUERYING;

	return known ? mysql_thread_id(session->mysql) : 0;
}

unsigned long maria_session_asking(const struct mysql_session *session)
{
	return session->state == SESSION_QUERYING ? maria_session_id(session) : 0;
}

const char *maria_session_badge(const struct mysql_session *session)
{
	return session->badge;
}

void maria_session_set_badge(struct mysql_session *session, const char *badge)
{
	snprintf(session->badge, sizeof(session->badge), "%s", badge);
}

unsigned long maria_session_version(const struct mysql_session *session)
{
	return mysql_get_server_version(session->mysql);
}

MYSQL *maria_session_connection(const struct mysql_session *session)
{
	return session->mysql;
}

bool maria_session_is_mariadb(const struct mysql_session *session)
{
	return mariadb_connection(session->mysql);
}

bool maria_session_has_literal_grants(const struct mysql_session *session)
{
	return session->literal_grants;
}

/* ---- for a pool ---- */

static bool is_usable(const void *session)
{
	return maria_session_is_usable(session);
}

static void on_unlocked(void *arg, int code, const struct error *error, MYSQL_RES *rows)
{
	struct mysql_session *session = arg;

	(void)rows;
	session->on_cleaned(session->cleaned_arg, code, error);
}

/* Its badge is kept. */
static int clean(void *arg, pool_done *on_cleaned, void *cleaned_arg)
{
	struct mysql_session *session = arg;
	struct error error;

	session->on_cleaned = on_cleaned;
	session->cleaned_arg = cleaned_arg;
	return maria_session_query(session, "DO RELEASE_LOCK(COALESCE(@" INSTANCE_LOCK ", '?'))", CLEANING, on_unlocked,
	                           session, &error);
}

static int watch(void *arg, void (*on_died)(void *arg), void *died_arg)
{
	struct mysql_session *session = arg;

	session->on_died = on_died;
	session->arg = died_arg;
	return wait_for(session, mysql_get_socket(session->mysql), EV_READ);
}

const struct pool_kind maria_session_kind = {
    .open = session_open,
    .close = session_close,
    .is_usable = is_usable,
    .clean = clean,
    .watch = watch,
};
