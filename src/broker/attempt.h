/* An attempt of an operation: its records, its call on the driver, and what became of it. */
#ifndef BROKER_ATTEMPT_H
#define BROKER_ATTEMPT_H

#include "broker/internal.h"

/* What became of an operation. */
enum verdict {
	VERDICT_DONE = 1,
	VERDICT_FAILED, /* for good; job->error says why */
	VERDICT_CANCELED,
};

struct run {
	struct generation *generation; /* that it began under; held */
	struct arena arena;            /* the records, the password and the environment; wiped */
	struct held_instance instance;
	struct held_operation operation;
	struct held_bind bind; /* bind, unbind, rotate */
	const char *plan;      /* what the call brings the instance to; NULL: nothing */
	int64_t retain;        /* remove: ms that what the call locks away is kept; 0: the call drops it */
	struct driver_call call;
	struct pair *environment; /* bind, rotate: rendered after success */
	size_t environment_count;
	int64_t started;      /* monotonic ms */
	enum verdict verdict; /* once it is being made durable */
	bool cleaned;         /* while saving: the records of the instance are going */
	struct job *follower; /* while saving: an operation that comes out of this one's failure */
};

#endif
