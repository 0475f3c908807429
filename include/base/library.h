/* Shared libraries that only some services need. They are loaded when the first of those is configured: whoever has
 * none starts in half the time. */
#ifndef BASE_LIBRARY_H
#define BASE_LIBRARY_H

#include "base/error.h"

struct library {
	const char *file;             /* as the dynamic loader seeks it: "libpq.so.5" */
	const char *package;          /* Debian's */
	const char *const *functions; /* their names; ends with NULL */
};

/* Puts the addresses of the functions, in their order, into ret_functions: as many pointers to functions, and nothing
 * else. What is loaded stays so until the program ends; to load it again costs next to nothing. */
int library_load(const struct library *library, void *ret_functions, struct error *error);

#endif
