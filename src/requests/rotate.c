/* POST rotate: a new password for one bind or for all of an instance. The old one stops working; the app has the new
 * one once it is bound again. */
#include "queue/queue.h"
#include "requests/bind.h"

static int rotate_one(struct intent *intent, const struct instance *instance, struct held_bind *held)
{
	int rc = bind_new_secret(intent, &held->record);

	held->record.updated_at = timers_wall(intent->requests->catalog->timers);
	return rc != 0 ? rc : bind_rotate(intent, instance, held);
}

static bool is_meant(const struct broker_request *request, const struct bind *bind)
{
	return request->bind_kind == 0 ||
	       (bind->kind == request->bind_kind && same_text(bind->name, request->bind_name));
}

/* A rotation that has not ended: nobody was told its password, so that a repeated request asks for nothing more. */
static bool is_under_way(struct intent *intent, const struct bind *bind)
{
	const struct job *job;

	if (bind->state != BIND_BINDING || bind->operation == NULL)
		return false;
	job = queue_find(intent->requests->queue, bind->incarnation, bind->operation, OPERATION_ROTATE);
	return job != NULL && job->kind == OPERATION_ROTATE;
}

static enum intent_next decide_rotate(struct intent *intent)
{
	const struct broker_request *request = intent->request;
	struct held_instance instance;
	struct held_bind *binds = NULL;
	size_t count = 0, rotated = 0, under_way = 0;
	int rc = intent_find_instance(intent, &instance);

	if (rc == 0)
		rc = records_read_binds(intent->requests->catalog->records, &intent->arena, instance.record.incarnation,
		                        &binds, &count, &intent->error);
	for (size_t i = 0; rc == 0 && i < count; i++) {
		if (!is_meant(request, &binds[i].record))
			continue;
		under_way += is_under_way(intent, &binds[i].record);
		if (binds[i].record.state != BIND_BOUND)
			continue;
		rc = rotate_one(intent, &instance.record, &binds[i]);
		rotated++;
	}
	if (rc == 0 && rotated == 0 && under_way > 0)
		return INTENT_ANSWER;
	if (rc == 0 && rotated == 0)
		rc = error_set(&intent->error, ERR_NOT_FOUND, "the instance \"%s\" has no finished bind%s%s%s",
		               request->instance, request->bind_kind != 0 ? " of \"" : "",
		               request->bind_kind != 0 ? request->bind_name : "", request->bind_kind != 0 ? "\"" : "");
	if (rc != 0)
		return INTENT_REFUSE;
	changes_check_instance(&intent->changes, &instance);
	return INTENT_COMMIT;
}

const struct asked ask_rotate = {decide_rotate, INTENT_NO_WAIT};
