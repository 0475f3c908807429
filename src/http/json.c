/* JSON bodies as fields. What a tree of cJSON is lenient about (depth, an escaped NUL) is checked here. */
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "http/body.h"
#include "http/parameters.h"

static int check_depth(const char *bytes, size_t length, struct error *error)
{
	bool in_string = false;
	int depth = 0;

	for (const char *at = bytes, *end = bytes + length; at < end; at++) {
		if (in_string && *at == '\\')
			at++;
		else if (*at == '"')
			in_string = !in_string;
		else if (!in_string && (*at == '{' || *at == '['))
			depth++;
		else if (!in_string && (*at == '}' || *at == ']'))
			depth--;
		if (depth > JSON_DEPTH_MAX)
			return error_set(error, ERR_INVALID, "the JSON body is nested more than %d deep",
			                 JSON_DEPTH_MAX);
	}
	return 0;
}

static int read_root(const char *bytes, size_t length, cJSON **ret_root, struct error *error)
{
	cJSON *root;
	int rc;

	if (!text_is_clean(bytes, length))
		return error_set(error, ERR_INVALID, "the JSON body is not clean UTF-8 text");
	if (json_has_nul(bytes, length))
		return error_set(error, ERR_INVALID, "the JSON body has a NUL in a text");
	rc = check_depth(bytes, length, error);
	if (rc < 0)
		return rc;
	if (json_count_values(bytes, length) > JSON_VALUES_MAX)
		return error_set(error, ERR_INVALID, "the JSON body has over %d values", JSON_VALUES_MAX);
	root = json_parse_value(bytes, length);
	if (!cJSON_IsObject(root)) {
		cJSON_Delete(root);
		return error_set(error, ERR_INVALID, "the body is not one JSON object");
	}
	*ret_root = root;
	return 0;
}

static int add_text(struct body *body, const char *name, const cJSON *item, struct arena *arena, struct error *error)
{
	const char *field = arena_text(arena, name);
	const char *value = arena_text(arena, item->valuestring);

	if (field == NULL || value == NULL)
		return error_no_memory(error);
	if (!text_is_clean(value, strlen(value)) || !text_is_clean(field, strlen(field)))
		return error_set(error, ERR_INVALID, "the JSON body has a name or value with a control character");
	fields_add(&body->fields, field, value);
	return 0;
}

static int add_list(struct body *body, const char *name, const cJSON *list, struct arena *arena, struct error *error)
{
	const cJSON *item;
	int rc;

	if (fields_is_known(name) && !fields_is_list(name))
		return error_set(error, ERR_INVALID, "the field \"%s\" must be a text, not a list", name);
	cJSON_ArrayForEach(item, list)
	{
		if (!cJSON_IsString(item))
			return error_set(error, ERR_INVALID, "the field \"%s\" must be a list of texts", name);
		rc = add_text(body, name, item, arena, error);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int add_field(struct body *body, const cJSON *item, struct arena *arena, struct error *error)
{
	const char *name = fields_form_name(item->string);

	if (cJSON_IsNull(item))
		return 0;
	if (strcmp(name, "parameters") == 0 && !cJSON_IsObject(item))
		return error_set(error, ERR_INVALID, "the field \"parameters\" must be an object");
	if (strcmp(name, "parameters") == 0)
		return parameters_print(item, false, arena, &body->parameters, error);
	if (cJSON_IsString(item))
		return add_text(body, name, item, arena, error);
	if (cJSON_IsArray(item))
		return add_list(body, name, item, arena, error);
	/* An object under a name that tsuru may yet invent is nothing to this broker; a bare number is a mistake. */
	if (cJSON_IsObject(item) && !fields_is_known(name))
		return 0;
	return error_set(error, ERR_INVALID, "the field \"%.200s\" must be a text", name);
}

/* Takes out what tsuru has no name for: a later tsuru may send more, of any type. */
static void leave_out_unknown(cJSON *root)
{
	cJSON *next;

	for (cJSON *item = root->child; item != NULL; item = next) {
		next = item->next;
		if (strcmp(item->string, "parameters") != 0 && !fields_is_known(fields_form_name(item->string)))
			cJSON_Delete(cJSON_DetachItemViaPointer(root, item));
	}
}

static size_t count_fields(const cJSON *root)
{
	size_t count = 0;

	for (const cJSON *item = root->child; item != NULL; item = item->next)
		count += cJSON_IsArray(item) ? (size_t)cJSON_GetArraySize(item) : 1;
	return count;
}

static int check_single_parameters(const cJSON *root, struct error *error)
{
	bool seen = false;

	for (const cJSON *item = root->child; item != NULL; item = item->next) {
		if (strcmp(item->string, "parameters") != 0)
			continue;
		if (seen)
			return error_set(error, ERR_INVALID, "the field \"parameters\" is given more than once");
		seen = true;
	}
	return 0;
}

int json_parse(const struct body_source *source, struct arena *arena, struct body *body, struct error *error)
{
	cJSON *root = NULL;
	int rc = read_root(source->bytes, source->length, &root, error);

	if (root == NULL)
		return rc;
	if (source->known_only)
		leave_out_unknown(root);
	size_t count = count_fields(root);
	if (count > FIELDS_MAX)
		rc = error_set(error, ERR_INVALID, "the JSON body has more than %d fields", FIELDS_MAX);
	if (rc == 0)
		rc = check_single_parameters(root, error);
	if (rc == 0)
		rc = fields_init(&body->fields, count, arena, error);
	for (const cJSON *item = root->child; rc == 0 && item != NULL; item = item->next)
		rc = add_field(body, item, arena, error);
	cJSON_Delete(root);
	return rc < 0 ? rc : fields_finish(&body->fields, arena, error);
}
