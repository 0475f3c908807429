/* POST rotate: a new password for one bind or for all of an instance. The old one stops working; the app has the new
 * one once it is bound again. What the instance's parameters say for the bind by now holds from here on. */
#include <cjson/cJSON.h>

#include "model/parameters.h"
#include "queue/queue.h"
#include "requests/accept.h"
#include "requests/bind.h"

static int rotate_one(struct intent *intent, const struct instance *instance, const struct cJSON *parameters,
                      struct held_bind *held)
{
	int rc = accept_bind_parameters(intent, parameters, bind_sent(&held->record), &held->record);

	if (rc == 0)
		rc = bind_new_secret(intent, &held->record);
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

/* How many of the binds that are meant are given a new password, and how many are about to have one. */
struct meant {
	size_t rotated, under_way;
};

static int rotate_all(struct intent *intent, const struct instance *instance, const struct cJSON *parameters,
                      struct meant *meant)
{
	struct held_bind *binds = NULL;
	size_t count = 0;
	int rc = records_read_binds(intent->requests->catalog->records, &intent->arena, instance->incarnation, &binds,
	                            &count, &intent->error);

	for (size_t i = 0; rc == 0 && i < count; i++) {
		if (!is_meant(intent->request, &binds[i].record))
			continue;
		meant->under_way += is_under_way(intent, &binds[i].record);
		if (binds[i].record.state != BIND_BOUND)
			continue;
		rc = rotate_one(intent, instance, parameters, &binds[i]);
		meant->rotated++;
	}
	return rc;
}

static int refuse_none(struct intent *intent)
{
	const struct broker_request *request = intent->request;
	const bool one = request->bind_kind != 0;

	return error_set(&intent->error, ERR_NOT_FOUND, "the instance \"%s\" has no finished bind%s%s%s",
	                 request->instance, one ? " of \"" : "", one ? request->bind_name : "", one ? "\"" : "");
}

static enum intent_next decide_rotate(struct intent *intent)
{
	struct cJSON *parameters = NULL;
	struct held_instance instance;
	struct meant meant = {0};
	int rc = intent_find_instance(intent, &instance);

	if (rc == 0)
		rc = parameters_parse(instance.record.parameters, &parameters, &intent->error);
	if (rc == 0)
		rc = rotate_all(intent, &instance.record, parameters, &meant);
	cJSON_Delete(parameters);
	if (rc == 0 && meant.rotated == 0 && meant.under_way > 0)
		return INTENT_ANSWER;
	if (rc == 0 && meant.rotated == 0)
		rc = refuse_none(intent);
	if (rc != 0)
		return INTENT_REFUSE;
	changes_check_instance(&intent->changes, &instance);
	return INTENT_COMMIT;
}

const struct asked ask_rotate = {decide_rotate, INTENT_NO_WAIT};
