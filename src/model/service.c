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

bool server_serves(const struct server *server, const char *cluster, const char *pool)
{
	if (cluster != NULL && server->cluster != NULL && strcmp(cluster, server->cluster) != 0)
		return false;
	if (pool != NULL && server->pool != NULL && strcmp(pool, server->pool) != 0)
		return false;
	return (cluster != NULL || server->cluster == NULL) && (pool != NULL || server->pool == NULL);
}

static int refuse_place(const struct service *service, const char *cluster, const char *pool, struct error *error)
{
	if (cluster == NULL && pool == NULL)
		return error_set(error, ERR_INVALID,
		                 "the service \"%s\" runs in several clusters; name a pool with --pool", service->name);
	if (cluster == NULL)
		return error_set(error, ERR_INVALID,
		                 "no server of the service \"%s\" serves the pool \"%s\"; ask for another pool",
		                 service->name, pool);
	if (pool == NULL)
		return error_set(
		    error, ERR_INVALID,
		    "no server of the service \"%s\" serves the cluster \"%s\"; ask for a pool of another one",
		    service->name, cluster);
	return error_set(
	    error, ERR_INVALID,
	    "no server of the service \"%s\" serves the pool \"%s\" of the cluster \"%s\"; ask for another pool",
	    service->name, pool, cluster);
}

int service_check_place(const struct service *service, const char *cluster, const char *pool, struct error *error)
{
	if (!service->multi_cluster)
		return 0;
	for (size_t i = 0; (cluster != NULL || pool != NULL) && i < service->server_count; i++)
		if (server_serves(&service->servers[i], cluster, pool))
			return 0;
	return refuse_place(service, cluster, pool, error);
}
