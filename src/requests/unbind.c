/* Unbinds: idempotent, and remembered, so that tsuru can take them back (sequences S5 and S6). */
#include "queue/queue.h"
#include "requests/accept.h"
#include "requests/bind.h"

/* Nothing is bound. An unbind that is asked again under another event can be undone under that one, too. */
static int decide_absent(struct intent *intent, struct changes *changes, const struct instance *instance,
                         enum intent_next *ret_next, struct error *error)
{
	const struct broker_request *request = intent->request;
	struct held_bind unbound;
	int rc = records_read_unbound(intent->requests->records, &intent->arena, instance->incarnation,
	                              request->bind_kind, request->bind_name, &unbound, error);

	*ret_next = INTENT_ANSWER;
	if (rc == ERR_NOT_FOUND)
		return 0;
	if (rc != 0 || request->caller.event == NULL || same_event(request->caller.event, unbound.record.unbind_event))
		return rc;
	unbound.record.unbind_event = request->caller.event;
	changes_put_bind(changes, KEYSPACE_UNBOUND, &unbound.record, REVISION_ANY);
	*ret_next = INTENT_COMMIT;
	return 0;
}

static bool is_under_way(const struct intent *intent, const struct bind *bind)
{
	return bind->state == BIND_UNBINDING &&
	       queue_find(intent->requests->queue, bind->incarnation, bind->operation, OPERATION_UNBIND) != NULL;
}

/* An unbind that is asked again under another event can be undone under that one. */
static int join_unbind(struct intent *intent, struct changes *changes, struct held_bind *held,
                       enum intent_next *ret_next)
{
	const char *event = intent->request->caller.event;
	struct bind *bind = &held->record;

	if (event == NULL || same_text(bind->unbind_event, event)) {
		*ret_next = intent_join(intent, bind->incarnation, bind->operation, OPERATION_UNBIND);
		return 0;
	}
	bind->unbind_event = event;
	changes_put_bind(changes, KEYSPACE_BINDS, bind, held->revision);
	*ret_next = INTENT_COMMIT_AGAIN;
	return 0;
}

static int decide_bound(struct intent *intent, struct changes *changes, const struct instance *instance,
                        struct held_bind *held, enum intent_next *ret_next, struct error *error)
{
	struct bind *bind = &held->record;

	if (is_under_way(intent, bind))
		return join_unbind(intent, changes, held, ret_next);
	changes_use_reserve(changes);
	bind->unbind_event = intent->request->caller.event;
	*ret_next = INTENT_COMMIT;
	return bind_end(intent, changes, instance, held, error);
}

static int decide_unbind(struct intent *intent, struct changes *changes, enum intent_next *ret_next,
                         struct error *error)
{
	const struct broker_request *request = intent->request;
	struct held_instance instance;
	struct held_bind held;
	int rc = bind_check_request(request, error);

	if (rc == 0)
		rc = intent_find_instance(intent, &instance, error);
	if (rc != 0)
		return rc;
	rc = records_read_bind(intent->requests->records, &intent->arena, instance.record.incarnation,
	                       request->bind_kind, request->bind_name, &held, error);
	if (rc == ERR_NOT_FOUND)
		return decide_absent(intent, changes, &instance.record, ret_next, error);
	return rc != 0 ? rc : decide_bound(intent, changes, &instance.record, &held, ret_next, error);
}

const struct asked ask_unbind = {decide_unbind, 0};
