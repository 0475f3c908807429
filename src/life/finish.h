/* The end of an operation: its result is made durable, then those who wait are answered. */
#ifndef LIFE_FINISH_H
#define LIFE_FINISH_H

#include "life/life.h"

/* The job's run has come to a verdict; it has released its host. Takes as many turns as the store needs. */
void finish_start(struct job *job, enum verdict verdict);

#endif
