/* A view on its way to where the journal is. */
#ifndef STORE_FOLLOW_H
#define STORE_FOLLOW_H

#include "journal.h"
#include "store_internal.h"

/* The view's point. An LMDB code. */
int follow_point(const struct store *store, struct point *ret_point);
/* Brings the view to head, or beyond it. *ret_lost says whether it had what the journal does not have any more: it is
 * set only when the view was made afresh. ERR_UNAVAILABLE, ERR_REFUSED, ERR_CORRUPT of the journal, the first
 * also when the store is being closed; ERR_NO_SPACE, ERR_INTERNAL of the view's file; ERR_NO_MEMORY. */
int follow_to(struct store *store, const struct point *head, bool *ret_lost, struct error *error);

#endif
