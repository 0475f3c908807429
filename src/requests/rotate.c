/* POST rotate: a new password for one bind or for all of an instance. The old one stops working; the app has the new
 * one once it is bound again. */
#include "queue/queue.h"
#include "requests/accept.h"
#include "requests/bind.h"

static int rotate_one(struct intent *intent, struct changes *changes, const struct instance *instance,
                      struct held_bind *held, struct error *error)
{
	struct bind *bind = &held->record;
	const struct operation rotate = {
	    .kind = OPERATION_ROTATE, .bind_kind = bind->kind, .bind_name = bind->name, .renew = true};
	int rc = bind_new_secret(intent, bind, error);

	if (rc == 0)
		rc = bind_move(bind, BIND_BINDING, error);
	if (rc == 0)
		rc = intent_add_operation(intent, changes, instance, &rotate, &bind->operation, error);
	bind->updated_at = timers_wall(intent->requests->timers);
	changes_put_bind(changes, KEYSPACE_BINDS, bind, held->revision);
	return rc;
}

static bool is_meant(const struct broker_request *request, const struct bind *bind)
{
	return request->bind_kind == 0 ||
	       (bind->kind == request->bind_kind && same_text(bind->name, request->bind_name));
}

/* A rotation that has not ended: nobody was told its password, so that a repeated request asks for nothing more. */
static bool is_under_way(const struct intent *intent, const struct bind *bind)
{
	const struct job *job;

	if (bind->state != BIND_BINDING || bind->operation == NULL)
		return false;
	job = queue_find(intent->requests->queue, bind->incarnation, bind->operation, OPERATION_ROTATE);
	return job != NULL && job->kind == OPERATION_ROTATE;
}

static int decide_rotate(struct intent *intent, struct changes *changes, enum intent_next *ret_next,
                         struct error *error)
{
	const struct broker_request *request = intent->request;
	struct held_instance instance;
	struct held_bind *binds = NULL;
	size_t count = 0, rotated = 0, under_way = 0;
	int rc = intent_find_instance(intent, &instance, error);

	if (rc == 0)
		rc = records_read_binds(intent->requests->records, &intent->arena, instance.record.incarnation, &binds,
		                        &count, error);
	for (size_t i = 0; rc == 0 && i < count; i++) {
		if (!is_meant(request, &binds[i].record))
			continue;
		under_way += is_under_way(intent, &binds[i].record);
		if (binds[i].record.state != BIND_BOUND)
			continue;
		rc = rotate_one(intent, changes, &instance.record, &binds[i], error);
		rotated++;
	}
	if (rc != 0)
		return rc;
	if (rotated == 0 && under_way > 0)
		return 0;
	if (rotated == 0)
		return error_set(error, ERR_NOT_FOUND, "the instance \"%s\" has no finished bind%s%s%s",
		                 request->instance, request->bind_kind != 0 ? " of \"" : "",
		                 request->bind_kind != 0 ? request->bind_name : "",
		                 request->bind_kind != 0 ? "\"" : "");
	changes_check_instance(changes, &instance);
	*ret_next = INTENT_COMMIT;
	return 0;
}

const struct asked ask_rotate = {decide_rotate, INTENT_NO_WAIT};
