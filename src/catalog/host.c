/* Placement of new instances on the servers of a service. */
#include "catalog/host.h"

#include <stdlib.h>
#include <string.h>

#include "catalog/generation.h"
#include "records/reserve.h"

struct host *offering_host(struct offering *offering, const char *server)
{
	for (size_t i = 0; i < offering->host_count; i++) {
		const struct server *candidate = offering->hosts[i].server;

		if (candidate == NULL ? server == NULL : server != NULL && strcmp(candidate->name, server) == 0)
			return &offering->hosts[i];
	}
	return NULL;
}

int64_t host_placed(const struct host *host)
{
	const struct instance like = {.service = host->offering->service->name, .server = host->server->name};

	return reserve_count(host->offering->generation->catalog->records, COUNTER_SERVER, &like, NULL);
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
		if (service->server_count > 0) {
			host->server = &service->servers[i];
			host_read_drained(host);
		}
		offering->generation->catalog->open_host(host);
	}
	return 0;
}

const char *host_name(const struct host *host)
{
	return host->server != NULL ? host->server->name : host->offering->service->name;
}

/* The fuller of two servers is the one whose share of its weighted capacity would be larger with one more instance.
 * Servers without a capacity are compared as if each had the same. */
static bool has_more_room(const struct server *server, int64_t used, const struct server *best, int64_t best_used)
{
	int64_t room = server->weight * (server->capacity > 0 ? server->capacity : 1);
	int64_t best_room = best->weight * (best->capacity > 0 ? best->capacity : 1);

	if ((server->capacity == 0) != (best->capacity == 0)) {
		room = server->weight;
		best_room = best->weight;
	}
	return (used + 1) * best_room < (best_used + 1) * room;
}

static int refuse(const struct offering *offering, int64_t used, int64_t capacity, bool drained, struct error *error)
{
	if (drained)
		return error_set(
		    error, ERR_FORBIDDEN,
		    "every server of the service \"%s\" that could hold it is drained by its operators; try "
		    "later",
		    offering->service->name);
	return error_set(error, ERR_FORBIDDEN,
	                 "every server of the service \"%s\" is full: %lld of %lld instances are taken",
	                 offering->service->name, (long long)used, (long long)capacity);
}

int host_choose(struct offering *offering, const char *cluster, const char *pool, struct host **ret_host,
                struct error *error)
{
	struct host *best = NULL;
	int64_t taken = 0, capacity = 0, best_used = 0;
	bool drained = true; /* all that could hold it */
	int rc = service_check_place(offering->service, cluster, pool, error);

	if (rc != 0)
		return rc;
	for (size_t i = 0; i < offering->host_count; i++) {
		struct host *host = &offering->hosts[i];
		int64_t used;

		if (host->server == NULL) {
			*ret_host = host;
			return 0;
		}
		if (offering->service->multi_cluster && !server_serves(host->server, cluster, pool))
			continue;
		if (host->drained)
			continue;
		drained = false;
		used = host_placed(host);
		taken += used;
		capacity += host->server->capacity;
		if (host->server->capacity > 0 && used >= host->server->capacity)
			continue;
		if (best != NULL && !has_more_room(host->server, used, best->server, best_used))
			continue;
		best = host;
		best_used = used;
	}
	if (best == NULL)
		return refuse(offering, taken, capacity, drained, error);
	*ret_host = best;
	return 0;
}

/* ---- draining ---- */

static void drained_key(struct text *ret_key, const char *service, const char *server)
{
	text_init(ret_key, STORE_KEY_MAX);
	text_add_format(ret_key, "drained/%s/%s", service, server);
}

void host_read_drained(struct host *host)
{
	struct store_value value;
	struct text key;

	drained_key(&key, host->offering->service->name, host->server->name);
	host->drained = !key.failed && store_get(host->offering->generation->catalog->store, KEYSPACE_META,
	                                         text_string(&key), key.length, &value) == 0;
	text_release(&key);
}

void host_put_drained(const struct host *host, bool drained, struct batch *batch)
{
	struct text key;

	drained_key(&key, host->offering->service->name, host->server->name);
	if (!key.failed && drained)
		batch_put(batch, KEYSPACE_META, text_string(&key), key.length, "", 0, REVISION_ANY);
	else if (!key.failed)
		batch_delete(batch, KEYSPACE_META, text_string(&key), key.length, REVISION_ANY);
	text_release(&key);
}

void host_prepare_call(const struct host *host, struct driver_call *call, enum call_kind kind, int64_t timeout,
                       void (*on_settled)(struct driver_call *call, int code, const struct error *error), void *arg)
{
	call_init(call);
	call->kind = kind;
	call->backend = host->offering->backend;
	call->server = host->server;
	call->timeout = timeout;
	call->on_settled = on_settled;
	call->arg = arg;
}
