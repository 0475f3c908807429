/* What the queue is made of: jobs, the lanes that they stand in, and who waits for them. */
#ifndef QUEUE_JOB_H
#define QUEUE_JOB_H

#include <sys/queue.h>

/* Lack of memory while adding to a table clears the handle instead of ending the program. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "catalog/generation.h"

struct broker_reply;
struct life;
struct run;
struct suspect;
struct waiting;

/* Somebody who waits for a job's end, which takes it off the job's list first. reply is borrowed. */
struct waiter {
	TAILQ_ENTRY(waiter) entry;
	void (*on_end)(struct waiter *waiter, const struct broker_reply *reply);
};

TAILQ_HEAD(waiter_list, waiter);

/* Which may follow which: the table in job.c. A job that has ended is gone. */
enum job_state {
	JOB_QUEUED,   /* behind others in its lane; without a run */
	JOB_STRANDED, /* the same, or the head: its service or server is not configured now */
	JOB_READY,    /* head of its lane, waits for a place on its host */
	JOB_RUNNING,  /* its call is under way */
	JOB_BACKOFF,  /* failed in a way that may pass, without a run; timer runs */
	JOB_SAVING,   /* its outcome is being made durable; its run stays until then */
};

/* What its next attempt is for. */
enum job_aim {
	JOB_DOES,     /* what its operation says */
	JOB_GIVES_UP, /* an operator wants no further attempt: the next one, or its end, fails for good */
	JOB_CLEANS,   /* a create that failed for good: what it made is being removed, and that is not given up */
};

#define TURN_NAME_MAX 63 /* bytes of a team's name that are looked at */

/* An operation that has not finished. It exists from its acceptance to its durable end. */
struct job {
	TAILQ_ENTRY(job) in_lane;
	/* while it is JOB_READY */
	TAILQ_ENTRY(job) in_turn;
	struct waiting *waiting_in; /* of its host; NULL: it is not */
	struct turn *turn;          /* its team's; NULL: memory was out */
	struct queue *queue;
	struct lane *lane;
	struct host *host;    /* NULL: its service or server is not configured now */
	enum job_state state; /* job_move is its only writer */
	enum operation_kind kind;
	char id[OPERATION_ID_LENGTH + 1];
	char incarnation[INCARNATION_LENGTH + 1];
	char service[SERVICE_NAME_MAX + 1], server[SERVER_NAME_MAX + 1]; /* where it has to run */
	char team[TURN_NAME_MAX + 1]; /* that it takes turns with others for; cut, "" for none */
	int64_t placed_at;            /* monotonic ms: since when it has, or had, its place */
	bool held_up;                 /* and that place is of the held-ups' share */
	enum job_aim aim;
	int64_t attempts;
	int64_t locked; /* of them, those that a lock was in the way of */
	int64_t until;  /* monotonic ms: a failure before it is not the last one, since a server asked for the time */
	int64_t created_at; /* wall ms */
	int64_t accepted;   /* monotonic ms; before the start of the program by what the wall clock says */
	struct error error; /* of the last attempt */
	struct timer timer;
	struct run *run; /* of those above: from its start to its durable end; NULL otherwise */
	struct waiter_list waiting;
	size_t waiter_count; /* of them */
};

/* The operations of one instance, in order of acceptance; only the first ever runs. */
struct lane {
	char incarnation[INCARNATION_LENGTH + 1];
	struct job_list jobs;
	size_t count; /* of them */
	bool held_up; /* by what somebody else holds: the last attempt was, or another one lately */
	UT_hash_handle hh;
};

/* What those above make of a job. */
struct queue_work {
	void (*start)(struct job *job);   /* begins an attempt: the job has its place on its host */
	void (*give_up)(struct job *job); /* fails it, which has no run, for good; without a host, too */
	void (*cancel)(struct job *job);  /* gives its call up in silence */
	void (*forget)(struct job *job);  /* frees its run; harmless when there is none */
};

/* All but the tables and the numbers is borrowed, and set before the first job comes. */
struct queue {
	struct catalog *catalog;
	const struct queue_work *work;
	struct life *life;                /* likewise: what work is made of */
	struct lane *lanes;               /* table by incarnation */
	struct suspect *held_up;          /* likewise; see held_up.h */
	size_t pending, running, waiting; /* jobs; of them, with a call under way; waiters */
};

/* A job with a fresh operation id for the instance; NULL when memory is out. Not yet in its lane. */
struct job *job_new(struct queue *queue, const struct instance *instance, enum operation_kind kind);
/* The same without an id, for one that has its own. */
struct job *job_make(struct queue *queue, const struct instance *instance, enum operation_kind kind);
/* Frees a job that is in no lane and that nobody waits for. */
void job_free(struct job *job);
/* To another state; to one that may not follow is a mistake of this program. */
void job_move(struct job *job, enum job_state next);
/* How long ago it was accepted, in ms; a wall clock that jumps while the program runs changes nothing. */
int64_t job_age(const struct job *job);
/* Sets the job's host by the present configuration; NULL when it has no such service or server. */
void job_find_host(struct job *job);

#endif
