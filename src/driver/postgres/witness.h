/* Who holds up a statement: only while it waits does the server tell, and only another session can ask. */
#ifndef DRIVER_POSTGRES_WITNESS_H
#define DRIVER_POSTGRES_WITNESS_H

#include <stdbool.h>

#include "driver/pool.h"
#include "driver/sql.h"

#define WITNESS_TEXT_MAX 512 /* bytes; 100 characters of names and a kind of lock fit */

struct witness {
	const struct driver_context *context; /* borrowed, as the pool */
	struct pool *pool;
	struct timer timer; /* until it asks */
	struct lease lease;
	struct sql sql;
	const char *step; /* what is watched is one step of a call */
	int pid;          /* of the session that is watched; 0: none is */
	bool asked;
	int64_t held_up;              /* monotonic ms, since when; 0: it is not */
	char found[WITNESS_TEXT_MAX]; /* "the database, held by "psql" of joe"; "": not known */
};

void witness_init(struct witness *witness, const struct driver_context *context, struct pool *pool);
void witness_release(struct witness *witness);
/* A statement of the step (a text that lives on; another one forgets what was found) is sent to the process pid. */
void witness_watch(struct witness *witness, const char *step, int pid);
/* It got through, or ended in another way. */
void witness_rest(struct witness *witness);
/* It was given up because of a lock; the same may be sent again. */
void witness_note_held_up(struct witness *witness);
/* Whether the step's statements have been held up for so long that the call should end. */
bool witness_has_waited(const struct witness *witness);

#endif
