/* Which rules a plan may add to those of its logins. On a shared server only what Redis confines by a login's keys and
 * channels is taken, by name: a command that the list in rules.c does not have is refused, whatever it may be. */
#ifndef DRIVER_REDIS_RULES_H
#define DRIVER_REDIS_RULES_H

#include <stdbool.h>

#include "base/error.h"

/* The check of an item of the key `commands`: has it the form of a rule? */
int rules_check_form(const char *name, const char *value, struct error *error);
/* May a plan have it? The sentence says why not, and goes on after `the plan "x": `. */
int rules_check(const char *rule, bool dedicated, struct error *error);

#endif
