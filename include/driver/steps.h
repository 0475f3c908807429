/* Work of more than one step: a table of named steps, run from top to bottom, each safe to repeat.
 * A step ends by steps_next (the next one runs), steps_finish (skips the rest) or steps_fail. It may end inside its own
 * run or later; a step that ends at once does not deepen the stack. */
#ifndef DRIVER_STEPS_H
#define DRIVER_STEPS_H

#include <stddef.h>

#include "base/error.h"

struct steps;

struct step {
	const char *name; /* NULL ends a table; a verb and its object: "create_database" */
	void (*run)(void *work);
};

struct steps {
	const struct step *table;
	size_t current;
	void *work; /* borrowed; given to every step */
	/* Called once, after the last step or a failure: code 0 or the step's. May free what holds the steps. */
	void (*on_end)(void *work, int code, const struct error *error);
	struct error error;
	int state; /* private */
};

void steps_start(struct steps *steps, const struct step *table, void *work,
                 void (*on_end)(void *work, int code, const struct error *error));
void steps_next(struct steps *steps);
void steps_finish(struct steps *steps);
/* error is copied. */
void steps_fail(struct steps *steps, const struct error *error);
/* Fails with a whole sentence: the server "x" could not create the database for "subject": reason. From the running
 * step's name; what is "server", subject NULL or "" is left out. */
void steps_fail_because(struct steps *steps, const char *what, const char *name, const char *subject,
                        const struct error *reason);
/* The running step's name, for messages; "" when none runs. */
const char *steps_name(const struct steps *steps);

#endif
