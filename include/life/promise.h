/* What a removal promises of the instance's content. Settled in the instance's record when its removal is first
 * accepted, and kept until it is brought back: whoever repeats a removal that failed, was canceled or was cut off gets
 * what was promised at first, never what could be told from the state that the failure left. */
#ifndef LIFE_PROMISE_H
#define LIFE_PROMISE_H

#include "life/life.h"

/* Settles it in the record, unless it stands there. event: of the removal's caller; NULL: none. Records of earlier
 * programs did not say what was promised; then the longest that their history or the plan says holds. */
int promise_settle(struct life *life, struct arena *arena, struct instance *instance, const char *event,
                   struct error *error);
/* How long a removal of the instance keeps its content, in ms: 0 says that it is dropped. The record is settled. */
int64_t promise_kept(const struct instance *instance);
/* The same for an operation that removes it, also one that an earlier program accepted: with what is left to keep. */
int promise_of(struct life *life, struct arena *arena, const struct instance *instance,
               const struct operation *operation, int64_t *ret_retain, struct error *error);
/* It was brought back: nothing is promised any more, and what is in it was there before. */
void promise_clear(struct instance *instance);

#endif
