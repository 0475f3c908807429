/* Opens and closes all of the upkeep: drift, reconciling, sweep, retention, rekey and inspections. */
#ifndef UPKEEP_PARTS_H
#define UPKEEP_PARTS_H

#include "upkeep/upkeep.h"

void upkeep_open(struct upkeep *upkeep);
/* Stops it. Its errands stay until the requests are dropped (errand.h). */
void upkeep_close(struct upkeep *upkeep);
/* The outcome of an operation is on the disk, and its run still there. */
void upkeep_renew(struct upkeep *upkeep, const struct job *job);

#endif
