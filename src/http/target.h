/* The request's target: only "/path?query", decoded once, with nothing in it that names another place. Pure. */
#ifndef HTTP_TARGET_H
#define HTTP_TARGET_H

#include "http/refusal.h"

/* Splits and checks target in place. *ret_path is decoded; *ret_query is still encoded, NULL when there is none.
 * 0, or -1 and *ret_refusal. */
int target_parse(char *target, char **ret_path, char **ret_query, struct refusal *ret_refusal);

#endif
