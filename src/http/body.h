/* A request's body becomes fields, whichever encoding it came in. Pure. */
#ifndef HTTP_BODY_H
#define HTTP_BODY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "http/fields.h"

#define JSON_DEPTH_MAX 64

struct body {
	struct fields fields;
	const char *parameters; /* canonical JSON; NULL: none */
};

struct body_source {
	const char *content_type; /* may be NULL */
	const char *bytes;
	size_t length;
	bool known_only; /* what tsuru has no name for is left out, whatever it is; otherwise it has to be text */
};

/* Everything in *ret_body lives in arena. ERR_MEDIA for another type than form and JSON, ERR_INVALID naming the field.
 * ret_body may be half filled on failure. */
int body_parse(const struct body_source *source, struct arena *arena, struct body *ret_body, struct error *error);

/* json.c: the same for application/json, an object whose names are mapped to those of the form. */
int json_parse(const struct body_source *source, struct arena *arena, struct body *body, struct error *error);

/* Whether a Content-Type (NULL: absent) is of the media type, whatever its parameters. */
bool body_type_is(const char *content_type, const char *media_type);

/* Fields of a form or a query string; parameters stay fields. */
int body_parse_query(const char *query, struct arena *arena, struct fields *ret_fields, struct error *error);

#endif
