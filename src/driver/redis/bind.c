/* bind and unbind: a login confined to the instance. The server gets the password's hash, never the password. */
#include "work.h"

#include <string.h>

/* ---- bind ---- */

static void step_make_login(void *arg)
{
	struct redis_work *work = arg;

	batch_reset(&work->batch);
	acl_add_login(&work->batch, &work->acl, work->login, work->call->password, work->call->read_only);
	/* Its connections know an earlier password. */
	if (work->call->renew)
		batch_command(&work->batch, "CLIENT", "KILL", "USER", work->login, NULL);
	redis_work_each(work, false, NULL);
}

static const struct node *master_of(const struct redis_work *work)
{
	for (size_t i = 0; i < work->nodes.count; i++) {
		if (work->nodes.items[i].is_master)
			return &work->nodes.items[i];
	}
	return &work->nodes.items[0];
}

static void step_tell(void *arg)
{
	struct redis_work *work = arg;
	struct driver_call *call = work->call;
	const struct redis_target *target = &work->host->target;
	const char *host = target->public_host != NULL ? target->public_host : master_of(work)->host;
	const char *port = target->public_port != NULL ? target->public_port : master_of(work)->port;
	struct text url, hosts;

	text_init(&url, BATCH_MAX);
	text_init(&hosts, BATCH_MAX);
	redis_target_app_url(target, host, port, work->login, call->password, &url);
	for (size_t i = 0; target->kind != TARGET_SINGLE && i < work->nodes.count; i++) {
		text_add(&hosts, i > 0 ? "," : "");
		redis_target_add_address(&hosts, work->nodes.items[i].host, work->nodes.items[i].port);
	}
	call_result(call, "url", text_string(&url));
	call_result(call, "host", host);
	call_result(call, "port", port);
	call_result(call, "user", work->login);
	call_result(call, "password", call->password);
	call_result(call, "prefix", work->prefix);
	call_result(call, "hosts", text_string(&hosts));
	call_result(call, "sentinels", target->sentinel_list != NULL ? target->sentinel_list : "");
	call_result(call, "master", target->master != NULL ? target->master : "");
	call->arena.failed |= url.failed || hosts.failed;
	text_wipe(&url);
	text_release(&hosts);
	call_next(work->call);
}

const struct step redis_bind_steps[] = {
    WORK_BEGINS,
    {"find_the_instance", redis_step_require_instance},
    {"make_the_login", step_make_login},
    {"save_users", redis_step_save_users},
    {"tell_the_environment", step_tell},
    {NULL, NULL},
};

/* ---- unbind ---- */

/* The server ends a user's connections with the user. */
static void step_drop_login(void *arg)
{
	struct redis_work *work = arg;

	batch_reset(&work->batch);
	batch_command(&work->batch, "ACL", "DELUSER", work->login, NULL);
	redis_work_each(work, false, NULL);
}

const struct step redis_unbind_steps[] = {
    WORK_BEGINS,
    {"drop_the_login", step_drop_login},
    {"save_users", redis_step_save_users},
    {NULL, NULL},
};
