/* `parameters`: a tree put together from a form's keys or read from JSON, printed as one canonical JSON object. */
#ifndef HTTP_PARAMETERS_H
#define HTTP_PARAMETERS_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"

/* Adds the form's key (what follows "parameters.", decoded) to the tree under root. Segments are parted by '.'; a '.'
 * or
 * '\' in one is escaped by '\'. ERR_INVALID for a key that is malformed, too deep, or both a value and an object. */
int parameters_add(cJSON *root, const char *key, const char *value, struct arena *arena, struct error *error);

/* Prints root compactly with sorted keys, so that equal parameters give equal texts; *ret_text is NULL for an empty one
 * and lives in arena. from_form: an object below root whose keys are 0..n-1 is a list. */
int parameters_print(const cJSON *root, bool from_form, struct arena *arena, const char **ret_text,
                     struct error *error);

#endif
