/* What a request names. */
#include "requests/intent.h"

int intent_find_instance(struct intent *intent, struct held_instance *ret_instance)
{
	const struct broker_request *request = intent->request;
	int rc;

	if (request->incarnation != NULL) {
		rc = records_read_instance(intent->requests->catalog->records, &intent->arena, request->incarnation,
		                           ret_instance, &intent->error);
		return rc == ERR_NOT_FOUND
		           ? error_set(&intent->error, rc, "there is no instance \"%s\"", request->incarnation)
		           : rc;
	}
	rc = records_find_instance(intent->requests->catalog->records, &intent->arena, request->service->name,
	                           request->instance, ret_instance, NULL, &intent->error);
	return rc != ERR_NOT_FOUND ? rc
	                           : error_set(&intent->error, rc, "the service \"%s\" has no instance \"%s\"",
	                                       request->service->name, request->instance);
}

int intent_find_bind(struct intent *intent, enum keyspace keyspace, const char *incarnation, struct held_bind *ret_bind)
{
	return records_read_bind(intent->requests->catalog->records, &intent->arena, keyspace, incarnation,
	                         intent->request->bind_kind, intent->request->bind_name, ret_bind, &intent->error);
}
