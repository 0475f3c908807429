/* Strays: what no record knows of, kept in the order that it was found in. */
#include "upkeep/strays.h"

#include <stdlib.h>
#include <string.h>

#include "records/show.h"

#define STRAYS_MAX 1000 /* kept in memory */

struct stray {
	TAILQ_ENTRY(stray) entry;
	const char *kind;
	char service[SERVICE_NAME_MAX + 1], server[SERVER_NAME_MAX + 1];
	char name[];
};

static bool is_of(const struct stray *stray, const char *service, const char *server)
{
	return strcmp(stray->service, service) == 0 && strcmp(stray->server, server) == 0;
}

void strays_drop(struct strays *strays, const char *service, const char *server)
{
	struct stray *stray, *next;

	for (stray = TAILQ_FIRST(&strays->list); stray != NULL; stray = next) {
		next = TAILQ_NEXT(stray, entry);
		if (service != NULL && !is_of(stray, service, server))
			continue;
		TAILQ_REMOVE(&strays->list, stray, entry);
		strays->count--;
		free(stray);
	}
}

static void log_stray(const struct log *log, const char *service, const char *server, const struct name *name)
{
	struct log_line line;

	log_begin(&line, log, LOG_WARNING, "drift");
	log_text(&line, "service", service);
	log_text(&line, "server", server);
	log_text(&line, "kind", "stray");
	log_text(&line, "found", name->text);
	log_text(&line, "action", "none");
	log_end(&line);
}

void strays_add(struct strays *strays, const struct log *log, const char *service, const char *server,
                const struct name *name)
{
	const size_t size = strlen(name->text) + 1;
	struct stray *stray = strays->count < STRAYS_MAX ? calloc(1, sizeof(*stray) + size) : NULL;

	log_stray(log, service, server, name);
	if (stray == NULL)
		return;
	stray->kind = name->kind;
	memcpy(stray->name, name->text, size);
	strcpy(stray->service, service);
	strcpy(stray->server, server);
	TAILQ_INSERT_TAIL(&strays->list, stray, entry);
	strays->count++;
}

size_t strays_count(const struct strays *strays, const char *service)
{
	const struct stray *stray;
	size_t count = 0;

	TAILQ_FOREACH (stray, &strays->list, entry)
		count += strcmp(stray->service, service) == 0;
	return count;
}

void strays_show(const struct strays *strays, struct text *json)
{
	const struct stray *stray;

	show_name(json, "strays");
	text_add(json, "[");
	TAILQ_FOREACH (stray, &strays->list, entry) {
		show_comma(json);
		text_add(json, "{");
		show_text(json, "service", stray->service);
		show_text(json, "server", stray->server);
		show_text(json, "kind", stray->kind);
		show_text(json, "name", stray->name);
		text_add(json, "}");
	}
	text_add(json, "]");
}

/* ---- what is none ---- */

static bool on_bind(void *arg, const void *key, size_t key_length, const struct store_value *value)
{
	struct name **names = arg;
	struct bind bind;

	(void)key;
	(void)key_length;
	if (bind_decode(value->bytes, value->length, &bind, NULL) == 0)
		(void)names_take(names, LIST_LOGIN, bind.login);
	return true;
}

/* Whether the record may be of something on the server. Another service with the same driver may use the same server,
 * under whatever name; what it has is no stray. */
static bool may_be_there(struct catalog *catalog, const char *service, const char *server,
                         const struct instance *instance)
{
	const struct offering *offering, *other;

	if (instance->server == NULL)
		return false;
	if (strcmp(instance->service, service) == 0)
		return strcmp(instance->server, server) == 0;
	offering = catalog_offering(catalog, service);
	other = catalog_offering(catalog, instance->service);
	return offering == NULL || other == NULL || offering->backend->driver == other->backend->driver;
}

/* A living database in the place of a retained one is told, and the other way round; one that is on its way to be
 * removed may be either. */
static void take_off_resource(struct name **names, const struct instance *instance)
{
	if (instance->state != INSTANCE_RETAINED)
		(void)names_take(names, LIST_INSTANCE, instance->resource);
	if (instance->state == INSTANCE_RETAINED || instance->state == INSTANCE_REMOVING ||
	    instance->state == INSTANCE_REMOVAL_FAILED || instance->retained_until > 0)
		(void)names_take(names, LIST_RETIRED, instance->resource);
}

void strays_take_off(struct name **names, struct catalog *catalog, const char *service, const char *server,
                     const struct instance *instance)
{
	struct text prefix;

	if (!may_be_there(catalog, service, server, instance))
		return;
	take_off_resource(names, instance);
	text_init(&prefix, STORE_KEY_MAX);
	key_incarnation_prefix(&prefix, instance->incarnation);
	if (!prefix.failed)
		(void)store_scan(catalog->store, KEYSPACE_BINDS, text_string(&prefix), prefix.length, NULL, 0, on_bind,
		                 names);
	text_release(&prefix);
}
