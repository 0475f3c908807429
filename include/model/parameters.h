/* The parameters that a user gives, with --plan-param name=value or by tsuru's API: a JSON object of what came as form
 * fields (all texts) or as JSON. An empty text and null are the zero value of each type: false, 0 and "". */
#ifndef MODEL_PARAMETERS_H
#define MODEL_PARAMETERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct cJSON;

/* Names that the broker gives a meaning to, whatever the driver. */
#define PARAMETER_PROTECTION "deletion_protection" /* of an instance: its removal is refused */
#define PARAMETER_ENV_PREFIX "env_prefix"
#define PARAMETER_READ_ONLY  "read_only"
#define PARAMETER_BINDS      "binds"

/* json may be NULL or empty: *ret_object is then an empty object. ERR_INVALID when it is not an object.
 * The object is the caller's, to be freed by cJSON_Delete. */
int parameters_parse(const char *json, struct cJSON **ret_object, struct error *error);
/* The zero value of every type, as tsuru's form has it, and as JSON may. */
bool parameters_is_zero(const struct cJSON *item);
/* The value as a message shows it, cut off. */
void parameters_show(const struct cJSON *item, char *ret_shown);
#define PARAMETER_SHOWN_SIZE 104 /* bytes with the NUL */
/* ERR_INVALID, naming it and what is allowed, for a name that is not in allowed (ends with NULL). */
int parameters_check_names(const struct cJSON *object, const char *const *allowed, struct error *error);
/* true, false, "true", "false", "1", "0", "yes", "no", 1, 0, ""; absent leaves *ret_flag untouched. */
int parameters_flag(const struct cJSON *object, const char *name, bool *ret_flag, struct error *error);
/* A whole number or its text, within [min, max]; absent leaves *ret_number untouched. */
int parameters_number(const struct cJSON *object, const char *name, int64_t min, int64_t max, int64_t *ret_number,
                      struct error *error);
/* A text of at most max bytes; absent leaves *ret_text untouched. Borrowed from the object. */
int parameters_text(const struct cJSON *object, const char *name, size_t max, const char **ret_text,
                    struct error *error);

#endif
