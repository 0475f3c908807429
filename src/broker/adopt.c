/* Adoption: an operator makes what exists on a server an instance. tsuru learns of it by a create of the same name by
 * the same team, which takes it over. What cannot be adopted is left as it is. */
#include <string.h>

#include "broker/accept.h"
#include "broker/create.h"
#include "broker/queue.h"

static int check_request(struct intent *intent, const struct plan **ret_plan, struct host **ret_host,
                         struct error *error)
{
	const struct broker_request *request = intent->request;
	const size_t max = intent->offering->backend->driver->instance_name_max;
	int rc = instance_check_name(request->instance, error);

	if (rc == 0)
		rc = accept_plan(intent, NULL, ret_plan, error);
	if (rc == 0)
		rc = accept_parameters(intent, *ret_plan, false, error);
	if (rc != 0)
		return rc;
	if (request->resource[0] == '\0' || strlen(request->resource) > max)
		return error_set(error, ERR_INVALID, "\"resource\" is \"%.100s\"; its name has to have 1 to %zu bytes",
		                 request->resource, max);
	*ret_host = offering_host(intent->offering, request->server);
	if (*ret_host == NULL)
		return error_set(error, ERR_INVALID, "the service \"%s\" has no server \"%s\"", request->service->name,
		                 request->server != NULL ? request->server : "");
	return 0;
}

static int decide_adopt(struct intent *intent, struct changes *changes, enum intent_next *ret_next, struct error *error)
{
	const struct operation adopt = {.kind = OPERATION_ADOPT};
	const struct plan *plan = NULL;
	struct instance instance;
	struct held_instance holder;
	struct host *host = NULL;
	int rc = check_request(intent, &plan, &host, error);

	if (rc != 0)
		return rc;
	rc = records_find_instance(intent->broker, &intent->arena, intent->request->service->name,
	                           intent->request->instance, &holder, NULL, error);
	if (rc == 0)
		return error_set(error, ERR_EXISTS, "the service \"%s\" has an instance \"%s\" already",
		                 intent->request->service->name, intent->request->instance);
	if (rc == ERR_NOT_FOUND)
		rc = create_make_instance(intent, plan, host, &instance, error);
	if (rc == 0) {
		instance.resource = intent->request->resource;
		rc = intent_add_operation(intent, changes, &instance, &adopt, NULL, error);
	}
	if (rc != 0)
		return rc;
	changes_put_name(changes, &instance, REVISION_ABSENT);
	changes_put_instance(changes, &instance, REVISION_ABSENT);
	changes_count_placed(changes, &instance, 1);
	changes_count_owned(changes, &instance, 1);
	*ret_next = INTENT_COMMIT;
	return 0;
}

void broker_adopt(struct broker *broker, const struct broker_request *request, broker_done *on_done, void *arg)
{
	intent_start(broker, request, decide_adopt, 0, on_done, arg);
}
