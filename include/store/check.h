/* Whether a store is as it has to be, from outside the brokers that use it, which may run. Nothing is changed. */
#ifndef STORE_CHECK_H
#define STORE_CHECK_H

#include "store/copy.h"

/* A sentence about what is not as it has to be; borrowed for the call. */
typedef void store_report(void *arg, const char *finding);

struct store_check {
	store_dump_visit *visit; /* for each record, unless what was reported keeps them from being read */
	store_report *report;
	void *arg; /* of both */
};

/* 0 when it could be looked at, whatever was found; otherwise why not, or the code that visit ended it with. */
int store_check_alone(const char *directory, const struct store_check *check, struct error *error);
int store_check_shared(const struct store_shared *options, const struct store_check *check, struct error *error);

#endif
