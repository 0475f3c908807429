/* Adoption: an operator makes what exists on a server an instance. tsuru learns of it by a create of the same name by
 * the same team, which takes it over. What cannot be adopted is left as it is. */
#include <string.h>

#include "queue/queue.h"
#include "requests/accept.h"
#include "requests/create.h"

static int check_request(struct intent *intent, const struct plan **ret_plan, struct host **ret_host)
{
	const struct broker_request *request = intent->request;
	const size_t max = intent->offering->backend->driver->instance_name_max;
	int rc = instance_check_name(request->instance, &intent->error);

	if (rc == 0)
		rc = accept_plan(intent, NULL, ret_plan);
	if (rc == 0)
		rc = accept_parameters(intent, *ret_plan, false);
	if (rc != 0)
		return rc;
	if (request->resource[0] == '\0' || strlen(request->resource) > max)
		return error_set(&intent->error, ERR_INVALID,
		                 "\"resource\" is \"%.100s\"; its name has to have 1 to %zu bytes", request->resource,
		                 max);
	*ret_host = offering_host(intent->offering, request->server);
	if (*ret_host == NULL)
		return error_set(&intent->error, ERR_INVALID, "the service \"%s\" has no server \"%s\"",
		                 request->service->name, request->server != NULL ? request->server : "");
	return 0;
}

/* What is an instance of any service of the driver on the same server, retained ones included. */
struct search {
	struct catalog *catalog;
	const struct driver *driver;
	const struct server *server;
	const char *resource;
	struct error *error; /* ERR_EXISTS once one was found */
};

/* NULL: the driver's servers have none. */
static const char *url_of(const struct server *server)
{
	for (size_t i = 0; server != NULL && i < server->options.count; i++)
		if (strcmp(server->options.items[i].key->name, "url") == 0)
			return options_text(&server->options, "url");
	return NULL;
}

/* Where a url leads: what stands behind the login and before the path. */
static const char *place_of(const struct server *server, size_t *ret_length)
{
	const char *url = url_of(server);
	const char *at = url != NULL ? strrchr(url, '@') : NULL;
	const char *scheme = url != NULL ? strstr(url, "://") : NULL;
	const char *place = at != NULL ? at + 1 : scheme != NULL ? scheme + 3 : url;

	*ret_length = place != NULL ? strcspn(place, "/?") : 0;
	return place;
}

/* Servers of two services are one when their urls lead to one place. One machine under two names is not told from two
 * here: the driver looks at what is there, too. */
static bool is_one_server(const struct server *a, const struct server *b)
{
	size_t a_length, b_length;
	const char *a_place = place_of(a, &a_length), *b_place = place_of(b, &b_length);

	return a == b ||
	       (a_place != NULL && b_place != NULL && a_length == b_length && memcmp(a_place, b_place, a_length) == 0);
}

static bool is_on_server(const struct search *search, const struct instance *instance)
{
	struct offering *offering = catalog_offering(search->catalog, instance->service);
	const struct host *host = offering != NULL ? offering_host(offering, instance->server) : NULL;

	return host != NULL && host->server != NULL && offering->backend->driver == search->driver &&
	       is_one_server(host->server, search->server);
}

static bool on_instance(void *arg, const void *key, size_t key_length, const struct store_value *value)
{
	struct search *search = arg;
	struct instance instance;

	(void)key;
	(void)key_length;
	if (instance_decode(value->bytes, value->length, &instance, NULL) != 0 ||
	    strcmp(instance.resource, search->resource) != 0 || !is_on_server(search, &instance))
		return true;
	error_set(search->error, ERR_EXISTS, "\"%s\" is the instance \"%s\" of the service \"%s\" already, which is %s",
	          search->resource, instance.name, instance.service, instance_state_name(instance.state));
	return false;
}

static int check_resource(struct intent *intent, const struct host *host)
{
	struct search search = {.catalog = intent->requests->catalog,
	                        .driver = intent->offering->backend->driver,
	                        .server = host->server,
	                        .resource = intent->request->resource,
	                        .error = &intent->error};
	int rc;

	error_clear(&intent->error);
	rc = store_scan(intent->requests->catalog->store, KEYSPACE_INSTANCES, "", 0, NULL, 0, on_instance, &search);
	return rc != 0 ? error_set(&intent->error, rc, "the store cannot be read") : intent->error.code;
}

static enum intent_next decide_adopt(struct intent *intent)
{
	const struct broker_request *request = intent->request;
	const struct operation adopt = {.kind = OPERATION_ADOPT, .keep_owner = request->keep_owner};
	const struct plan *plan = NULL;
	struct instance instance;
	struct held_instance holder;
	struct host *host = NULL;
	int rc = check_request(intent, &plan, &host);

	if (rc != 0 || host == NULL)
		return INTENT_REFUSE;
	rc = records_find_instance(intent->requests->catalog->records, &intent->arena, request->service->name,
	                           request->instance, &holder, NULL, &intent->error);
	if (rc == 0)
		rc = error_set(&intent->error, ERR_EXISTS, "the service \"%s\" has an instance \"%s\" already",
		               request->service->name, request->instance);
	else if (rc == ERR_NOT_FOUND)
		rc = check_resource(intent, host);
	if (rc == 0)
		rc = create_make_instance(intent, plan, host, &instance);
	if (rc != 0)
		return INTENT_REFUSE;
	instance.resource = request->resource;
	if (intent_add_operation(intent, &instance, &adopt, NULL) != 0)
		return INTENT_REFUSE;
	create_put_instance(intent, &instance, REVISION_ABSENT);
	return INTENT_COMMIT;
}

const struct asked ask_adopt = {decide_adopt, 0};
