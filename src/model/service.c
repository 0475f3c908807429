/* Look-ups in what the configuration says of a service. */
#include "model/service.h"

#include <string.h>

const struct plan *service_plan(const struct service *service, const char *name)
{
	for (size_t i = 0; name != NULL && i < service->plan_count; i++)
		if (strcmp(service->plans[i].name, name) == 0)
			return &service->plans[i];
	return NULL;
}

const struct server *service_server(const struct service *service, const char *name)
{
	for (size_t i = 0; name != NULL && i < service->server_count; i++)
		if (strcmp(service->servers[i].name, name) == 0)
			return &service->servers[i];
	return NULL;
}
