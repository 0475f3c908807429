/* The names of a server's list, each once under its kind, from which each record that knows one takes it off:
 * what is left are strays. */
#ifndef WATCH_NAMES_H
#define WATCH_NAMES_H

#include <stdbool.h>

#include "driver/driver.h"
#include "queue/job.h" /* how uthash fails */

struct name {
	UT_hash_handle hh;
	const char *kind; /* LIST_* */
	const char *text;
	char key[]; /* the kind's first letter and the text */
};

/* False when memory is out. */
bool names_add_all(struct name **names, const struct driver_call *listed);
/* NULL: it is not among them. */
const struct name *names_find(struct name *const *names, const char *kind, const char *text);
/* Whether it was among them. */
bool names_take(struct name **names, const char *kind, const char *text);
void names_free(struct name **names);

#endif
