/* Requests to the upstream. Bodies are written as text; only parameters, which are merged and cast, go through a tree.
 */
#include "request.h"

#include <cjson/cJSON.h>
#include <string.h>

#include "base/json.h"
#include "model/defaults.h"
#include "model/parameters.h"

#define PLATFORM "tsuru"

/* Ours, not the upstream's: each is every driver's. So is what an instance has for its binds alone. */
static const char *const own_parameters[] = {PARAMETER_PROTECTION, PARAMETER_ENV_PREFIX, NULL};

/* ---- parameters ---- */

/* Whether the schema of a property allows the type, by name or in a list of names. */
static bool allows(const cJSON *property, const char *type)
{
	const cJSON *types = cJSON_GetObjectItemCaseSensitive(property, "type");
	const cJSON *item;

	if (cJSON_IsString(types))
		return strcmp(types->valuestring, type) == 0;
	cJSON_ArrayForEach(item, types)
	{
		if (cJSON_IsString(item) && strcmp(item->valuestring, type) == 0)
			return true;
	}
	return false;
}

static bool fits(const cJSON *value, const cJSON *property)
{
	if (cJSON_IsBool(value))
		return allows(property, "boolean");
	if (json_is_number(value))
		return allows(property, "number") || allows(property, "integer");
	if (cJSON_IsObject(value))
		return allows(property, "object");
	return cJSON_IsArray(value) && allows(property, "array");
}

/* What the text says in a type that the schema allows; NULL when it says nothing of the kind. tsuru's form leaves false
 * and 0 empty. */
static cJSON *read_text(const char *text, const cJSON *property)
{
	cJSON *value;

	if (text[0] == '\0' && allows(property, "boolean"))
		return cJSON_CreateFalse();
	if (text[0] == '\0' && (allows(property, "number") || allows(property, "integer")))
		return cJSON_CreateNumber(0);
	value = json_has_nul(text, strlen(text)) ? NULL : json_parse_value(text, strlen(text));
	if (fits(value, property))
		return value;
	cJSON_Delete(value);
	return NULL;
}

static bool replace(cJSON *parent, cJSON *item, cJSON *value)
{
	const bool replaced = item->string != NULL ? cJSON_ReplaceItemInObjectCaseSensitive(parent, item->string, value)
	                                           : cJSON_ReplaceItemViaPointer(parent, item, value);

	if (!replaced)
		cJSON_Delete(value);
	return replaced;
}

static bool cast_all(cJSON *object, const cJSON *properties);

/* tsuru sends texts: "10" becomes 10 where the upstream's schema wants a number and no text, at any depth: that of the
 * user's JSON is bounded. */
static bool cast(cJSON *parent, cJSON *item, const cJSON *property)
{
	const cJSON *items = cJSON_GetObjectItemCaseSensitive(property, "items");
	cJSON *value, *next;

	if (cJSON_IsObject(item))
		return cast_all(item, cJSON_GetObjectItemCaseSensitive(property, "properties"));
	if (cJSON_IsArray(item)) {
		for (value = item->child; value != NULL; value = next) {
			next = value->next;
			if (!cast(item, value, items))
				return false;
		}
		return true;
	}
	if (!cJSON_IsString(item) || allows(property, "string"))
		return true;
	value = read_text(item->valuestring, property);
	return value == NULL || replace(parent, item, value);
}

static bool cast_all(cJSON *object, const cJSON *properties)
{
	const cJSON *property;

	cJSON_ArrayForEach(property, properties)
	{
		cJSON *item = cJSON_GetObjectItemCaseSensitive(object, property->string);

		if (item != NULL && !cast(object, item, property))
			return false;
	}
	return true;
}

/* An operator's value: JSON when it reads as such and is no text, so that numbers can be written in YAML. */
static cJSON *plan_value(const char *text)
{
	cJSON *value = json_parse_value(text, strlen(text));

	if (value != NULL && !json_is_text(value))
		return value;
	cJSON_Delete(value);
	return cJSON_CreateString(text);
}

/* Adds what the plan gives and the user does not. */
static bool add_plan_parameters(cJSON *parameters, const struct plan *plan)
{
	const struct option *given = options_find(&plan->options, "parameters");

	for (size_t i = 0; i < given->value.map.count; i++) {
		const struct pair *pair = &given->value.map.items[i];
		cJSON *value;

		if (cJSON_GetObjectItemCaseSensitive(parameters, pair->name) != NULL)
			continue;
		value = plan_value(pair->value);
		if (!cJSON_AddItemToObject(parameters, pair->name, value)) {
			cJSON_Delete(value);
			return false;
		}
	}
	return true;
}

/* Adds `,"parameters":{...}`, or nothing when there are none. plan may be NULL. */
static int add_parameters(struct text *body, const char *json, const struct plan *plan, const cJSON *schema,
                          struct error *error)
{
	const cJSON *properties =
	    cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(schema, "parameters"), "properties");
	cJSON *parameters;
	char *text = NULL;
	int rc = parameters_parse(json, &parameters, error);

	if (rc != 0)
		return rc;
	for (size_t i = 0; own_parameters[i] != NULL; i++)
		cJSON_DeleteItemFromObjectCaseSensitive(parameters, own_parameters[i]);
	if ((plan != NULL && !add_plan_parameters(parameters, plan)) || !cast_all(parameters, properties) ||
	    (text = cJSON_PrintUnformatted(parameters)) == NULL)
		rc = error_no_memory(error);
	else if (cJSON_GetArraySize(parameters) > 0)
		text_add_format(body, ",\"parameters\":%s", text);
	cJSON_free(text);
	cJSON_Delete(parameters);
	return rc;
}

