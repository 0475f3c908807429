/* The broker's own structures. Each file of this folder says in its header part what it owns of them. */
#ifndef BROKER_INTERNAL_H
#define BROKER_INTERNAL_H

#include <sys/queue.h>

#include "base/arena.h"
#include "base/metrics.h"
#include "broker/broker.h"
#include "upkeep/upkeep.h"

struct broker {
	struct catalog catalog;
	struct queue queue;
	struct watch watch;
	struct life life;
	struct requests requests;
	struct upkeep upkeep;
	struct store *store;
	struct records *records;
	struct timers *timers;
	const struct log *log;
	struct mark mark;
	struct measures measures;
};

#endif
