/* The catalog as calls use it: cached at the upstream, read anew when it is old, searched for the plans that our
 * configuration names. */
#ifndef DRIVER_OSB_OFFERS_H
#define DRIVER_OSB_OFFERS_H

#include "work.h"

/* Reads the catalog and holds it for the work; answer is NULL. */
void offers_read(struct osb_work *work, osb_done *on_done);
/* Holds the cached one when it is not older than ms. */
bool offers_hold(struct osb_work *work, int64_t ms);
/* What the held catalog has for a plan of our configuration; a plan that the configuration lost goes by its name. */
int offers_find(const struct osb_work *work, const char *plan_name, struct offer *ret_offer, struct error *error);

/* The step that every table begins with: fills work->offer. A cached catalog that lacks the plan is read anew. */
void osb_step_read_catalog(void *arg);

#endif
