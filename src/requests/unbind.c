/* Unbinds: idempotent, and remembered, so that tsuru can take them back (sequences S5 and S6). */
#include "queue/queue.h"
#include "requests/bind.h"

/* Nothing is bound. An unbind that is asked again under another event can be undone under that one, too. */
static enum intent_next decide_absent(struct intent *intent, const struct instance *instance)
{
	const struct broker_request *request = intent->request;
	struct held_bind unbound;
	int rc = intent_find_bind(intent, KEYSPACE_UNBOUND, instance->incarnation, &unbound);

	if (rc != 0)
		return rc == ERR_NOT_FOUND ? INTENT_ANSWER : INTENT_REFUSE;
	if (request->caller.event == NULL || same_event(request->caller.event, unbound.record.unbind_event))
		return INTENT_ANSWER;
	unbound.record.unbind_event = request->caller.event;
	changes_put_bind(&intent->changes, KEYSPACE_UNBOUND, &unbound.record, REVISION_ANY);
	return INTENT_COMMIT;
}

static bool is_under_way(struct intent *intent, const struct bind *bind)
{
	return bind->state == BIND_UNBINDING &&
	       queue_find(intent->requests->queue, bind->incarnation, bind->operation, OPERATION_UNBIND) != NULL;
}

/* An unbind that is asked again under another event can be undone under that one. */
static enum intent_next join_unbind(struct intent *intent, struct held_bind *held)
{
	const char *event = intent->request->caller.event;
	struct bind *bind = &held->record;

	if (event == NULL || same_text(bind->unbind_event, event))
		return intent_join(intent, bind->incarnation, bind->operation, OPERATION_UNBIND);
	bind->unbind_event = event;
	changes_put_bind(&intent->changes, KEYSPACE_BINDS, bind, held->revision);
	return INTENT_COMMIT_AGAIN;
}

static enum intent_next decide_bound(struct intent *intent, const struct instance *instance, struct held_bind *held)
{
	if (is_under_way(intent, &held->record))
		return join_unbind(intent, held);
	changes_use_reserve(&intent->changes);
	held->record.unbind_event = intent->request->caller.event;
	return bind_end(intent, instance, held) == 0 ? INTENT_COMMIT : INTENT_REFUSE;
}

static enum intent_next decide_unbind(struct intent *intent)
{
	struct held_instance instance;
	struct held_bind held;
	int rc = bind_check_request(intent);

	if (rc == 0)
		rc = intent_find_instance(intent, &instance);
	if (rc != 0)
		return INTENT_REFUSE;
	rc = intent_find_bind(intent, KEYSPACE_BINDS, instance.record.incarnation, &held);
	if (rc == ERR_NOT_FOUND)
		return decide_absent(intent, &instance.record);
	return rc == 0 ? decide_bound(intent, &instance.record, &held) : INTENT_REFUSE;
}

const struct asked ask_unbind = {decide_unbind, 0};

/* ---- by an operator ---- */

/* Whoever says what the bind was like when it was looked at does not mean one that tsuru has asked for since. */
static int accept_end(struct intent *intent, const struct instance *instance, const struct bind *bind)
{
	const int64_t updated = intent->request->bind_updated;

	if (instance->state == INSTANCE_RETAINED)
		return error_set(&intent->error, ERR_INVALID,
		                 "the instance \"%s\" is retained: none of its logins works; ctl purge drops it now",
		                 instance->name);
	if (updated != 0 && updated != bind->updated_at)
		return error_set(&intent->error, ERR_STALE,
		                 "the bind of the %s \"%s\" to the instance \"%s\" has changed",
		                 bind_kind_name(bind->kind), bind->name, instance->name);
	return 0;
}

static enum intent_next decide_end(struct intent *intent)
{
	const struct broker_request *request = intent->request;
	struct held_instance instance;
	struct held_bind held;
	int rc = bind_check_host(request->bind_name, &intent->error); /* an app's or a job's name is one, too */

	if (rc == 0)
		rc = intent_find_instance(intent, &instance);
	if (rc != 0)
		return INTENT_REFUSE;
	rc = intent_find_bind(intent, KEYSPACE_BINDS, instance.record.incarnation, &held);
	if (rc == ERR_NOT_FOUND)
		rc = error_set(&intent->error, rc, "the %s \"%s\" is not bound to the instance \"%s\"",
		               bind_kind_name(request->bind_kind), request->bind_name, instance.record.name);
	if (rc == 0)
		rc = accept_end(intent, &instance.record, &held.record);
	return rc == 0 ? decide_bound(intent, &instance.record, &held) : INTENT_REFUSE;
}

const struct asked ask_end_bind = {decide_end, 0};
