/* What a configuration would do to the instances of a store. The store is read as `ctl export` reads it: beside a
 * broker that runs, or without one. */
#include "cli/census.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "model/model.h"
#include "store/copy.h"

struct placement {
	struct placement *next;
	const char *service, *server; /* "": the driver has none */
	size_t instances;
};

struct maker {
	struct maker *next;
	const char *service, *driver;
};

struct census {
	struct arena arena;
	struct placement *places;
	struct maker *makers;
};

/* ---- counting ---- */

static struct placement *find_place(struct census *census, const char *service, const char *server)
{
	struct placement *place = census->places;

	while (place != NULL && (strcmp(place->service, service) != 0 || strcmp(place->server, server) != 0))
		place = place->next;
	if (place != NULL)
		return place;
	place = arena_alloc(&census->arena, sizeof(*place));
	if (place == NULL)
		return NULL;
	place->service = arena_text(&census->arena, service);
	place->server = arena_text(&census->arena, server);
	place->next = census->places;
	if (arena_failed(&census->arena))
		return NULL;
	census->places = place;
	return place;
}

static int count_instance(struct census *census, const struct store_value *value, struct error *error)
{
	struct instance instance;
	struct placement *place;
	int rc = instance_decode(value->bytes, value->length, &instance, error);

	if (rc != 0)
		return rc;
	place = find_place(census, instance.service, instance.server != NULL ? instance.server : "");
	if (place == NULL)
		return error_no_memory(error);
	place->instances++;
	return 0;
}

static int note_maker(struct census *census, const char *key, size_t length, const struct store_value *value,
                      struct error *error)
{
	const size_t prefix = strlen(KEY_DRIVER);
	struct maker *maker;

	if (length <= prefix || memcmp(key, KEY_DRIVER, prefix) != 0)
		return 0;
	maker = arena_alloc(&census->arena, sizeof(*maker));
	if (maker == NULL)
		return error_no_memory(error);
	maker->service = arena_bytes(&census->arena, key + prefix, length - prefix);
	maker->driver = arena_bytes(&census->arena, value->bytes, value->length);
	maker->next = census->makers;
	if (arena_failed(&census->arena))
		return error_no_memory(error);
	census->makers = maker;
	return 0;
}

static int on_record(void *arg, enum keyspace keyspace, const void *key, size_t key_length,
                     const struct store_value *value, struct error *error)
{
	if (keyspace == KEYSPACE_INSTANCES)
		return count_instance(arg, value, error);
	return keyspace == KEYSPACE_META ? note_maker(arg, key, key_length, value, error) : 0;
}

/* ---- telling ---- */

static size_t count_of(const struct census *census, const char *service)
{
	size_t count = 0;

	for (const struct placement *place = census->places; place != NULL; place = place->next)
		count += strcmp(place->service, service) == 0 ? place->instances : 0;
	return count;
}

static const struct placement *find_first(const struct census *census, const char *service)
{
	const struct placement *place = census->places;

	while (place != NULL && strcmp(place->service, service) != 0)
		place = place->next;
	return place;
}

static bool tell_maker(const struct census *census, const struct maker *maker, const struct config *config, FILE *err)
{
	const struct service *service = config_service(config, maker->service);
	const size_t count = count_of(census, maker->service);

	if (service == NULL || count == 0 || strcmp(service->driver, maker->driver) == 0)
		return false;
	fprintf(
	    err,
	    "%s: the service \"%s\": the store has %zu instance%s that the driver \"%s\" made; \"driver\" cannot be "
	    "\"%s\" as long as there is one\n",
	    config->file, maker->service, count, count == 1 ? "" : "s", maker->driver, service->driver);
	return true;
}

/* What has no place: of the whole service once, else of the server. */
static void tell_place(const struct census *census, const struct placement *place, const struct config *config,
                       FILE *err)
{
	const struct service *service = config_service(config, place->service);
	const size_t count = service == NULL ? count_of(census, place->service) : place->instances;
	const char *plural = count == 1 ? "" : "s", *them = count == 1 ? "it" : "them";

	if (service == NULL && place == find_first(census, place->service))
		fprintf(
		    err,
		    "%s: note: the store has %zu instance%s of the service \"%s\", which is not here: kept, tsuru is "
		    "answered 503 for %s, and work on %s waits\n",
		    config->file, count, plural, place->service, them, them);
	else if (service != NULL && place->server[0] != '\0' && service_server(service, place->server) == NULL)
		fprintf(
		    err,
		    "%s: note: the store has %zu instance%s of %s/%s, which is not here: kept, and work on %s waits\n",
		    config->file, count, plural, place->service, place->server, them);
}

size_t census_check(const struct config *config, FILE *err)
{
	struct census census = {0};
	size_t faults = 0;
	struct error error;

	arena_init(&census.arena);
	if (store_dump(config->data_dir, on_record, &census, &error) == 0) {
		for (const struct maker *maker = census.makers; maker != NULL; maker = maker->next)
			faults += tell_maker(&census, maker, config, err);
		for (const struct placement *place = census.places; place != NULL; place = place->next)
			tell_place(&census, place, config, err);
	}
	arena_release(&census.arena);
	return faults;
}
