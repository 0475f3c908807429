/* Logins that should be dead and may live: what an unbind or a removal was accepted for and has not ended, or has
 * failed to end for good. Counted when somebody asks, from what is pending and from notes on what failed
 * (changes_put_to_end). */
#ifndef BROKER_LINGERING_H
#define BROKER_LINGERING_H

#include "broker/internal.h"

/* Called for each of them. instance and bind are borrowed. */
typedef void lingering_visit(void *arg, const struct instance *instance, const struct bind *bind);
/* Visits all of the broker's; of very many instances only the first LINGERING_MAX. */
void lingering_walk(struct broker *broker, lingering_visit *visit, void *arg);
#define LINGERING_MAX 20000
/* How many the instance has. */
size_t lingering_of(struct broker *broker, const struct instance *instance);
/* The member "logins": those that have been so for more than a moment. */
void lingering_show(struct broker *broker, struct text *json);
/* Whether the note in KEYSPACE_META is of no use any more. */
bool lingering_is_over(struct broker *broker, const void *key, size_t key_length);

#endif
