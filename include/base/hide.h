/* What a process keeps from the others of its own user: its memory, its descriptors, its environment. */
#ifndef BASE_HIDE_H
#define BASE_HIDE_H

#include "base/error.h"

/* From here on /proc shows nothing of this process's memory and descriptors to others of the same user, no debugger of
 * theirs attaches, no core is dumped. The environment's variables move into locked memory, where getenv goes on finding
 * them, and are wiped from where /proc shows them. To be called once, before there are threads. */
int hide_process(struct error *error);

#endif
