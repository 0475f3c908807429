/* What the files of this folder share. */
#ifndef RECORDS_INTERNAL_H
#define RECORDS_INTERNAL_H

#include "base/timer.h"
#include "records/records.h"

struct records {
	struct store *store;
	struct timers *timers;
	int64_t last_wall; /* of the newest id */
	uint32_t sequence;
	struct reservation *reservations; /* table by the counter's name */
};

#endif
