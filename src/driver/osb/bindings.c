/* Binds. Each version of a bind (a new password, an unbind taken back) is a binding of its own, since the upstream
 * chooses the credentials; the older ones go when the new one is there. */
#include "bindings.h"

#include <cjson/cJSON.h>

#include "credentials.h"
#include "kept.h"
#include "offers.h"
#include "work.h"

/* ---- bind ---- */

static void step_create_binding(void *arg);

static void step_check_bindable(void *arg)
{
	struct osb_work *work = arg;

	if (work->offer.bindable)
		call_next(work->call);
	else
		call_fail(work->call, ERR_REFUSED, "its plan \"%s\" cannot be bound", work->offer.plan_name);
}

static void step_remove_orphan(void *arg)
{
	struct osb_work *work = arg;

	osb_choose(work, work->call->bind, work->call->bind->version);
	if (osb_is_orphan(work))
		osb_ask(work, VERB_REMOVE, osb_go_on);
	else
		call_next(work->call);
}

static void add_result(void *arg, const char *name, const char *value)
{
	call_result(arg, name, value);
}

static void give(struct osb_work *work, const struct cJSON *binding)
{
	struct error error;

	if (credentials_flatten(binding, add_result, work->call, &error) != 0) {
		call_fail_because(work->call, &error);
		return;
	}
	kept_write(work->call, work->id, binding);
	call_next(work->call);
}

static void make_again(struct osb_work *work, const struct cJSON *answer)
{
	(void)answer;
	work->remade = true;
	step_create_binding(work);
}

/* A binding may have no credentials. But an upstream may also tell them only once: then they are those that were kept,
 * and when none were, as after a crash, a binding that was there before has credentials that nobody knows. Another one
 * takes its place. */
static void take_credentials(struct osb_work *work, const struct cJSON *answer)
{
	const bool was_there = work->verb == VERB_MAKE && work->status == 200;
	cJSON *kept = credentials_are_in(answer) ? NULL : kept_read(work->call, work->id);

	if (kept != NULL)
		give(work, kept);
	else if (credentials_are_in(answer) || !was_there || work->remade)
		give(work, answer);
	else
		osb_ask(work, VERB_REMOVE, make_again);
	outcome_wipe(kept);
}

/* A binding that was made while we polled is fetched. */
static void on_created(struct osb_work *work, const struct cJSON *answer)
{
	if (answer != NULL)
		take_credentials(work, answer);
	else if (!work->offer.bindings_retrievable)
		call_fail(work->call, ERR_REFUSED, "it makes bindings that it does not let fetch");
	else
		osb_ask(work, VERB_FETCH, take_credentials);
}

static void step_create_binding(void *arg)
{
	struct osb_work *work = arg;
	struct error error;

	if (osb_write_binding(work->call, &work->offer, &work->body, &error) != 0)
		call_fail_because(work->call, &error);
	else
		osb_ask(work, VERB_MAKE, on_created);
}

static void step_begin_with_oldest(void *arg)
{
	struct osb_work *work = arg;

	work->version = work->call->bind->oldest;
	call_next(work->call);
}

/* Removes work->version and those behind it, up to end. */
static void remove_until(struct osb_work *work, const struct bind *bind, int64_t end, osb_done *on_removed)
{
	if (work->version < end) {
		osb_choose(work, bind, work->version++);
		osb_ask(work, VERB_REMOVE, on_removed);
		return;
	}
	call_next(work->call);
}

static void remove_next_earlier(struct osb_work *work, const struct cJSON *answer)
{
	const struct bind *bind = work->call->bind;

	(void)answer;
	remove_until(work, bind, bind->version, remove_next_earlier);
}

static void step_remove_earlier(void *arg)
{
	remove_next_earlier(arg, NULL);
}

const struct step osb_bind_steps[] = {
    {"read_its_catalog", osb_step_read_catalog},
    {"find_whether_it_binds", step_check_bindable},
    {"remove_an_orphan", step_remove_orphan},
    {"create_the_binding", step_create_binding},
    {"look_for_earlier_bindings", step_begin_with_oldest},
    {"remove_earlier_bindings", step_remove_earlier},
    {NULL, NULL},
};

/* ---- unbind ---- */

static void remove_next(struct osb_work *work, const struct cJSON *answer)
{
	const struct bind *bind = work->call->bind;

	(void)answer;
	remove_until(work, bind, bind->version + 1, remove_next);
}

static void step_remove_bindings(void *arg)
{
	remove_next(arg, NULL);
}

const struct step osb_unbind_steps[] = {
    {"read_its_catalog", osb_step_read_catalog},
    {"look_for_bindings", step_begin_with_oldest},
    {"remove_the_binding", step_remove_bindings},
    {NULL, NULL},
};

/* ---- of all binds ---- */

static void remove_next_of_all(struct osb_work *work, const struct cJSON *answer)
{
	const struct driver_call *call = work->call;

	(void)answer;
	while (work->bind_index < call->bind_count) {
		const struct bind *bind = &call->binds[work->bind_index];

		if (work->version <= bind->version) {
			remove_until(work, bind, bind->version + 1, remove_next_of_all);
			return;
		}
		if (++work->bind_index < call->bind_count)
			work->version = call->binds[work->bind_index].oldest;
	}
	call_next(work->call);
}

void osb_step_remove_bindings(void *arg)
{
	struct osb_work *work = arg;

	if (work->offer.bindable && work->call->bind_count > 0) {
		work->version = work->call->binds[0].oldest;
		remove_next_of_all(work, NULL);
		return;
	}
	call_next(work->call);
}
