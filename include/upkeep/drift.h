/* The drift pass: every instance is looked at in turn, slowly, and then every server for what nobody knows of. */
#ifndef UPKEEP_DRIFT_H
#define UPKEEP_DRIFT_H

#include "upkeep/upkeep.h"

void drift_open(struct upkeep *upkeep);
/* Cancels and frees all. */
void drift_close(struct upkeep *upkeep);
/* The configuration is another: its interval counts from now on. */
void drift_reload(struct upkeep *upkeep);
/* A server came back, maybe without what it had: a pass begins now, or anew behind the one under way. Nothing is done
 * where passes are off (verify_interval: 0). */
void drift_hurry(void *arg);
/* Begins a pass now, if it rests. */
int drift_start(struct upkeep *upkeep, struct error *error);
/* Members of an object: the pass's state, what was found of instances, and the strays. */
int drift_show(const struct upkeep *upkeep, struct text *json, struct error *error);
/* What servers of the service have that nobody knows of. */
size_t drift_count_strays(const struct upkeep *upkeep, const char *service);

#endif
