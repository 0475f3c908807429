/* What is true of each kind of operation: what it asks of a driver, and what its outcome leaves in the store. */
#ifndef LIFE_SAVE_H
#define LIFE_SAVE_H

#include "life/life.h"

/* One try to save a result. */
struct saving {
	struct job *job;
	struct run *run;
	struct arena arena;
	struct changes changes;
	struct held_operation operation;
	struct held_instance instance;
	int64_t wall;
};

enum verb_plan {
	PLAN_NONE,   /* it needs none */
	PLAN_OWN,    /* that the instance has; before its first: the wanted one */
	PLAN_WANTED, /* that it brings the instance to */
};

struct verb {
	enum call_kind call; /* remove: or CALL_RETIRE, as was promised */
	enum verb_plan plan;
	bool bind;    /* it is about one bind, whose record is read */
	bool secret;  /* likewise, and what is sealed in it is opened */
	bool binds;   /* all binds of the instance are given */
	bool removal; /* tried for ever: giving up would leave something behind */
	/* Adds what its outcome leaves, by the run's verdict. */
	int (*save)(struct saving *saving, struct error *error);
};

const struct verb *verb_of(enum operation_kind kind);

#endif
