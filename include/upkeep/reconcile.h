/* The records beside tsuru's own list, every now and then and when somebody asks: what either side lacks is told, and
 * binds that tsuru has forgotten can be ended. */
#ifndef UPKEEP_RECONCILE_H
#define UPKEEP_RECONCILE_H

#include "upkeep/upkeep.h"

void reconcile_open(struct upkeep *upkeep);
/* Cancels and frees all. */
void reconcile_close(struct upkeep *upkeep);
/* The configuration is another: what is under way begins anew; what another tsuru's list came to is forgotten. */
void reconcile_reload(struct upkeep *upkeep);
/* Begins a comparison now, or joins the one under way. ender (NULL: nobody): binds that are due when it is whole are
 * ended in this operator's name; borrowed for the call. ERR_INVALID: the configuration has no tsuru. */
int reconcile_start(struct upkeep *upkeep, const char *ender, struct error *error);

/* Members of an object: how the last comparison went, and all differences. ERR_INVALID as above. */
int reconcile_show(const struct upkeep *upkeep, struct text *json, struct error *error);
/* Members of an object: the state in short, without names. None where nothing is compared. */
void reconcile_show_health(const struct upkeep *upkeep, struct text *json);
/* Tells measure every count of the service's differences: a kind's name and the number. Nothing before the first
 * comparison. */
void reconcile_count(const struct upkeep *upkeep, const char *service,
                     void (*measure)(void *arg, const char *service, const char *kind, size_t count), void *arg);
/* Ms since the last whole comparison, or since the start when there was none; -1: nothing is compared. */
int64_t reconcile_age(const struct upkeep *upkeep);

#endif
