/* The limits of a request's texts. Whether a plan exists or a name is allowed is the broker's to say. */
#include "api/field.h"

#include <string.h>

#include "base/text.h"
#include "http/http.h"
#include "model/model.h"

/* Each tag may grow sixfold by escapes, and has its quotes and comma. */
#define TAGS_JSON_MAX (TAGS_MAX * (6 * TAG_MAX + 3) + 2)

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

int field_tags(const char *const *tags, size_t count, struct arena *arena, const char **ret_json, struct error *error)
{
	const char *json = NULL, *tag = NULL;
	struct text list;
	int rc = 0;

	if (count > TAGS_MAX)
		return error_set(error, ERR_INVALID, "there are %zu tags; at most %d are allowed", count, TAGS_MAX);
	text_init(&list, TAGS_JSON_MAX);
	for (size_t i = 0; rc == 0 && i < count; i++) {
		rc = check("field", "tags", tags[i], TAG_MAX, &tag, error);
		if (rc != 0 || tag == NULL)
			continue;
		text_add(&list, list.length == 0 ? "[" : ",");
		text_add_json(&list, tag);
	}
	if (rc == 0 && list.length > 0) {
		text_add(&list, "]");
		json = list.failed ? NULL : arena_text(arena, text_string(&list));
		rc = json == NULL ? error_no_memory(error) : 0;
	}
	if (rc == 0)
		*ret_json = json;
	text_release(&list);
	return rc;
}
