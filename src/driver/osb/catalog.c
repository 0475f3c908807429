/* Reading a catalog. What is optional and of another type than the specification says counts as absent; without ids
 * and names there is nothing to offer. Source: Open Service Broker API 2.17, "Catalog Management". */
#include "catalog.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"

struct osb_catalog {
	cJSON *root;
	const cJSON *service; /* in root */
	unsigned holders;
};

static const char *text_of(const cJSON *object, const char *name)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

static bool flag_of(const cJSON *object, const char *name, bool fallback)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

	return cJSON_IsBool(item) ? cJSON_IsTrue(item) : fallback;
}

/* Has an id and a name that can be shown. */
static bool is_usable(const cJSON *item)
{
	const char *id = text_of(item, "id"), *name = text_of(item, "name");

	return id != NULL && id[0] != '\0' && name != NULL && text_is_clean(name, strlen(name));
}

static const cJSON *find_named(const cJSON *list, const char *name)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, list)
	{
		if (is_usable(item) &&
		    (strcmp(text_of(item, "name"), name) == 0 || strcmp(text_of(item, "id"), name) == 0))
			return item;
	}
	return NULL;
}

static int refuse(const char *what, const char *name, const cJSON *list, struct error *error)
{
	const cJSON *item;
	struct text names;

	text_init(&names, ERROR_TEXT_MAX);
	cJSON_ArrayForEach(item, list)
	{
		if (is_usable(item))
			text_add_format(&names, "%s%s", names.length > 0 ? ", " : "", text_of(item, "name"));
	}
	error_set(error, ERR_REFUSED, "its catalog has no %s \"%s\"; it has: %s", what, name,
	          names.length > 0 ? text_string(&names) : "none");
	text_release(&names);
	return ERR_REFUSED;
}

int catalog_parse(const char *json, const char *service, struct osb_catalog **ret_catalog, struct error *error)
{
	struct osb_catalog *catalog;
	cJSON *root = json_parse_value(json, strlen(json));
	const cJSON *services = cJSON_GetObjectItemCaseSensitive(root, "services");
	const cJSON *found = find_named(services, service);
	int rc;

	if (found != NULL && (catalog = calloc(1, sizeof(*catalog))) != NULL) {
		*catalog = (struct osb_catalog){.root = root, .service = found, .holders = 1};
		*ret_catalog = catalog;
		return 0;
	}
	if (!cJSON_IsArray(services))
		rc = error_set(error, ERR_UNAVAILABLE, "its answer is no catalog of services");
	else
		rc = found != NULL ? error_no_memory(error) : refuse("service", service, services, error);
	cJSON_Delete(root);
	return rc;
}

struct osb_catalog *catalog_hold(struct osb_catalog *catalog)
{
	catalog->holders++;
	return catalog;
}

void catalog_drop(struct osb_catalog *catalog)
{
	if (catalog == NULL || --catalog->holders > 0)
		return;
	cJSON_Delete(catalog->root);
	free(catalog);
}

/* In seconds, as the specification has it. */
static int64_t polling_of(const cJSON *plan)
{
	const int64_t second = 1000, week = 7 * 86400 * second;
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(plan, "maximum_polling_duration");

	if (!cJSON_IsNumber(item) || !(item->valuedouble > 0))
		return 0;
	return item->valuedouble * (double)second > (double)week ? week : (int64_t)(item->valuedouble * (double)second);
}

int catalog_find(const struct osb_catalog *catalog, const char *plan, struct offer *ret_offer, struct error *error)
{
	const cJSON *service = catalog->service;
	const cJSON *plans = cJSON_GetObjectItemCaseSensitive(service, "plans");
	const cJSON *found = find_named(plans, plan);

	if (found == NULL)
		return refuse("plan", plan, plans, error);
	*ret_offer = (struct offer){
	    .service_id = text_of(service, "id"),
	    .plan_id = text_of(found, "id"),
	    .plan_name = text_of(found, "name"),
	    .description = text_of(found, "description"),
	    .bindable = flag_of(found, "bindable", flag_of(service, "bindable", false)),
	    .updateable = flag_of(found, "plan_updateable", flag_of(service, "plan_updateable", false)),
	    .instances_retrievable = flag_of(service, "instances_retrievable", false),
	    .bindings_retrievable = flag_of(service, "bindings_retrievable", false),
	    .maximum_polling = polling_of(found),
	    .schemas = cJSON_GetObjectItemCaseSensitive(found, "schemas"),
	};
	return 0;
}
