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

static bool is_parameter(const char *name)
{
	return strncmp(name, parameters_prefix, PREFIX_LENGTH) == 0;
}

/* Decodes in place and ends with a NUL: there is room for it where the '&' or '=' stood. Its length, or -1. */
static long decode(char *text, size_t length, struct error *error)
{
	long decoded = text_percent_decode(text, length, true);

	if (decoded < 0)
		(void)error_set(error, ERR_INVALID, "the form has a broken percent escape or an encoded NUL");
	else
		text[decoded] = '\0';
	return decoded;
}

static int add_pair(char *pair, size_t length, bool known_only, struct fields *fields, struct error *error)
{
	char *equals = memchr(pair, '=', length);
	char *value = equals != NULL ? equals + 1 : pair + length;
	const long value_length = decode(value, (size_t)(pair + length - value), error);
	const long name_length =
	    value_length < 0 ? -1 : decode(pair, equals != NULL ? (size_t)(equals - pair) : length, error);
	const char *name = strcmp(pair, "tag") == 0 ? "tags" : pair;

	if (name_length < 0)
		return error->code;
	if (known_only && !fields_is_known(name) && !is_parameter(name))
		return 0;
	if (!text_is_clean(pair, (size_t)name_length) || !text_is_clean(value, (size_t)value_length))
		return error_set(error, ERR_INVALID, "the form has a name or value that is not clean UTF-8 text");
	fields_add(fields, name, value);
	return 0;
}

/* form is changed in place and ends in a NUL. */
static int parse_pairs(char *form, size_t length, bool known_only, struct arena *arena, struct fields *fields,
                       struct error *error)
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
			rc = add_pair(pair, (size_t)(stop - pair), known_only, fields, error);
		pair = stop + 1;
	}
	return rc;
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

static int parse_form(const struct body_source *source, struct arena *arena, struct body *body, struct error *error)
{
	char *form = arena_bytes(arena, source->bytes, source->length);

	if (form == NULL)
		return error_no_memory(error);
	int rc = parse_pairs(form, source->length, source->known_only, arena, &body->fields, error);
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

int body_parse(const struct body_source *source, struct arena *arena, struct body *ret_body, struct error *error)
{
	const char *content_type = source->content_type;

	*ret_body = (struct body){0};
	if (source->length == 0)
		return 0;
	if (body_type_is(content_type, "application/x-www-form-urlencoded"))
		return parse_form(source, arena, ret_body, error);
	if (body_type_is(content_type, "application/json"))
		return json_parse(source, arena, ret_body, error);
	return error_set(error, ERR_MEDIA, "the body is neither a form nor JSON; its Content-Type is \"%.100s\"",
	                 content_type != NULL ? content_type : "");
}

int body_parse_query(const char *query, struct arena *arena, struct fields *ret_fields, struct error *error)
{
	char *form = arena_text(arena, query);

	*ret_fields = (struct fields){0};
	return form == NULL ? error_no_memory(error) : parse_pairs(form, strlen(form), false, arena, ret_fields, error);
}
