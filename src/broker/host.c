/* Placement of new instances on the servers of a service. */
#include "broker/host.h"

#include <stdlib.h>
#include <string.h>

#include "broker/records.h"

#define PARALLEL_WITHOUT_SERVER 64

static int64_t count_placed(struct offering *offering, const struct server *server)
{
	struct text name;
	int64_t count;

	text_init(&name, STORE_KEY_MAX);
	records_counter_name(&name, offering->service->name, server->name);
	count = name.failed ? 0 : store_counter(offering->broker->store, text_string(&name));
	text_release(&name);
	return count;
}

int host_open_all(struct offering *offering, struct error *error)
{
	const struct service *service = offering->service;
	size_t count = service->server_count > 0 ? service->server_count : 1;

	offering->hosts = calloc(count, sizeof(*offering->hosts));
	if (offering->hosts == NULL)
		return error_no_memory(error);
	offering->host_count = count;
	for (size_t i = 0; i < count; i++) {
		struct host *host = &offering->hosts[i];

		host->offering = offering;
		host->parallel = PARALLEL_WITHOUT_SERVER;
		TAILQ_INIT(&host->ready);
		TAILQ_INIT(&host->unobserved);
		if (service->server_count == 0)
			continue;
		host->server = &service->servers[i];
		host->parallel = (size_t)host->server->parallel;
		host->used = count_placed(offering, host->server);
	}
	return 0;
}

void host_count(struct host *host, int64_t delta)
{
	host->used += delta;
}

const char *host_name(const struct host *host)
{
	return host->server != NULL ? host->server->name : host->offering->service->name;
}

static bool serves(const struct server *server, const char *cluster, const char *pool)
{
	if (cluster != NULL && server->cluster != NULL && strcmp(cluster, server->cluster) != 0)
		return false;
	if (pool != NULL && server->pool != NULL && strcmp(pool, server->pool) != 0)
		return false;
	return (cluster != NULL || server->cluster == NULL) && (pool != NULL || server->pool == NULL);
}

/* The fuller of two servers is the one whose share of its weighted capacity would be larger with one more instance.
 * Servers without a capacity are compared as if each had the same. */
static bool has_more_room(const struct host *host, const struct host *best)
{
	int64_t room = host->server->weight * (host->server->capacity > 0 ? host->server->capacity : 1);
	int64_t best_room = best->server->weight * (best->server->capacity > 0 ? best->server->capacity : 1);

	if ((host->server->capacity == 0) != (best->server->capacity == 0)) {
		room = host->server->weight;
		best_room = best->server->weight;
	}
	return (host->used + 1) * best_room < (best->used + 1) * room;
}

static int refuse(const struct offering *offering, int64_t used, int64_t capacity, bool matched, struct error *error)
{
	if (!matched)
		return error_set(error, ERR_INVALID,
		                 "no server of the service \"%s\" serves this pool or cluster; ask for another pool",
		                 offering->service->name);
	return error_set(error, ERR_FORBIDDEN,
	                 "every server of the service \"%s\" is full: %lld of %lld instances are taken",
	                 offering->service->name, (long long)used, (long long)capacity);
}

int host_choose(struct offering *offering, const char *cluster, const char *pool, struct host **ret_host,
                struct error *error)
{
	struct host *best = NULL;
	int64_t used = 0, capacity = 0;
	bool matched = false;

	for (size_t i = 0; i < offering->host_count; i++) {
		struct host *host = &offering->hosts[i];

		if (host->server == NULL) {
			*ret_host = host;
			return 0;
		}
		if (offering->service->multi_cluster && !serves(host->server, cluster, pool))
			continue;
		matched = true;
		used += host->used;
		capacity += host->server->capacity;
		if (host->server->capacity > 0 && host->used >= host->server->capacity)
			continue;
		if (best == NULL || has_more_room(host, best))
			best = host;
	}
	if (best == NULL)
		return refuse(offering, used, capacity, matched, error);
	*ret_host = best;
	return 0;
}
