/* Mending: the drift pass repairs an instance by an update that changes nothing, and a login by a bind with the
 * credentials that it has. */

#include "queue/queue.h"
#include "requests/bind.h"

static enum intent_next mend_instance(struct intent *intent, struct held_instance *held)
{
	const struct operation update = {.kind = OPERATION_UPDATE, .mends = true};

	changes_check_instance(&intent->changes, held);
	return intent_add_operation(intent, &held->record, &update, NULL) == 0 ? INTENT_COMMIT : INTENT_REFUSE;
}

static enum intent_next mend_bind(struct intent *intent, struct held_instance *held)
{
	const struct broker_request *request = intent->request;
	const struct operation operation = {
	    .kind = OPERATION_BIND, .bind_kind = request->bind_kind, .bind_name = request->bind_name, .mends = true};
	struct held_bind bind;
	int rc = intent_find_bind(intent, KEYSPACE_BINDS, held->record.incarnation, &bind);

	if (rc == ERR_NOT_FOUND || (rc == 0 && bind.record.state != BIND_BOUND))
		return INTENT_ANSWER;
	if (rc == 0)
		rc = bind_move(&bind.record, BIND_BINDING, &intent->error);
	if (rc == 0)
		rc = intent_add_operation(intent, &held->record, &operation, &bind.record.operation);
	if (rc != 0)
		return INTENT_REFUSE;
	changes_check_instance(&intent->changes, held);
	changes_put_bind(&intent->changes, KEYSPACE_BINDS, &bind.record, bind.revision);
	return INTENT_COMMIT;
}

static enum intent_next decide_end(struct intent *intent)
{
	struct held_instance held;
	struct held_bind *binds = NULL;
	size_t count = 0;
	int rc = intent_find_instance(intent, &held);

	if (rc == 0 &&
	    (held.record.state != INSTANCE_READY || queue_has(intent->requests->queue, held.record.incarnation, ~0U)))
		return INTENT_ANSWER;
	if (rc == 0)
		rc = records_read_binds(intent->requests->catalog->records, &intent->arena, held.record.incarnation,
		                        &binds, &count, &intent->error);
	for (size_t i = 0; rc == 0 && i < count; i++) {
		if (bind_is_left(intent->requests->catalog->records, &binds[i].record))
			rc = bind_end(intent, &held.record, &binds[i]);
	}
	if (rc != 0)
		return INTENT_REFUSE;
	if (TAILQ_EMPTY(&intent->jobs))
		return INTENT_ANSWER;
	changes_use_reserve(&intent->changes);
	changes_check_instance(&intent->changes, &held);
	return INTENT_COMMIT;
}

const struct asked ask_end_logins = {decide_end, INTENT_NO_WAIT};

static enum intent_next decide_mend(struct intent *intent)
{
	const bool one = intent->request->bind_name != NULL;
	const unsigned hinders = one ? ~(1U << OPERATION_BIND) : ~0U; /* several binds are mended at once */
	struct held_instance held;

	if (intent_find_instance(intent, &held) != 0)
		return INTENT_REFUSE;
	if (held.record.state != INSTANCE_READY || queue_has(intent->requests->queue, held.record.incarnation, hinders))
		return INTENT_ANSWER;
	return one ? mend_bind(intent, &held) : mend_instance(intent, &held);
}

const struct asked ask_mend = {decide_mend, INTENT_NO_WAIT};
