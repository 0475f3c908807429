/* What all calls share: finding the nodes of a server, asking them one after another, and ending. */
#include "work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- beginning and ending ---- */

static void name_things(struct redis_work *work)
{
	const struct driver_call *call = work->call;
	const bool cluster = work->host->target.kind == TARGET_CLUSTER;

	work->resource = call->instance != NULL ? call->instance->resource : "";
	work->login = call->bind != NULL ? call->bind->login : NULL;
	/* In a cluster the hash tag keeps an instance's keys in one slot, so that commands may take several of them. */
	if (!work->host->dedicated)
		snprintf(work->prefix, sizeof(work->prefix), cluster ? "{%s}:" : "%s:", work->resource);
	snprintf(work->template, sizeof(work->template), ACL_INSTANCE "%s", work->resource);
	snprintf(work->retired, sizeof(work->retired), ACL_RETIRED "%s", work->resource);
	snprintf(work->probe, sizeof(work->probe), PROBE "%s", work->resource);
	work->acl = (struct acl){.prefix = work->prefix, .plan = call->plan, .dedicated = work->host->dedicated};
}

int redis_work_begin(void *arg, struct error *error)
{
	struct redis_work *work = arg;

	work->host = call_host(work->call);
	arena_init(&work->arena);
	batch_init(&work->batch);
	name_things(work);
	work->logins = arena_alloc(&work->arena, (work->call->bind_count + 1) * sizeof(*work->logins));
	return work->logins != NULL ? 0 : error_no_memory(error);
}

void redis_work_end(void *arg, bool given_up)
{
	struct redis_work *work = arg;

	if (given_up)
		link_close(work->link);
	else
		redis_work_close(work);
	seat_leave(&work->seat);
	batch_release(&work->batch);
	arena_release(&work->arena);
}

/* ---- links ---- */

void redis_work_close(struct redis_work *work)
{
	struct link *link = work->link;

	work->link = NULL;
	redis_pool_put(work->host->pool, link);
}

static void on_opened(void *arg, int code, const struct error *error)
{
	struct redis_work *work = arg;

	if (code == 0) {
		work->on_open(work);
		return;
	}
	link_close(work->link);
	work->link = NULL;
	call_fail_because(work->call, error);
}

void redis_work_open(struct redis_work *work, void (*on_open)(struct redis_work *work))
{
	const struct node *node = &work->nodes.items[work->node];

	redis_work_close(work);
	work->on_open = on_open;
	work->link = redis_pool_take(work->host->pool, node->host, node->port);
	if (work->link != NULL) {
		on_open(work);
		return;
	}
	work->link =
	    link_open(work->call->backend->context, &work->host->target.login, node->host, node->port, on_opened, work);
	if (work->link != NULL)
		return;
	call_fail(work->call, ERR_NO_MEMORY, "out of memory");
}

static void on_answered(void *arg, int code, const struct error *error, redisReply *const *replies, size_t count)
{
	struct redis_work *work = arg;
	struct error failure;
	work_answers *on_answers = work->on_answers;

	if (code != 0) {
		link_close(work->link);
		work->link = NULL;
		call_fail_because(work->call, error);
	} else if (on_answers(work, replies, count, &failure) != 0) {
		call_fail_because(work->call, &failure);
	}
}

void redis_work_send(struct redis_work *work, work_answers *on_answers)
{
	work->on_answers = on_answers;
	link_ask(work->link, &work->batch, on_answered, work);
}

int redis_work_check(struct redis_work *work, redisReply *const *replies, size_t count, struct error *error)
{
	int rc = 0;

	(void)work;
	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = reply_check(replies[i], error);
	return rc;
}

/* ---- one node after another ---- */

static void ask_node(struct redis_work *work);
static void on_node_answered(void *arg, int code, const struct error *error, redisReply *const *replies, size_t count);

static void go_to_node(struct redis_work *work)
{
	while (work->node < work->nodes.count && work->masters_only && !work->nodes.items[work->node].is_master)
		work->node++;
	if (work->node < work->nodes.count)
		redis_work_open(work, ask_node);
	else
		call_next(work->call);
}

static void ask_node(struct redis_work *work)
{
	link_ask(work->link, &work->batch, on_node_answered, work);
}

static void on_node_answered(void *arg, int code, const struct error *error, redisReply *const *replies, size_t count)
{
	struct redis_work *work = arg;
	struct error failure = {0};

	if (code != 0) {
		link_close(work->link);
		work->link = NULL;
		call_fail_because(work->call, error);
		return;
	}
	if (work->on_answers(work, replies, count, &failure) != 0) {
		call_fail_because(work->call, &failure);
		return;
	}
	work->node++;
	go_to_node(work);
}

void redis_work_each(struct redis_work *work, bool masters_only, work_answers *on_answers)
{
	if (work->batch.failed) {
		call_fail(work->call, ERR_NO_MEMORY, "out of memory");
		return;
	}
	if (work->batch.count == 0) {
		call_next(work->call);
		return;
	}
	work->masters_only = masters_only;
	work->on_answers = on_answers != NULL ? on_answers : redis_work_check;
	work->node = 0;
	go_to_node(work);
}

