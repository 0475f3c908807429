/* The rooms, in the order in which they are built. */
#ifndef BROKER_INTERNAL_H
#define BROKER_INTERNAL_H

#include "broker/broker.h"
#include "view/view.h"

struct broker {
	struct broker_options options; /* but for config and keyring, which may be others by now */
	struct catalog catalog;
	struct queue queue;
	struct watch watch;
	struct life life;
	struct requests requests;
	struct upkeep upkeep;
	struct view view;
	struct mark mark;
	struct mark_seen mark_seen; /* whoever was the active one */
	struct measures measures;
	bool has_begun;
};

#endif
