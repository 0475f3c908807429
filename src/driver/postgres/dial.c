/* The loop looks names up and keeps the limits; a login is gone through beside it (login.h). */
#include "dial.h"

#include <stdlib.h>
#include <string.h>

#include "driver/login.h"
#include "login.h"
#include "sqlstate.h"

static void try_address(struct dial *dial);

static void end_dial(struct dial *dial, PGconn *connection)
{
	const struct error error = dial->error;

	timer_stop(dial->context->timers, &dial->timer);
	dial->on_done(dial->arg, &error, connection);
}

static void run_out_of_memory(struct dial *dial)
{
	(void)error_no_memory(&dial->error);
	end_dial(dial, NULL);
}

/* ---- places ---- */

static void on_addresses(void *arg, int code, const struct error *error, const char *const *addresses, size_t count)
{
	struct dial *dial = arg;

	dial->resolution = NULL;
	dial->address = dial->address_count = 0;
	if (code != 0)
		dial->error = *error;
	for (size_t i = 0; code == 0 && i < count && i < RESOLVER_ADDRESSES; i++)
		if (strlen(addresses[i]) < DIAL_ADDRESS_MAX)
			strcpy(dial->addresses[dial->address_count++], addresses[i]);
	try_address(dial);
}

/* The limit of the address before it is over. */
static void try_place(struct dial *dial)
{
	const struct pg_place *place = &dial->target->places[dial->place];
	static const char *const no_address[] = {""};

	timer_stop(dial->context->timers, &dial->timer);
	if (dial->place == dial->target->place_count) {
		end_dial(dial, NULL);
		return;
	}
	if (place->host[0] == '/') {
		on_addresses(dial, 0, NULL, no_address, 1);
		return;
	}
	dial->resolution = resolver_start(dial->context->resolver, place->host, on_addresses, dial);
	if (dial->resolution == NULL)
		run_out_of_memory(dial);
}

/* ---- addresses ---- */

static void try_next_address(struct dial *dial)
{
	dial->address++;
	try_address(dial);
}

/* A pooler passes no options on. The session then sets for itself what they would have set (session.c). */
static void take_refusal(struct dial *dial, const char *message)
{
	const bool goes_on = !dial->plain && sqlstate_is_about_options(message);

	dial->denied |= sqlstate_is_wrong_password(message);
	sqlstate_explain_refusal(message, &dial->error);
	if (!goes_on) {
		try_next_address(dial);
		return;
	}
	dial->plain = true;
	if (dial->target->takes_no_options != NULL)
		*dial->target->takes_no_options = true;
	try_address(dial);
}

static void take_connection(struct dial *dial, PGconn *connection)
{
	const struct libpq *pq = &dial->target->pq;
	char *message;

	if (connection == NULL) {
		run_out_of_memory(dial);
	} else if (pq->status(connection) == CONNECTION_OK) {
		pq->setnonblocking(connection, 1);
		error_clear(&dial->error);
		end_dial(dial, connection);
	} else {
		message = strdup(pq->errorMessage(connection));
		pq->finish(connection);
		take_refusal(dial, message != NULL ? message : "");
		free(message);
	}
}

static struct login_server *server_of(const struct dial *dial)
{
	return target_login_is_other(dial->login) ? dial->target->app_logins : dial->target->logins;
}

static void on_login(void *arg, enum login_end end, void *work)
{
	struct dial *dial = arg;

	dial->logging_in = NULL;
	switch (end) {
	case LOGIN_OVER:
		take_connection(dial, entry_take(work));
		return;
	case LOGIN_AGAIN:
		try_address(dial);
		return;
	case LOGIN_RESTS:
		login_server_explain(server_of(dial), &dial->error);
		try_next_address(dial);
	}
}

static int start_login(struct dial *dial)
{
	struct pg_entry *entry = entry_new(dial->target, &dial->target->places[dial->place],
	                                   dial->addresses[dial->address], dial->database, dial->login, dial->plain);

	if (entry == NULL)
		return ERR_NO_MEMORY;
	dial->logging_in = login_start(server_of(dial), &postgres_login_kind, entry, on_login, dial);
	if (dial->logging_in != NULL)
		return 0;
	postgres_login_kind.free(entry);
	return ERR_NO_MEMORY;
}

static void try_address(struct dial *dial)
{
	if (dial->address == dial->address_count) {
		dial->place++;
		try_place(dial);
	} else if (timer_start(dial->context->timers, &dial->timer, dial->target->connect_timeout) != 0 ||
	           start_login(dial) != 0) {
		run_out_of_memory(dial);
	}
}

/* The start, when nothing was tried; otherwise an address's limit. */
static void on_timer(void *arg)
{
	struct dial *dial = arg;

	if (dial->logging_in == NULL) {
		try_place(dial);
		return;
	}
	login_cancel(dial->logging_in);
	dial->logging_in = NULL;
	error_set(&dial->error, ERR_UNAVAILABLE, "no connection within %lld ms",
	          (long long)dial->target->connect_timeout);
	try_next_address(dial);
}

/* ---- the whole ---- */

int dial_start(struct dial *dial, const struct driver_context *context, const struct pg_target *target,
               const char *database, const struct target_login *login, dial_done *on_done, void *arg)
{
	*dial = (struct dial){.context = context, .target = target, .login = login, .on_done = on_done, .arg = arg};
	dial->plain = target->takes_no_options != NULL && *target->takes_no_options;
	timer_init(&dial->timer, on_timer, dial);
	dial->database = strdup(database);
	if (dial->database != NULL && timer_start(context->timers, &dial->timer, 0) == 0)
		return 0;
	free(dial->database);
	return ERR_NO_MEMORY;
}

void dial_stop(struct dial *dial)
{
	timer_stop(dial->context->timers, &dial->timer);
	resolver_cancel(dial->resolution);
	login_cancel(dial->logging_in);
	free(dial->database);
}
