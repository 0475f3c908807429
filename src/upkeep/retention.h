/* Retained instances: each is dropped when its time is over. */
#ifndef UPKEEP_RETENTION_H
#define UPKEEP_RETENTION_H

#include "upkeep/upkeep.h"

void retention_open(struct upkeep *upkeep);
void retention_close(struct upkeep *upkeep);
/* Another instance is retained: it may be the first to go. */
void retention_changed(struct upkeep *upkeep);

#endif
