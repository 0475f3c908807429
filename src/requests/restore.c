/* Undelete: an operator takes a removal back while its content is retained, or after it failed or was canceled. tsuru
 * may have no row of the instance any more: a create of the same name by the same team takes it over. */
#include "requests/restore.h"

#include <string.h>

#include "queue/queue.h"
#include "records/forget.h"
#include "requests/accept.h"

/* *ret_holds: the name is the instance's own already, as when its removal failed. */
static int check_name(struct intent *intent, const struct instance *instance, const char *name, bool *ret_holds)
{
	struct held_instance holder;
	int rc = instance_check_name(name, &intent->error);

	*ret_holds = false;
	if (rc != 0)
		return rc;
	rc = records_find_instance(intent->requests->catalog->records, &intent->arena, instance->service, name, &holder,
	                           NULL, &intent->error);
	if (rc != 0)
		return rc == ERR_NOT_FOUND ? 0 : rc;
	*ret_holds = strcmp(holder.record.incarnation, instance->incarnation) == 0;
	return *ret_holds ? 0
	                  : error_set(&intent->error, ERR_EXISTS,
	                              "the name \"%s\" is that of a newer instance; give another one to bring it back "
	                              "under",
	                              name);
}

/* The removal under the old name was accepted: a repeat of it is success (S9). */
static int take_name(struct intent *intent, struct instance *instance, const char *name)
{
	bool holds;
	int rc = check_name(intent, instance, name, &holds);

	if (rc != 0 || holds)
		return rc;
	rc = forget_name(&intent->arena, &intent->changes, instance, &intent->error);
	if (rc != 0)
		return rc;
	changes_put_tombstone(&intent->changes, instance, timers_wall(intent->requests->catalog->timers));
	instance->name = name;
	changes_put_instance(&intent->changes, KEYSPACE_NAMES, instance, REVISION_ABSENT);
	return 0;
}

enum intent_next restore_begin(struct intent *intent, struct held_instance *held, const char *name)
{
	const struct operation restore = {.kind = OPERATION_RESTORE};
	struct instance *instance = &held->record;
	const bool retained = instance->state == INSTANCE_RETAINED;
	int rc;

	if (retained)
		changes_delete_instance(&intent->changes, KEYSPACE_RETAINED, instance, REVISION_ANY);
	rc = take_name(intent, instance, name);
	if (rc == 0)
		rc = instance_move(instance, INSTANCE_READY, &intent->error);
	if (rc == 0)
		rc = intent_add_operation(intent, instance, &restore, NULL);
	if (rc != 0)
		return INTENT_REFUSE;
	instance->was_bound = false; /* so that a create can take it over */
	instance->updated_at = timers_wall(intent->requests->catalog->timers);
	changes_put_instance(&intent->changes, KEYSPACE_INSTANCES, instance, held->revision);
	if (retained)
		changes_count_owned(&intent->changes, instance, 1);
	return INTENT_COMMIT;
}

/* There is something that can be brought back. */
static int accept_restore(struct intent *intent, const struct instance *instance)
{
	const struct driver *driver = intent->offering->backend->driver;

	if (instance->state == INSTANCE_REMOVING)
		return error_set(
		    &intent->error, ERR_INVALID,
		    "the instance \"%s\" is being removed; cancel its removal (ctl cancel), or wait for its end",
		    instance->incarnation);
	if (instance->state != INSTANCE_RETAINED && instance->state != INSTANCE_REMOVAL_FAILED)
		return error_set(
		    &intent->error, ERR_INVALID,
		    "the instance \"%s\" is %s; only one that is retained, or whose removal failed, can be "
		    "brought back",
		    instance->incarnation, instance_state_name(instance->state));
	if (instance->plan == NULL)
		return error_set(&intent->error, ERR_REFUSED,
		                 "the instance \"%s\" never was ready; it can only be removed again",
		                 instance->incarnation);
	if (!driver->retires)
		return error_set(
		    &intent->error, ERR_REFUSED,
		    "the driver \"%s\" cannot bring the instance \"%s\" back; it can only be removed again",
		    driver->name, instance->incarnation);
	return 0;
}

static enum intent_next decide_restore(struct intent *intent)
{
	const char *name = intent->request->instance;
	struct held_instance held;
	int rc = intent_find_instance(intent, &held);

	if (rc == 0 && held.record.state == INSTANCE_READY && held.record.removal != 0) /* it is on its way */
		return intent_join(intent, held.record.incarnation, NULL, OPERATION_RESTORE);
	if (rc == 0)
		rc = accept_restore(intent, &held.record);
	return rc == 0 ? restore_begin(intent, &held, name != NULL ? name : held.record.name) : INTENT_REFUSE;
}

const struct asked ask_restore = {decide_restore, 0};
