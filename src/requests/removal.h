/* Removals as decisions of several requests take them up. */
#ifndef REQUESTS_REMOVAL_H
#define REQUESTS_REMOVAL_H

#include "requests/intent.h"

/* Removes the instance, for the first time or again, as was promised first. */
int removal_repeat(struct intent *intent, struct changes *changes, struct held_instance *held,
                   enum intent_next *ret_next, struct error *error);
/* Drops a retained one. */
int removal_purge(struct intent *intent, struct changes *changes, struct held_instance *held,
                  enum intent_next *ret_next, struct error *error);

#endif
