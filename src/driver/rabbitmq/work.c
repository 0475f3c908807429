/* What all calls share: beginning, asking, walking through lists, ending. */
#include "work.h"

#include <cjson/cJSON.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define PATH_MAX_BYTES ((size_t)4 * 1024)
#define BODY_MAX_BYTES ((size_t)64 * 1024)

/* ---- beginning and ending ---- */

int rabbitmq_begin(void *arg, struct error *error)
{
	struct rabbit_work *work = arg;
	struct driver_call *call = work->call;

	(void)error;
	work->host = call_host(call);
	work->vhost = call->instance != NULL ? call->instance->resource : "";
	arena_init(&work->arena);
	text_init(&work->path, PATH_MAX_BYTES);
	text_init(&work->body, BODY_MAX_BYTES);
	return 0;
}

void rabbitmq_end(void *arg, bool given_up)
{
	struct rabbit_work *work = arg;

	(void)given_up;
	timer_stop(work->call->backend->context->timers, &work->pause);
	client_cancel(work->exchange);
	cJSON_Delete(work->permissions);
	arena_release(&work->arena);
	text_release(&work->path);
	text_wipe(&work->body);
}

/* ---- requests ---- */

void rabbitmq_path(struct rabbit_work *work, const char *part, ...)
{
	va_list parts;

	text_reset(&work->path);
	text_add(&work->path, "/api");
	va_start(parts, part);
	for (; part != NULL; part = va_arg(parts, const char *)) {
		text_add(&work->path, "/");
		text_add_percent(&work->path, part);
	}
	va_end(parts);
}

static void on_answer(void *arg, int code, const struct error *error, const struct client_answer *answer)
{
	struct rabbit_work *work = arg;
	struct error failure;
	struct cJSON *root;
	bool found;

	work->exchange = NULL;
	if (code != 0) {
		call_fail_because(work->call, error);
		return;
	}
	if (rabbitmq_answer_read(answer->status, answer->body, &found, &root, &failure) != 0) {
		call_fail_because(work->call, &failure);
		return;
	}
	/* The work may be gone when it returns. */
	work->on_done(work, found, root);
	cJSON_Delete(root);
}

void rabbitmq_ask(struct rabbit_work *work, const char *method, rabbitmq_done *on_done)
{
	work->on_done = on_done;
	if (!work->path.failed && !work->body.failed)
		work->exchange = rabbitmq_send(work->host->client, method, &work->path, &work->body,
		                               work->call->timeout, on_answer, work);
	text_reset(&work->body);
	if (work->exchange == NULL)
		call_fail(work->call, ERR_NO_MEMORY, "out of memory");
}

void rabbitmq_go_on(struct rabbit_work *work, bool found, const struct cJSON *answer)
{
	(void)found;
	(void)answer;
	call_next(work->call);
}

/* ---- walks ---- */

void rabbitmq_each_bind(struct rabbit_work *work, void (*on_bind)(struct rabbit_work *work, const struct bind *bind))
{
	work->on_next = rabbitmq_next_bind;
	work->on_bind = on_bind;
	work->bind_index = 0;
	rabbitmq_next_bind(work);
}

void rabbitmq_next_bind(struct rabbit_work *work)
{
	const struct bind *bind;

	if (work->bind_index == work->call->bind_count) {
		work->call->subject = work->vhost;
		call_next(work->call);
		return;
	}
	bind = &work->call->binds[work->bind_index++];
	work->call->subject = bind->login;
	work->on_bind(work, bind);
}

void rabbitmq_each_name(struct rabbit_work *work, const struct cJSON *list, const char *member, bool ours_only,
                        void (*on_name)(struct rabbit_work *work, const char *name))
{
	rabbitmq_each_of(work, rabbitmq_answer_texts(list, member, &work->arena), ours_only, on_name);
}

void rabbitmq_each_of(struct rabbit_work *work, const char *const *names, bool ours_only,
                      void (*on_name)(struct rabbit_work *work, const char *name))
{
	work->names = names;
	work->ours_only = ours_only;
	work->on_next = rabbitmq_next_name;
	work->on_name = on_name;
	if (names == NULL)
		call_fail(work->call, ERR_NO_MEMORY, "out of memory");
	else
		rabbitmq_next_name(work);
}

void rabbitmq_next_name(struct rabbit_work *work)
{
	const char *name;

	while (work->ours_only && *work->names != NULL && !name_is_ours(*work->names))
		work->names++;
	name = *work->names;
	if (name == NULL) {
		work->call->subject = work->vhost;
		call_next(work->call);
		return;
	}
	work->names++;
	work->call->subject = name;
	work->on_name(work, name);
}

void rabbitmq_go_on_walk(struct rabbit_work *work, bool found, const struct cJSON *answer)
{
	(void)found;
	(void)answer;
	work->on_next(work);
}

