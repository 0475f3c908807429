/* Mending: the drift pass repairs an instance by an update that changes nothing, and a login by a bind with the
 * credentials that it has. */

#include "queue/queue.h"
#include "requests/bind.h"

static int mend_instance(struct intent *intent, struct changes *changes, struct held_instance *held,
                         enum intent_next *ret_next, struct error *error)
{
	const struct operation update = {.kind = OPERATION_UPDATE, .mends = true};

	changes_check_instance(changes, held);
	*ret_next = INTENT_COMMIT;
	return intent_add_operation(intent, changes, &held->record, &update, NULL, error);
}

static int mend_bind(struct intent *intent, struct changes *changes, struct held_instance *held,
                     enum intent_next *ret_next, struct error *error)
{
	const struct broker_request *request = intent->request;
	const struct operation operation = {
	    .kind = OPERATION_BIND, .bind_kind = request->bind_kind, .bind_name = request->bind_name, .mends = true};
	struct held_bind bind;
	int rc = records_read_bind(intent->requests->records, &intent->arena, held->record.incarnation,
	                           request->bind_kind, request->bind_name, &bind, error);

	if (rc == ERR_NOT_FOUND || (rc == 0 && bind.record.state != BIND_BOUND)) {
		*ret_next = INTENT_ANSWER;
		return 0;
	}
	if (rc == 0)
		rc = bind_move(&bind.record, BIND_BINDING, error);
	if (rc == 0)
		rc = intent_add_operation(intent, changes, &held->record, &operation, &bind.record.operation, error);
	if (rc != 0)
		return rc;
	changes_check_instance(changes, held);
	changes_put_bind(changes, KEYSPACE_BINDS, &bind.record, bind.revision);
	*ret_next = INTENT_COMMIT;
	return 0;
}

static int decide_end(struct intent *intent, struct changes *changes, enum intent_next *ret_next, struct error *error)
{
	struct held_instance held;
	struct held_bind *binds = NULL;
	size_t count = 0;
	int rc = intent_find_instance(intent, &held, error);

	*ret_next = INTENT_ANSWER;
	if (rc != 0 || held.record.state != INSTANCE_READY ||
	    queue_has(intent->requests->queue, held.record.incarnation, ~0U))
		return rc;
	rc = records_read_binds(intent->requests->records, &intent->arena, held.record.incarnation, &binds, &count,
	                        error);
	for (size_t i = 0; rc == 0 && i < count; i++) {
		if (bind_is_left(intent->requests->records, &binds[i].record))
			rc = bind_end(intent, changes, &held.record, &binds[i], error);
	}
	if (rc != 0 || TAILQ_EMPTY(&intent->jobs))
		return rc;
	changes_use_reserve(changes);
	changes_check_instance(changes, &held);
	*ret_next = INTENT_COMMIT;
	return 0;
}

const struct asked ask_end_logins = {decide_end, INTENT_NO_WAIT};

static int decide_mend(struct intent *intent, struct changes *changes, enum intent_next *ret_next, struct error *error)
{
	const unsigned mending = 1U << OPERATION_BIND; /* of several binds at once */
	struct held_instance held;
	int rc = intent_find_instance(intent, &held, error);

	if (rc != 0)
		return rc;
	if (held.record.state != INSTANCE_READY || queue_has(intent->requests->queue, held.record.incarnation,
	                                                     intent->request->bind_name != NULL ? ~mending : ~0U)) {
		*ret_next = INTENT_ANSWER;
		return 0;
	}
	return intent->request->bind_name != NULL ? mend_bind(intent, changes, &held, ret_next, error)
	                                          : mend_instance(intent, changes, &held, ret_next, error);
}

const struct asked ask_mend = {decide_mend, INTENT_NO_WAIT};
