/* Bodies: the choice of encoding, and forms. JSON is in json.c, the tree of parameters in parameters.c. */
#include "http/body.h"

#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "http/parameters.h"

static const char parameters_prefix[] = "parameters.";

#define PREFIX_LENGTH (sizeof(parameters_prefix) - 1)

static size_t count_pairs(const char *bytes, size_t length)
{
	size_t count = 1;

	for (const char *at = bytes; (at = memchr(at, '&', (size_t)(bytes + length - at))) != NULL; at++)
		count++;
	return count;
}

/* Decodes in place and ends with a NUL: there is room for it where the '&' or '=' stood. */
static int decode(char *text, size_t length, struct error *error)
{
	long decoded = text_percent_decode(text, length, true);

	if (decoded < 0)
		return error_set(error, ERR_INVALID, "the form has a broken percent escape or an encoded NUL");
	text[decoded] = '\0';
	if (!text_is_clean(text, (size_t)decoded))
		return error_set(error, ERR_INVALID, "the form has a name or value that is not clean UTF-8 text");
	return 0;
}

static int add_pair(char *pair, size_t length, struct fields *fields, struct error *error)
{
	char *equals = memchr(pair, '=', length);
	size_t name_length = equals != NULL ? (size_t)(equals - pair) : length;
	char *value = equals != NULL ? equals + 1 : pair + length;

	int rc = decode(value, (size_t)(pair + length - value), error);
	if (rc == 0)
		rc = decode(pair, name_length, error);
	if (rc < 0)
		return rc;
	fields_add(fields, strcmp(pair, "tag") == 0 ? "tags" : pair, value);
	return 0;
}

/* form is changed in place and ends in a NUL. */
static int parse_pairs(char *form, size_t length, struct arena *arena, struct fields *fields, struct error *error)
{
	size_t count = count_pairs(form, length);

	if (count > FIELDS_MAX)
		return error_set(error, ERR_INVALID, "the form has more than %d fields", FIELDS_MAX);
	int rc = fields_init(fields, count, arena, error);
	for (char *pair = form, *end = form + length; rc == 0 && pair < end;) {
		char *stop = memchr(pair, '&', (size_t)(end - pair));
		if (stop == NULL)
			stop = end;
		if (stop > pair)
			rc = add_pair(pair, (size_t)(stop - pair), fields, error);
		pair = stop + 1;
	}
	return rc;
}

static bool is_parameter(const char *name)
{
	return strncmp(name, parameters_prefix, PREFIX_LENGTH) == 0;
}

/* Moves the fields "parameters.*" into one tree. */
static int gather_parameters(struct fields *fields, struct arena *arena, const char **ret_text, struct error *error)
{
	cJSON *root = cJSON_CreateObject();
	size_t kept = 0;
	int rc = root == NULL ? error_no_memory(error) : 0;

	for (size_t i = 0; rc == 0 && i < fields->count; i++) {
		const char *name = fields->names[i], *value = fields->values[i];
		if (is_parameter(name)) {
			rc = parameters_add(root, name + PREFIX_LENGTH, value, arena, error);
			continue;
		}
		fields->names[kept] = name;
		fields->values[kept++] = value;
	}
	if (rc == 0)
		rc = parameters_print(root, true, arena, ret_text, error);
	if (rc == 0)
		fields->count = kept;
	cJSON_Delete(root);
	return rc;
}

static int parse_form(const char *bytes, size_t length, struct arena *arena, struct body *body, struct error *error)
{
	char *form = arena_bytes(arena, bytes, length);

	if (form == NULL)
		return error_no_memory(error);
	int rc = parse_pairs(form, length, arena, &body->fields, error);
	bool parameters = false;
	for (size_t i = 0; i < body->fields.count && !parameters; i++)
		parameters = is_parameter(body->fields.names[i]);
	if (rc == 0 && parameters)
		rc = gather_parameters(&body->fields, arena, &body->parameters, error);
	return rc < 0 ? rc : fields_finish(&body->fields, arena, error);
}

bool body_type_is(const char *content_type, const char *media_type)
{
	size_t length = strlen(media_type);

	return content_type != NULL && strncasecmp(content_type, media_type, length) == 0 &&
	       strchr("; \t", content_type[length]) != NULL;
}

int body_parse(const char *content_type, const char *bytes, size_t length, struct arena *arena, struct body *ret_body,
               struct error *error)
{
	*ret_body = (struct body){0};
	if (length == 0)
		return 0;
	if (body_type_is(content_type, "application/x-www-form-urlencoded"))
		return parse_form(bytes, length, arena, ret_body, error);
	if (body_type_is(content_type, "application/json"))
		return json_parse(bytes, length, arena, ret_body, error);
	return error_set(error, ERR_MEDIA, "the body is neither a form nor JSON; its Content-Type is \"%.100s\"",
	                 content_type != NULL ? content_type : "");
}

int body_parse_query(const char *query, struct arena *arena, struct fields *ret_fields, struct error *error)
{
	char *form = arena_text(arena, query);

	*ret_fields = (struct fields){0};
	return form == NULL ? error_no_memory(error) : parse_pairs(form, strlen(form), arena, ret_fields, error);
}
