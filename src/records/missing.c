/* Read from the counters of instances, of which there is one for each server and for each plan: a store with a million
 * instances is told about as fast as any other. */
#include "records/missing.h"

#include <string.h>

#include "records/records.h"
#include "records/show.h"

/* See records_counter_name. */
static const char of_servers[] = "instances/", of_plans[] = "plans/";

#define COUNTED_MAX (STORE_KEY_MAX + 1)

struct missing {
	const struct config *config;
	void (*on_service)(struct missing *missing);
	const struct log *log;
	struct text *json;
	char service[COUNTED_MAX]; /* that is being added up; "": none yet */
	int64_t instances;
};

/* Takes "prefix/service/rest" apart; false when it is no such counter, or is 0. */
static bool read_counter(const char *prefix, const void *key, size_t key_length, const struct store_value *value,
                         char *service, char **ret_rest, int64_t *ret_count)
{
	const size_t length = key_length - strlen(prefix);
	char *slash;

	if (length >= COUNTED_MAX || value->length != sizeof(*ret_count))
		return false;
	memcpy(service, (const char *)key + strlen(prefix), length);
	service[length] = '\0';
	memcpy(ret_count, value->bytes, sizeof(*ret_count));
	slash = strchr(service, '/');
	if (slash == NULL || *ret_count <= 0)
		return false;
	*slash = '\0';
	*ret_rest = slash + 1;
	return true;
}

/* ---- services ---- */

static void end_service(struct missing *missing)
{
	if (missing->instances > 0 && config_service(missing->config, missing->service) == NULL)
		missing->on_service(missing);
	missing->instances = 0;
}

/* The plans of a service follow each other. */
static bool on_plan(void *arg, const void *key, size_t key_length, const struct store_value *value)
{
	struct missing *missing = arg;
	char service[COUNTED_MAX];
	char *plan;
	int64_t count;

	if (!read_counter(of_plans, key, key_length, value, service, &plan, &count))
		return true;
	if (strcmp(service, missing->service) != 0)
		end_service(missing);
	strcpy(missing->service, service);
	missing->instances += count;
	return true;
}

static void each_service(struct missing *missing, struct store *store)
{
	(void)store_scan(store, KEYSPACE_COUNTERS, of_plans, strlen(of_plans), NULL, 0, on_plan, missing);
	end_service(missing);
}

static void log_service(struct missing *missing)
{
	struct log_line line;

	log_begin(&line, missing->log, LOG_WARNING, "service-missing");
	log_text(&line, "service", missing->service);
	log_number(&line, "instances", missing->instances);
	log_text(&line, "message",
	         "the configuration does not have it: its instances are kept, and tsuru is answered 503 for them");
	log_end(&line);
}

static void show_service(struct missing *missing)
{
	show_comma(missing->json);
	text_add(missing->json, "{");
	show_text(missing->json, "service", missing->service);
	show_number(missing->json, "instances", missing->instances);
	text_add(missing->json, "}");
}

void missing_show(struct store *store, const struct config *config, struct text *ret_json)
{
	struct missing missing = {.config = config, .on_service = show_service, .json = ret_json};

	text_add(ret_json, "[");
	each_service(&missing, store);
	text_add(ret_json, "]");
}

/* ---- servers ---- */

static bool has_server(const struct config *config, const char *name, const char *server)
{
	const struct service *service = config_service(config, name);

	return service != NULL && service_server(service, server) != NULL;
}

static bool on_server(void *arg, const void *key, size_t key_length, const struct store_value *value)
{
	const struct missing *missing = arg;
	char service[COUNTED_MAX];
	struct log_line line;
	char *server;
	int64_t count;

	if (!read_counter(of_servers, key, key_length, value, service, &server, &count) ||
	    has_server(missing->config, service, server))
		return true;
	server[-1] = '/';
	log_begin(&line, missing->log, LOG_WARNING, "server-missing");
	log_text(&line, "server", service);
	log_number(&line, "instances", count);
	log_text(&line, "message",
	         "the configuration does not have it: its instances are kept, and their work waits for it");
	log_end(&line);
	return true;
}

void missing_log(struct store *store, const struct config *config, const struct log *log)
{
	struct missing missing = {.config = config, .on_service = log_service, .log = log};

	each_service(&missing, store);
	(void)store_scan(store, KEYSPACE_COUNTERS, of_servers, strlen(of_servers), NULL, 0, on_server, &missing);
}
