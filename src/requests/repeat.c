/* Where a forwarded request has left its id: with the instance that has the name now, or with the last that had it. */
#include "requests/repeat.h"

#include "model/service.h"

struct look_up {
	struct records *records;
	struct arena *arena;
	const struct broker_request *request;
	const char *id;
	struct error *error;
};

static enum repeat fail(const struct look_up *search, const char *failure, int64_t code)
{
	error_set(search->error, code > 0 ? -(int)code : ERR_REFUSED, "%s",
	          failure != NULL ? failure : "it failed; no reason is known");
	return REPEAT_FAILED;
}

/* An instance that its create has not made yet, or is not gone yet, has an operation to be waited for; where that is
 * another request's, which this one had joined, the decision joins it again. */
static enum repeat look_at_record(const struct look_up *search, const struct instance *instance)
{
	const enum instance_state state = instance->state;

	if (same_text(instance->made_by, search->id) && state == INSTANCE_FAILED)
		return fail(search, instance->failure, instance->failure_code);
	if (same_text(instance->made_by, search->id) && state != INSTANCE_CREATING)
		return REPEAT_DONE;
	if (same_text(instance->ended_by, search->id) && state != INSTANCE_REMOVING && state != INSTANCE_REMOVAL_FAILED)
		return REPEAT_DONE;
	return REPEAT_NONE;
}

static enum repeat look_at_instance(const struct look_up *search, const struct instance *instance,
                                    struct held_operation *ret_operation)
{
	const int rc = records_find_repeat(search->records, search->arena, instance->incarnation, search->id,
	                                   ret_operation, search->error);

	if (rc == 0)
		return REPEAT_OPERATION;
	return rc == ERR_NOT_FOUND ? look_at_record(search, instance) : REPEAT_FAILED;
}

static enum repeat look_at_tombstone(const struct look_up *search)
{
	struct held_tombstone held;
	const int rc = records_read_tombstone(search->records, search->arena, search->request->service->name,
	                                      search->request->instance, &held, search->error);

	if (rc != 0)
		return rc == ERR_NOT_FOUND ? REPEAT_NONE : REPEAT_FAILED;
	if (same_text(held.record.made_by, search->id) && held.record.failure != NULL)
		return fail(search, held.record.failure, held.record.failure_code);
	return same_text(held.record.made_by, search->id) || same_text(held.record.ended_by, search->id) ? REPEAT_DONE
	                                                                                                 : REPEAT_NONE;
}

static int find_instance(const struct look_up *search, struct held_instance *ret_instance)
{
	const struct broker_request *request = search->request;

	if (request->incarnation != NULL)
		return records_read_instance(search->records, search->arena, request->incarnation, ret_instance,
		                             search->error);
	return records_find_instance(search->records, search->arena, request->service->name, request->instance,
	                             ret_instance, NULL, search->error);
}

enum repeat repeat_look(struct records *records, struct arena *arena, const struct broker_request *request,
                        struct held_operation *ret_operation, struct error *error)
{
	const struct look_up search = {
	    .records = records,
	    .arena = arena,
	    .request = request,
	    .id = request->caller.repeat,
	    .error = error,
	};
	enum repeat found = REPEAT_NONE;
	struct held_instance held;
	const int rc = find_instance(&search, &held);

	if (rc != 0 && rc != ERR_NOT_FOUND)
		return REPEAT_FAILED;
	if (rc == 0)
		found = look_at_instance(&search, &held.record, ret_operation);
	return found == REPEAT_NONE && request->incarnation == NULL ? look_at_tombstone(&search) : found;
}
