/* The body's fields under their form names, whichever encoding they came in. */
#ifndef HTTP_FIELDS_H
#define HTTP_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"

#define FIELDS_MAX    1000 /* fields and parameters of one body, each */
#define PARAMETER_MAX 32   /* nesting of parameters given in a form */

/* names[i] goes with values[i]; sorted by name once fields_finish was called, so that a list is one run of values. */
struct fields {
	const char **names, **values;
	size_t count, capacity;
};

/* Room for at most capacity fields. 0 or ERR_NO_MEMORY. */
int fields_init(struct fields *fields, size_t capacity, struct arena *arena, struct error *error);
/* Borrows both. There must be room. */
void fields_add(struct fields *fields, const char *name, const char *value);
/* Sorts, keeping the order of a list. ERR_INVALID when a field that has one value was given twice. */
int fields_finish(struct fields *fields, struct arena *arena, struct error *error);
/* The values of name, *ret_count of them; NULL for none. */
const char *const *fields_get(const struct fields *fields, const char *name, size_t *ret_count);

/* The form name of a JSON body's field: "appName" is "app-name"; other names are their own. */
const char *fields_form_name(const char *json_name);
/* Whether name is a list by the contract. */
bool fields_is_list(const char *name);
/* Whether tsuru sends name at all: such a field's kind is checked. */
bool fields_is_known(const char *name);

#endif
