/* Bringing an instance back, with which the requests to undelete and to try again begin. */
#ifndef REQUESTS_RESTORE_H
#define REQUESTS_RESTORE_H

#include "requests/intent.h"

/* Brings the instance, which is retained or whose removal failed, back under the name. */
enum intent_next restore_begin(struct intent *intent, struct held_instance *held, const char *name);

#endif
