/* A sweep waits, lists the connections of the vhost, and ends those that are too old; it begins again when the server
 * does not answer. */
#include "sweep.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>

#include "answer.h"
#include "base/text.h"

#define DELAY        ((int64_t)16 * 1000) /* ms: the handshake's 10 s, and the 5 s that lists are behind */
#define RETRY        ((int64_t)5 * 1000)  /* ms */
#define ATTEMPTS     12
#define CLOCKS       ((int64_t)1000) /* ms that the server's clock may differ from ours */
#define TIMEOUT      ((int64_t)30 * 1000)
#define PATH_MAXIMUM ((size_t)4 * 1024)

struct sweep {
	LIST_ENTRY(sweep) entry;
	const struct driver_context *context;
	struct client *client;
	struct client_exchange *exchange;
	struct timer timer;
	struct arena arena;
	const char *const *names; /* of connections that are left to be ended */
	int64_t before;           /* wall ms */
	int attempts;
	char *vhost, *login;
};

static void on_listed(void *arg, int code, const struct error *error, const struct client_answer *answer);

static void free_sweep(struct sweep *sweep)
{
	LIST_REMOVE(sweep, entry);
	timer_stop(sweep->context->timers, &sweep->timer);
	client_cancel(sweep->exchange);
	arena_release(&sweep->arena);
	free(sweep);
}

static void try_again(struct sweep *sweep)
{
	if (++sweep->attempts == ATTEMPTS || timer_start(sweep->context->timers, &sweep->timer, RETRY) != 0)
		free_sweep(sweep);
}

/* Adds the path of something in the vhost or among the connections, and sends. */
static void send_about(struct sweep *sweep, const char *method, const char *const *parts, client_done *on_done)
{
	struct text path;

	text_init(&path, PATH_MAXIMUM);
	text_add(&path, parts[0]);
	text_add_percent(&path, parts[1]);
	text_add(&path, parts[2]);
	if (!path.failed)
		sweep->exchange = rabbitmq_send(sweep->client, method, &path, NULL, TIMEOUT, on_done, sweep);
	text_release(&path);
	if (sweep->exchange == NULL)
		try_again(sweep);
}

/* ---- ending ---- */

static void end_next(struct sweep *sweep);

/* One that is gone already is fine. */
static void on_ended(void *arg, int code, const struct error *error, const struct client_answer *answer)
{
	struct sweep *sweep = arg;

	(void)error;
	sweep->exchange = NULL;
	if (code != 0 || answer->status >= 500)
		try_again(sweep);
	else
		end_next(sweep);
}

static void end_next(struct sweep *sweep)
{
	const char *name = *sweep->names;

	if (name == NULL) {
		free_sweep(sweep);
		return;
	}
	sweep->names++;
	send_about(sweep, "DELETE", (const char *const[]){"/api/connections/", name, ""}, on_ended);
}

/* ---- listing ---- */

static void on_due(void *arg)
{
	struct sweep *sweep = arg;

	send_about(sweep, "GET",
	           (const char *const[]){"/api/vhosts/", sweep->vhost, "/connections?columns=name,user,connected_at"},
	           on_listed);
}

static void on_listed(void *arg, int code, const struct error *error, const struct client_answer *answer)
{
	struct sweep *sweep = arg;
	struct cJSON *root = NULL;
	bool found;

	(void)error;
	sweep->exchange = NULL;
	if (code != 0 || rabbitmq_answer_read(answer->status, answer->body, &found, &root, NULL) != 0) {
		try_again(sweep);
		return;
	}
	sweep->names = rabbitmq_answer_sessions(root, sweep->login, sweep->before, &sweep->arena);
	cJSON_Delete(root);
	if (sweep->names != NULL)
		end_next(sweep);
	else
		free_sweep(sweep);
}

/* ---- planning ---- */

void rabbitmq_sweep_plan(struct sweeps *sweeps, const struct driver_context *context, struct client *client,
                         const char *vhost, const char *login)
{
	struct sweep *sweep = calloc(1, sizeof(*sweep));

	if (sweep == NULL)
		return;
	sweep->context = context;
	sweep->client = client;
	sweep->before = timers_wall(context->timers) + CLOCKS;
	arena_init(&sweep->arena);
	sweep->vhost = arena_text(&sweep->arena, vhost);
	sweep->login = arena_text(&sweep->arena, login);
	timer_init(&sweep->timer, on_due, sweep);
	LIST_INSERT_HEAD(sweeps, sweep, entry);
	if (arena_failed(&sweep->arena) || timer_start(context->timers, &sweep->timer, DELAY) != 0)
		free_sweep(sweep);
}

void rabbitmq_sweep_release(struct sweeps *sweeps)
{
	while (!LIST_EMPTY(sweeps))
		free_sweep(LIST_FIRST(sweeps));
}