void rabbitmq_end_sessions(struct rabbit_work *work, bool found, const struct cJSON *answer)
{
	(void)found;
	(void)answer;
	rabbitmq_path(work, "connections", "username", work->call->subject, NULL);
	rabbitmq_ask(work, "DELETE", rabbitmq_go_on_walk);
}

/* ---- limits ---- */

static void set_next_limit(struct rabbit_work *work, bool found, const struct cJSON *answer)
{
	const struct limit *limit;
	int64_t value;

	(void)found;
	(void)answer;
	if (work->limit_index == LIMITS_COUNT) {
		work->on_limited(work);
		return;
	}
	limit = &work->limits->items[work->limit_index++];
	value = options_number(&work->call->plan->options, limit->key);
	rabbitmq_path(work, work->limits->path, work->limited, limit->name, NULL);
	if (value > 0)
		text_add_format(&work->body, "{\"value\":%lld}", (long long)value);
	rabbitmq_ask(work, value > 0 ? "PUT" : "DELETE", set_next_limit);
}

void rabbitmq_set_limits(struct rabbit_work *work, const struct rabbit_limits *limits, const char *name,
                         void (*on_limited)(struct rabbit_work *work))
{
	work->limits = limits;
	work->limit_index = 0;
	work->limited = name;
	work->on_limited = on_limited;
	set_next_limit(work, true, NULL);
}

/* ---- steps ---- */

static void take_admin(struct rabbit_work *work, bool found, const struct cJSON *answer)
{
	struct error error;

	(void)found;
	if (rabbitmq_answer_check_admin(answer, &error) != 0)
		call_fail_because(work->call, &error);
	else
		call_next(work->call);
}

void rabbitmq_mark_path(struct rabbit_work *work)
{
	rabbitmq_path(work, "global-parameters", RABBITMQ_MARK, NULL);
}

static void take_mark(struct rabbit_work *work, bool found, const struct cJSON *answer)
{
	struct error error;

	if (mark_check(work->call, found ? rabbitmq_answer_text(answer, "value") : NULL, &error) != 0)
		call_fail_because(work->call, &error);
	else
		call_next(work->call);
}

void rabbitmq_step_check_admin(void *arg)
{
	struct rabbit_work *work = arg;

	if (work->call->mark != NULL && work->call->kind != CALL_WRITE_MARK) {
		rabbitmq_mark_path(work);
		rabbitmq_ask(work, "GET", take_mark);
		return;
	}
	rabbitmq_path(work, "whoami", NULL);
	rabbitmq_ask(work, "GET", take_admin);
}

void rabbitmq_step_check_mark(void *arg)
{
	struct rabbit_work *work = arg;

	if (work->call->mark != NULL)
		rabbitmq_step_check_admin(work);
	else
		call_next(work->call);
}

bool rabbitmq_check_vhost(struct rabbit_work *work, const struct cJSON *vhost, bool retired)
{
	if (!rabbitmq_vhost_is_of(vhost, work->call->instance->incarnation))
		call_fail(work->call, ERR_REFUSED,
		          "the vhost \"%s\" is another instance's, by its description; it is left alone", work->vhost);
	else if (rabbitmq_answer_is_retired(vhost) == retired)
		return true;
	else if (retired)
		call_fail(work->call, ERR_REFUSED,
		          "the records say that the vhost \"%s\" is retired, but it lives: it has not the tag "
		          "\"retired\"; it is left alone",
		          work->vhost);
	else
		call_fail(work->call, ERR_REFUSED,
		          "the vhost \"%s\" is retired: it has the tag \"retired\"; it is left alone", work->vhost);
	return false;
}

static void take_vhost(struct rabbit_work *work, bool found, const struct cJSON *answer)
{
	if (!found)
		call_fail(work->call, ERR_REFUSED, "there is no vhost \"%s\"", work->vhost);
	else if (work->call->kind == CALL_ADOPT && rabbitmq_answer_is_retired(answer))
		call_fail(work->call, ERR_REFUSED, "the vhost \"%s\" is retired", work->vhost);
	else if (work->call->kind == CALL_ADOPT || rabbitmq_check_vhost(work, answer, false))
		call_next(work->call);
}

void rabbitmq_step_require_vhost(void *arg)
{
	struct rabbit_work *work = arg;

	rabbitmq_path(work, "vhosts", work->vhost, NULL);
	rabbitmq_ask(work, "GET", take_vhost);
}

static void end_step(struct rabbit_work *work)
{
	call_next(work->call);
}

void rabbitmq_step_set_vhost_limits(void *arg)
{
	struct rabbit_work *work = arg;

	rabbitmq_set_limits(work, &rabbitmq_vhost_limits, work->vhost, end_step);
}
