/* The limits of a request's texts. Whether a plan exists or a name is allowed is the broker's to say. */
#include "api/field.h"

#include <string.h>

#include "base/text.h"
#include "http/http.h"
#include "model/model.h"

/* Each tag may grow sixfold by escapes, and has its quotes and comma. */
#define TAGS_JSON_MAX (TAGS_MAX * (6 * TAG_MAX + 3) + 2)
/* What a list is written into: all that a body may hold fits, 1000 fields, so that what is too long can be said. */
#define LIST_TEXT_MAX (1000 * (6 * ADDRESS_MAX + 3) + 2)

static int check(const char *kind, const char *name, const char *value, size_t max, const char **ret_value,
                 struct error *error)
{
	size_t length = value != NULL ? strlen(value) : 0;

	if (length > max)
		return error_set(error, ERR_INVALID, "the %s \"%s\" has %zu bytes; at most %zu are allowed", kind, name,
		                 length, max);
	if (length > 0 && !text_is_clean(value, length))
		return error_set(error, ERR_INVALID, "the %s \"%s\" is not clean UTF-8 text", kind, name);
	*ret_value = length > 0 ? value : NULL;
	return 0;
}

int field_text(const struct http_request *http, const char *name, size_t max, const char **ret_value,
               struct error *error)
{
	return check("field", name, http_request_field(http, name), max, ret_value, error);
}

int field_header(const struct http_request *http, const char *name, size_t max, const char **ret_value,
                 struct error *error)
{
	return check("header", name, http_request_header(http, name), max, ret_value, error);
}

int field_or_query(const struct http_request *http, const char *name, size_t max, const char **ret_value,
                   struct error *error)
{
	const char *value = http_request_field(http, name);

	return check("field", name, value != NULL ? value : http_request_query(http, name), max, ret_value, error);
}

/* What a list may be. */
struct bounds {
	const char *name;
	size_t item_max, json_max; /* bytes */
};

static int write_list(const struct bounds *bounds, const char *const *items, size_t count, struct text *list,
                      struct error *error)
{
	const char *item = NULL;

	for (size_t i = 0; i < count; i++) {
		int rc = check("field", bounds->name, items[i], bounds->item_max, &item, error);

		if (rc != 0)
			return rc;
		if (item == NULL)
			continue;
		text_add(list, list->length == 0 ? "[" : ",");
		text_add_json(list, item);
	}
	text_add(list, list->length > 0 ? "]" : "");
	return list->failed ? error_no_memory(error) : 0;
}

static int make_list(const struct bounds *bounds, const char *const *items, size_t count, struct arena *arena,
                     const char **ret_json, struct error *error)
{
	const char *json = NULL;
	struct text list;
	int rc;

	text_init(&list, LIST_TEXT_MAX);
	rc = write_list(bounds, items, count, &list, error);
	if (rc == 0 && list.length > bounds->json_max)
		rc = error_set(error, ERR_INVALID, "the field \"%s\" has %zu bytes as JSON; at most %zu are allowed",
		               bounds->name, list.length, bounds->json_max);
	if (rc == 0 && list.length > 0) {
		json = arena_text(arena, text_string(&list));
		rc = json == NULL ? error_no_memory(error) : 0;
	}
	if (rc == 0)
		*ret_json = json;
	text_release(&list);
	return rc;
}

int field_tags(const char *const *tags, size_t count, struct arena *arena, const char **ret_json, struct error *error)
{
	static const struct bounds bounds = {"tags", TAG_MAX, TAGS_JSON_MAX};

	if (count > TAGS_MAX)
		return error_set(error, ERR_INVALID, "there are %zu tags; at most %d are allowed", count, TAGS_MAX);
	return make_list(&bounds, tags, count, arena, ret_json, error);
}

int field_addresses(const char *name, const char *const *addresses, size_t count, struct arena *arena,
                    const char **ret_json, struct error *error)
{
	const struct bounds bounds = {name, ADDRESS_MAX, ADDRESSES_MAX};

	return make_list(&bounds, addresses, count, arena, ret_json, error);
}
