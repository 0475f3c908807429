/* Templates of environment values: text with {variables}; `{{` and `}}` stand for braces. */
#ifndef MODEL_TEMPLATE_H
#define MODEL_TEMPLATE_H

#include <stddef.h>

#include "base/error.h"
#include "base/text.h"
#include "config/key.h"

/* ERR_INVALID when a brace is left open or a variable is in neither list (both end with NULL; more may be NULL);
 * the text names the variable and those that are allowed. With NULL for names every variable is allowed whose name
 * template_check_name takes. */
int template_check(const char *template, const char *const *names, const char *const *more, struct error *error);
/* Appends the template with each {name} replaced by its pair's value; a name without a pair becomes nothing. */
void template_render(const char *template, const struct pair *values, size_t count, struct text *ret_text);

/* The variables that every service's templates may use; ends with NULL. src/life/environment.c gives their values. */
extern const char *const template_common[];

/* An environment variable's name: [A-Za-z_][A-Za-z0-9_]*, at most 128 bytes. */
int template_check_name(const char *name, struct error *error);

#endif
