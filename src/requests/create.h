/* What create and adopt share. */
#ifndef REQUESTS_CREATE_H
#define REQUESTS_CREATE_H

#include "requests/intent.h"

/* A new record for the request on the host; its texts live in the intent's arena or the request. */
int create_make_instance(struct intent *intent, const struct plan *plan, const struct host *host,
                         struct instance *ret_instance);
/* Writes it, under its name, whose revision was name_base, and counts it. */
void create_put_instance(struct intent *intent, const struct instance *instance, uint64_t name_base);

#endif
