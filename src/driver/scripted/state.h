/* What an opened service of the scripted driver holds. */
#ifndef DRIVER_SCRIPTED_STATE_H
#define DRIVER_SCRIPTED_STATE_H

#include <sys/queue.h>

#include "driver/scripted/rules.h"
#include "driver/scripted/world.h"

/* A pretended server; a service without servers has one. */
struct scripted_place {
	const struct server *server;
	struct world world;
	struct scripted_rules rules; /* of its file */
};

struct scripted {
	const struct driver_context *context;
	struct scripted_place *places;
	size_t place_count;
	struct scripted_rules rules; /* by scripted_rule; they come first */
	bool is_short;               /* of memory, for what a test said: the next call fails for it */
	TAILQ_HEAD(, scripted_work) works;
	size_t begun[CALL_KINDS];
};

#endif
