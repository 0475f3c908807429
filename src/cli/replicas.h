/* What this broker tells the others that share its store, and what it logs of them. */
#ifndef CLI_REPLICAS_H
#define CLI_REPLICAS_H

#include "base/error.h"
#include "store/members.h"

struct program;

/* What was logged last, so that each change is logged once. */
struct replicas_told {
	char warnings[STORE_WARNING_COUNT][ERROR_TEXT_MAX]; /* "": it is not so */
	uint64_t checks;
};

/* Tells them of the configuration in force; at the start, and after each that replaces it. */
void replicas_describe(struct program *program);
/* The store's on_members; arg is the program. */
void replicas_changed(void *arg);

#endif
