/* What an operator does to operations, servers and the program. All of it is done at once and needs no operation. */
#include "admin/internal.h"
#include "store/members.h"
#include "upkeep/drift.h"
#include "upkeep/inspect.h"
#include "upkeep/reconcile.h"
#include "upkeep/rekey.h"

int act_hurry(struct admin_call *call)
{
	return operator_hurry(requests_of(call), http_request_capture(call->http, "id"), &call->error);
}

static void on_durable(void *arg, int code, const char *text)
{
	struct admin_call *call = arg;

	if (!call_has_failed(call, code, text))
		call_answer_done(call);
}

void answer_cancel(struct admin_call *call)
{
	if (operator_cancel(requests_of(call), &call->ask.caller, http_request_capture(call->http, "id"), on_durable,
	                    call, &call->error) != 0)
		call_refuse(call);
}

/* The mark is written soon: the server's state says whether it could be. */
int act_claim(struct admin_call *call)
{
	return operator_claim(requests_of(call), &call->ask.caller, http_request_capture(call->http, "service"),
	                      http_request_capture(call->http, "server"), &call->error);
}

static void drain(struct admin_call *call, bool drained)
{
	if (operator_drain(requests_of(call), &call->ask.caller, http_request_capture(call->http, "service"),
	                   http_request_capture(call->http, "server"), drained, on_durable, call, &call->error) != 0)
		call_refuse(call);
}

void answer_drain(struct admin_call *call)
{
	drain(call, true);
}

void answer_undrain(struct admin_call *call)
{
	drain(call, false);
}

int act_verify(struct admin_call *call)
{
	return drift_start(broker_upkeep(call->admin->options.broker), &call->error);
}

int act_reconcile(struct admin_call *call)
{
	return reconcile_start(broker_upkeep(call->admin->options.broker), NULL, &call->error);
}

int act_reconcile_apply(struct admin_call *call)
{
	const int rc = reconcile_start(broker_upkeep(call->admin->options.broker), call->ask.caller.user, &call->error);

	if (rc == 0)
		operator_note(requests_of(call), &call->ask.caller, "reconcile", "done", NULL);
	return rc;
}

int act_reload(struct admin_call *call)
{
	const struct admin_program *program = &call->admin->options.program;
	const int rc = program->reload(program->arg, &call->error);

	if (broker_has_begun(call->admin->options.broker, NULL) == 0) /* one that stands by writes nothing */
		operator_note(requests_of(call), &call->ask.caller, "reload", rc == 0 ? "done" : "failed",
		              rc == 0 ? NULL : call->error.text);
	return rc;
}

/* Everything is sealed with the first key of the keyring. */
int act_rekey(struct admin_call *call)
{
	rekey_start(broker_upkeep(call->admin->options.broker));
	operator_note(requests_of(call), &call->ask.caller, "rekey", "done", NULL);
	return 0;
}

/* Who takes over is seen in the standing of each. The audit's entry is committed before. */
int act_step_down(struct admin_call *call)
{
	struct store *store = call->admin->options.store;
	const struct store_member *next = members_standby(store_members(store));

	if (store_standing(store)->role == STORE_ALONE)
		return error_set(&call->error, ERR_REFUSED, "the store is this broker's own: nobody can take over");
	if (next == NULL && !call->is_forced)
		return error_set(
		    &call->error, ERR_REFUSED,
		    "no broker stands by to take over from \"%s\"; by force, it steps down all the same, and "
		    "none may be active for a lease",
		    store_standing(store)->active);
	operator_note(requests_of(call), &call->ask.caller, "step-down", "done", next != NULL ? NULL : "by force");
	store_step_down(store);
	return 0;
}

/* ---- asked for, and answered in a way of its own ---- */

static void on_verified(void *arg, int code, const char *text, const char *json)
{
	struct admin_call *call = arg;

	if (!call_has_failed(call, code, text))
		http_reply_json(call->http, 200, json);
}

void answer_inspection(struct admin_call *call)
{
	if (inspect_start(broker_upkeep(call->admin->options.broker), http_request_capture(call->http, "id"),
	                  on_verified, call, &call->error) != 0)
		call_refuse(call);
}
