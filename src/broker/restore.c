/* Undelete: an operator takes a removal back while its content is retained. tsuru has no row of the instance any more:
 * a create of the same name by the same team takes it over. */
#include "broker/accept.h"
#include "broker/queue.h"

static int check_name(struct intent *intent, const struct instance *instance, const char *name, struct error *error)
{
	struct held_instance holder;
	int rc = instance_check_name(name, error);

	if (rc != 0)
		return rc;
	rc = records_find_instance(intent->broker, &intent->arena, instance->service, name, &holder, NULL, error);
	if (rc == 0)
		return error_set(error, ERR_EXISTS,
		                 "the name \"%s\" is that of a newer instance; give another one to bring it back under",
		                 name);
	return rc == ERR_NOT_FOUND ? 0 : rc;
}

static int decide_restore(struct intent *intent, struct changes *changes, enum intent_next *ret_next,
                          struct error *error)
{
	const struct operation restore = {.kind = OPERATION_RESTORE};
	struct held_instance held;
	struct instance *instance = &held.record;
	const char *name;
	int rc = intent_find_instance(intent, &held, error);

	if (rc != 0)
		return rc;
	if (instance->state != INSTANCE_RETAINED)
		return error_set(error, ERR_INVALID,
		                 "the instance \"%s\" is %s; only a retained one can be brought back",
		                 instance->incarnation, instance_state_name(instance->state));
	name = intent->request->instance != NULL ? intent->request->instance : instance->name;
	rc = check_name(intent, instance, name, error);
	if (rc == 0)
		rc = instance_move(instance, INSTANCE_READY, error);
	if (rc == 0)
		rc = intent_add_operation(intent, changes, instance, &restore, NULL, error);
	if (rc != 0)
		return rc;
	changes_delete_retained(changes, instance);
	instance->name = name;
	instance->was_bound = false; /* so that a create can take it over */
	instance->updated_at = timers_wall(intent->broker->timers);
	changes_put_name(changes, instance, REVISION_ABSENT);
	changes_put_instance(changes, instance, held.revision);
	changes_count_owned(changes, instance, 1);
	*ret_next = INTENT_COMMIT;
	return 0;
}

void broker_restore(struct broker *broker, const struct broker_request *request, broker_done *on_done, void *arg)
{
	intent_start(broker, request, decide_restore, 0, on_done, arg);
}
