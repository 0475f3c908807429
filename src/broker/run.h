/* What the queue makes of a job: attempts. */
#ifndef BROKER_RUN_H
#define BROKER_RUN_H

#include "broker/attempt.h"

/* Begins an attempt of the job, which has its place on its host. */
void run_start(struct job *job);
/* Fails the job, which has no run, for good, as its operator wants; without a host, too. */
void run_give_up(struct job *job);
/* Gives its call up in silence. */
void run_cancel(struct job *job);
/* Forgets the attempt, wiping its secrets; harmless when there is none. */
void run_free(struct job *job);

#endif
