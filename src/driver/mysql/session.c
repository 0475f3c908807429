/* A login to each address in turn, gone through beside the loop (login.h); after it, what waits for the wire. */
#include "session.h"

#include <assert.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver/resolver.h"
#include "login.h"
#include "target.h"
#include "wire.h"

#define ADDRESS_MAX 64
#define CLEANING    4000 /* ms for the server to give the locks back */

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

	struct mysql_wire wire;
	struct error error; /* the last address's, or the batch's */
	char badge[BADGE_SIZE];

	pool_done *on_opened, *on_cleaned;
	session_answered *on_answered;
	void (*on_died)(void *arg);
	void *arg, *cleaned_arg;
};

static void try_address(struct mysql_session *session);
static void on_event(evutil_socket_t fd, short what, void *arg);

/* ---- the wire, from the loop ---- */

static int wait_for(struct mysql_session *session, int fd, short what, struct error *error)
{
	event_del(&session->event);
	if (event_assign(&session->event, session->context->base, fd, what, on_event, session) != 0 ||
	    event_add(&session->event, NULL) != 0)
		return error_no_memory(error);
	return 0;
}

static void end_wire(struct mysql_session *session)
{
	event_del(&session->event);
	wire_end(&session->wire);
}

/* The callback may close the session. */
static void end_opening(struct mysql_session *session, int code)
{
	const struct error error = session->error;

	timer_stop(session->context->timers, &session->timer);
	session->state = code == 0 ? SESSION_IDLE : SESSION_BROKEN;
	session->on_opened(session->arg, code, &error);
}

static void end_query(struct mysql_session *session)
{
	MYSQL_RES *rows = session->wire.rows;
	const struct error error = session->error;
	const bool lost = error.code != 0 && session->wire.number == 0;

	session->wire.rows = NULL;
	session->state = lost ? SESSION_BROKEN : SESSION_IDLE;
	session->on_answered(session->arg, error.code, &error, error.code == 0 ? rows : NULL);
	mysql_free_result(rows);
}

static void try_next_address(struct mysql_session *session)
{
	end_wire(session);
	session->address++;
	try_address(session);
}

static void resume_wire(struct mysql_session *session)
{
	struct mysql_wire *wire = &session->wire;
	const enum wire_place place = wire_resume(wire);

	if (place == WIRE_WAITS && wait_for(session, wire->socket, wire->wanted, &wire->error) == 0)
		return;
	session->error = wire->error;
	if (place == WIRE_ENDED)
		try_next_address(session);
	else if (session->state == SESSION_CONNECTING)
		end_opening(session, session->error.code);
	else
		end_query(session);
}

static void on_event(evutil_socket_t fd, short what, void *arg)
{
	struct mysql_session *session = arg;

	(void)fd;
	(void)what;
	if (session->state == SESSION_IDLE)
		session->on_died(session->arg);
	else
		resume_wire(session);
}

/* ---- opening ---- */

static void on_timer(void *arg)
{
	struct mysql_session *session = arg;
	const long long limit = (long long)session->target->connect_timeout;

	login_cancel(session->logging_in);
	session->logging_in = NULL;
	end_wire(session);
	error_set(&session->error, ERR_UNAVAILABLE, "no connection within %lld ms", limit);
	try_next_address(session);
}

static void on_login(void *arg, enum login_end end, void *work)
{
	struct mysql_session *session = arg;
	MYSQL *mysql;

	session->logging_in = NULL;
	if (end == LOGIN_AGAIN) {
		try_address(session);
	} else if (end == LOGIN_RESTS) {
		login_server_explain(session->target->logins, &session->error);
		try_next_address(session);
	} else if (maria_entry_take(work, &mysql, &session->error) != 0) {
		try_next_address(session);
	} else if (wire_begin(&session->wire, mysql, session->target->idle, &session->error) == 0) {
		resume_wire(session);
	} else {
		end_opening(session, session->error.code);
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
	end_wire(session);
	wire_release(&session->wire);
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
	session->on_opened = on_opened;
	session->arg = arg;
	wire_init(&session->wire);
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

int maria_session_query(struct mysql_session *session, const char *statements, int64_t limit,
                        session_answered *on_answered, void *arg, struct error *error)
{
	assert(session->state == SESSION_IDLE);
	event_del(&session->event);
	if (wire_send(&session->wire, statements, limit, error) != 0 || wait_for(session, -1, EV_TIMEOUT, error) != 0)
		return ERR_NO_MEMORY;
	session->on_answered = on_answered;
	session->arg = arg;
	session->state = SESSION_QUERYING;
	event_active(&session->event, EV_TIMEOUT, 0);
	return 0;
}

unsigned int maria_session_errno(const struct mysql_session *session)
{
	return session->wire.number;
}

/* A server says nothing to a session that asks nothing, unless it ends it. */
bool maria_session_is_usable(const struct mysql_session *session)
{
	struct pollfd socket = {.events = POLLIN};

	if (session->state != SESSION_IDLE)
		return false;
	socket.fd = mysql_get_socket(session->wire.mysql);
	return poll(&socket, 1, 0) == 0;
}

unsigned long maria_session_id(const struct mysql_session *session)
{
	const bool known = session->state == SESSION_IDLE || session->state == SESSION_QUERYING;

	return known ? mysql_thread_id(session->wire.mysql) : 0;
}

unsigned long maria_session_asking(const struct mysql_session *session)
{
	return session->state == SESSION_QUERYING ? maria_session_id(session) : 0;
}

const char *maria_session_address(const struct mysql_session *session)
{
	assert(session->address < session->address_count);
	return session->addresses[session->address];
}

const char *maria_session_badge(const struct mysql_session *session)
{
	return session->badge;
}

void maria_session_set_badge(struct mysql_session *session, const char *badge)
{
	snprintf(session->badge, sizeof(session->badge), "%s", badge);
}

MYSQL *maria_session_connection(const struct mysql_session *session)
{
	return session->wire.mysql;
}

bool maria_session_has_literal_grants(const struct mysql_session *session)
{
	return session->wire.literal_grants;
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
static int release_lock(void *arg, pool_done *on_cleaned, void *cleaned_arg)
{
	struct mysql_session *session = arg;
	struct error error;

	session->on_cleaned = on_cleaned;
	session->cleaned_arg = cleaned_arg;
	return maria_session_query(session, "DO RELEASE_LOCK(COALESCE(@" INSTANCE_LOCK ", '?'))", CLEANING, on_unlocked,
	                           session, &error);
}

static int watch_idle(void *arg, void (*on_died)(void *arg), void *died_arg)
{
	struct mysql_session *session = arg;

	session->on_died = on_died;
	session->arg = died_arg;
	return wait_for(session, mysql_get_socket(session->wire.mysql), EV_READ, NULL);
}

const struct pool_kind maria_session_kind = {
    .open = session_open,
    .close = session_close,
    .is_usable = is_usable,
    .clean = release_lock,
    .watch = watch_idle,
};
