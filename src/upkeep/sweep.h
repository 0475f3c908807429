/* Forgets what has been remembered long enough: removed instances and ended binds. */
#ifndef UPKEEP_SWEEP_H
#define UPKEEP_SWEEP_H

#include "upkeep/upkeep.h"

#define UNBOUND_KEPT                                                                                                   \
	(24 * 3600 * 1000) /* ms that ended binds can be restored, at most; limits.tombstones may be shorter */

void sweep_open(struct upkeep *upkeep);
void sweep_close(struct upkeep *upkeep);

#endif
