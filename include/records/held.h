/* Records as they are read: each with the revision of the commit that wrote it, to base the next one on. */
#ifndef RECORDS_HELD_H
#define RECORDS_HELD_H

#include <stdint.h>

#include "model/model.h"

struct held_instance {
	uint64_t revision;
	struct instance record;
};

struct held_bind {
	uint64_t revision;
	struct bind record;
};

struct held_operation {
	uint64_t revision;
	struct operation record;
};

struct held_tombstone {
	uint64_t revision;
	struct tombstone record;
};

#define TO_END "to-end/" /* before an incarnation: the key of its note in KEYSPACE_META */

#endif
