/* Whose the records in a directory are: this store's own, or a journal's, of which they are a view. */
#ifndef STORE_OWNER_H
#define STORE_OWNER_H

#include "base/error.h"

/* For a store of its own. ERR_INVALID when the directory holds a view. */
int owner_check_alone(const char *directory, struct error *error);
/* For a view: marks the directory, and drops a view that a crash of the machine may have damaged. ERR_INVALID when it
 * holds records that are in no journal. */
int owner_claim_view(const char *directory, struct error *error);
/* The view is damaged: the next owner_claim_view drops it. Where that cannot be written the view stays. */
void owner_condemn_view(const char *directory);
/* Drops it at once; nobody may have it open. */
int owner_drop_view(const char *directory, struct error *error);

#endif
