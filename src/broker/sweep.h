/* Forgets what has been remembered long enough: removed instances and ended binds. */
#ifndef BROKER_SWEEP_H
#define BROKER_SWEEP_H

#include "broker/internal.h"

#define UNBOUND_KEPT                                                                                                   \
	(24 * 3600 * 1000) /* ms that ended binds can be restored, at most; limits.tombstones may be shorter */

void sweep_open(struct broker *broker);
void sweep_close(struct broker *broker);

#endif