/* ---- steps ---- */

static void on_seat(void *arg)
{
	struct redis_work *work = arg;

	call_next(work->call);
}

void redis_step_take_seat(void *arg)
{
	struct redis_work *work = arg;

	seat_ask(work->host->pool, &work->seat, on_seat, work);
}

static void try_place(struct redis_work *work);

static void try_next_place(struct redis_work *work, const struct error *error)
{
	const struct redis_target *target = &work->host->target;
	const size_t count = target->kind == TARGET_SENTINEL ? target->sentinel_count : target->place_count;

	link_close(work->link);
	work->link = NULL;
	if (++work->place < count)
		try_place(work);
	else
		call_fail_because(work->call, error);
}

static int read_nodes(struct redis_work *work, redisReply *const *replies, size_t count, struct error *error)
{
	if (work->host->target.kind == TARGET_SENTINEL)
		return count == 2 ? reply_sentinel_nodes(replies[0], replies[1], &work->arena, &work->nodes, error)
		                  : error_set(error, ERR_UNAVAILABLE, "it gave no answer");
	return reply_cluster_nodes(replies[count - 1], work->host->target.places[work->place].host, &work->arena,
	                           &work->nodes, error);
}

static void on_nodes(void *arg, int code, const struct error *error, redisReply *const *replies, size_t count)
{
	struct redis_work *work = arg;
	struct error failure = {0};

	if (code != 0)
		failure = *error;
	else
		(void)read_nodes(work, replies, count, &failure);
	if (failure.code != 0) {
		try_next_place(work, &failure);
		return;
	}
	if (work->host->target.kind == TARGET_SENTINEL) {
		link_close(work->link);
		work->link = NULL;
	}
	call_next(work->call);
}

static void take_single(struct redis_work *work)
{
	const struct place *place = &work->host->target.places[work->place];

	work->nodes.items = arena_alloc(&work->arena, sizeof(*work->nodes.items));
	if (work->nodes.items == NULL) {
		call_fail(work->call, ERR_NO_MEMORY, "out of memory");
		return;
	}
	work->nodes.items[0] = (struct node){.host = place->host, .port = place->port, .is_master = true};
	work->nodes.count = 1;
	call_next(work->call);
}

/* Calls that shut a login; they do not wait for the end of what it runs. */
static bool shuts(const struct driver_call *call)
{
	return call->kind == CALL_UNBIND || call->kind == CALL_RETIRE || call->kind == CALL_DEPROVISION ||
	       (call->kind == CALL_BIND && call->renew);
}

/* A script that runs for longer than busy-reply-threshold keeps the server from all else but this. Of others the server
 * ends none: it gets to these commands when they are over. */
void redis_add_stop(struct redis_work *work)
{
	if (!shuts(work->call))
		return;
	batch_command(&work->batch, "SCRIPT", "KILL", NULL);
	batch_command(&work->batch, "FUNCTION", "KILL", NULL);
}

static void ask_for_nodes(struct redis_work *work)
{
	const struct redis_target *target = &work->host->target;

	if (target->kind == TARGET_SINGLE) {
		take_single(work);
		return;
	}
	batch_reset(&work->batch);
	if (target->kind == TARGET_SENTINEL) {
		batch_command(&work->batch, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", target->master, NULL);
		batch_command(&work->batch, "SENTINEL", "REPLICAS", target->master, NULL);
	} else {
		redis_add_stop(work);
		batch_command(&work->batch, "CLUSTER", "NODES", NULL);
	}
	link_ask(work->link, &work->batch, on_nodes, work);
}

static void on_place(void *arg, int code, const struct error *error)
{
	struct redis_work *work = arg;

	if (code != 0)
		try_next_place(work, error);
	else
		ask_for_nodes(work);
}

static void try_place(struct redis_work *work)
{
	const struct redis_target *target = &work->host->target;
	const bool sentinel = target->kind == TARGET_SENTINEL;
	const struct place *place = sentinel ? &target->sentinels[work->place] : &target->places[work->place];

	if (!sentinel)
		work->link = redis_pool_take(work->host->pool, place->host, place->port);
	if (work->link != NULL) {
		ask_for_nodes(work);
		return;
	}
	work->link = link_open(work->call->backend->context, sentinel ? &target->sentinel_login : &target->login,
	                       place->host, place->port, on_place, work);
	if (work->link != NULL)
		return;
	call_fail(work->call, ERR_NO_MEMORY, "out of memory");
}

void redis_step_find_nodes(void *arg)
{
	struct redis_work *work = arg;

	work->place = 0;
	try_place(work);
}

static int take_saved(struct redis_work *work, redisReply *const *replies, size_t count, struct error *error)
{
	work->host->forgets_users = reply_lacks_aclfile(replies[0]);
	return work->host->forgets_users ? 0 : redis_work_check(work, replies, count, error);
}

void redis_step_save_users(void *arg)
{
	struct redis_work *work = arg;

	batch_reset(&work->batch);
	batch_command(&work->batch, "ACL", "SAVE", NULL);
	redis_work_each(work, false, take_saved);
}