/* Without what the instance has for its binds alone, which is given with them. */
static int add_instance_parameters(struct text *body, const struct instance *instance, const struct plan *plan,
                                   const cJSON *schema, struct error *error)
{
	struct arena arena;
	const char *json;
	int rc;

	arena_init(&arena);
	json = defaults_without(instance->parameters, &arena);
	rc = json == NULL && instance->parameters != NULL ? error_no_memory(error)
	                                                  : add_parameters(body, json, plan, schema, error);
	arena_release(&arena);
	return rc;
}

static const cJSON *find_schema(const struct offer *offer, const char *object, const char *action)
{
	return cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(offer->schemas, object), action);
}

/* ---- bodies ---- */

/* Adds `,"name":"value"`; nothing for an absent value. */
static void add_text(struct text *body, const char *name, const char *value)
{
	if (value == NULL || value[0] == '\0')
		return;
	text_add_format(body, ",\"%s\":", name);
	text_add_json(body, value);
}

/* Adds `,"context":{...}`. */
static void add_context(struct text *body, const struct driver_call *call)
{
	const struct instance *instance = call->instance;

	text_add(body, ",\"context\":{\"platform\":\"" PLATFORM "\"");
	add_text(body, "service_name", instance->service);
	add_text(body, "instance_name", instance->name);
	add_text(body, "resource", instance->resource);
	add_text(body, "team", instance->team);
	add_text(body, "cluster", instance->cluster);
	add_text(body, "pool", instance->pool);
	if (call->bind != NULL) {
		add_text(body, call->bind->kind == BIND_JOB ? "job_name" : "app_name", call->bind->name);
		add_text(body, "login", call->bind->login);
	}
	text_add(body, "}");
}

/* Opens the object: the ids that every body begins with. */
static void open_body(struct text *body, const struct offer *offer, bool with_plan)
{
	text_add(body, "{\"service_id\":");
	text_add_json(body, offer->service_id);
	if (with_plan)
		add_text(body, "plan_id", offer->plan_id);
}

static int close_body(struct text *body, int rc, struct error *error)
{
	text_add(body, "}");
	if (rc == 0 && body->failed)
		return error_set(error, ERR_TOO_LARGE, "the request for it is over %zu bytes", REQUEST_BODY_MAX);
	return rc;
}

int osb_write_instance(const struct driver_call *call, const struct offer *offer, struct text *ret_body,
                       struct error *error)
{
	const struct instance *instance = call->instance;
	const char *team = instance->team != NULL && instance->team[0] != '\0' ? instance->team : PLATFORM;
	int rc;

	open_body(ret_body, offer, true);
	add_context(ret_body, call);
	/* Deprecated and required: a team is what comes nearest to an organization, and to a space in it. */
	add_text(ret_body, "organization_guid", team);
	add_text(ret_body, "space_guid", team);
	rc = add_instance_parameters(ret_body, instance, call->plan, find_schema(offer, "service_instance", "create"),
	                             error);
	return close_body(ret_body, rc, error);
}

int osb_write_update(const struct driver_call *call, const struct offer *offer, const struct offer *previous,
                     struct text *ret_body, struct error *error)
{
	int rc;

	open_body(ret_body, offer, previous->updateable);
	add_context(ret_body, call);
	text_add(ret_body, ",\"previous_values\":{\"plan_id\":");
	text_add_json(ret_body, previous->plan_id);
	text_add(ret_body, "}");
	rc = add_instance_parameters(ret_body, call->instance, NULL, find_schema(offer, "service_instance", "update"),
	                             error);
	return close_body(ret_body, rc, error);
}

int osb_write_binding(const struct driver_call *call, const struct offer *offer, struct text *ret_body,
                      struct error *error)
{
	int rc;

	open_body(ret_body, offer, true);
	add_context(ret_body, call);
	text_add(ret_body, ",\"bind_resource\":{\"app_guid\":");
	text_add_json(ret_body, call->bind->name);
	text_add(ret_body, "}");
	rc = add_parameters(ret_body, call->bind->parameters, NULL, find_schema(offer, "service_binding", "create"),
	                    error);
	return close_body(ret_body, rc, error);
}

/* ---- paths ---- */

void osb_add_object(struct text *path, const char *instance_id, const char *binding_id)
{
	text_add_format(path, "/v2/service_instances/%s", instance_id);
	if (binding_id != NULL)
		text_add_format(path, "/service_bindings/%s", binding_id);
}

void osb_add_ids(struct text *path, char first, const struct offer *offer)
{
	text_add_format(path, "%cservice_id=", first);
	text_add_percent(path, offer->service_id);
	text_add(path, "&plan_id=");
	text_add_percent(path, offer->plan_id);
}

/* ---- identity ---- */

static void add_base64(struct text *text, const unsigned char *bytes, size_t length)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < length; i += 3) {
		const unsigned b = i + 1 < length ? bytes[i + 1] : 0, c = i + 2 < length ? bytes[i + 2] : 0;
		const unsigned group = (unsigned)bytes[i] << 16 | b << 8 | c;

		text_add_bytes(text, &digits[group >> 18 & 63], 1);
		text_add_bytes(text, &digits[group >> 12 & 63], 1);
		text_add_bytes(text, i + 1 < length ? &digits[group >> 6 & 63] : "=", 1);
		text_add_bytes(text, i + 2 < length ? &digits[group & 63] : "=", 1);
	}
}

void osb_write_identity(const char *user, struct text *ret_value)
{
	struct text json;

	text_init(&json, REQUEST_PATH_MAX);
	text_add(&json, "{\"user\":");
	text_add_json(&json, user);
	text_add(&json, "}");
	text_add(ret_value, PLATFORM " ");
	add_base64(ret_value, (const unsigned char *)text_string(&json), json.length);
	ret_value->failed |= json.failed;
	text_release(&json);
}
