/* What operations live through: an attempt has its records, its call on the driver, and what became of it. */
#ifndef LIFE_LIFE_H
#define LIFE_LIFE_H

#include "base/arena.h"
#include "base/log.h"
#include "base/secret.h"
#include "queue/job.h"
#include "records/mark.h"
#include "watch/measure.h"

/* All is borrowed, and set before the first job comes. */
struct life {
	struct catalog *catalog;
	const struct keyring *keyring; /* of the present configuration */
	const struct mark *mark;
	const struct log *log;
	const struct measures *measures;
	/* For those above: an operation's outcome is on the disk, and its run still there. */
	void (*on_saved)(void *arg, const struct job *job);
	void *arg;
};

static inline struct life *life_of(const struct job *job)
{
	return job->queue->life;
}

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

/* What the queue makes of a job: attempts. */
extern const struct queue_work life_work;

#endif
