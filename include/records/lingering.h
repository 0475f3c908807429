/* Logins that should be dead and may live: what an unbind or a removal was accepted for and has not ended, or has
 * failed to end for good. Each instance's records say what is true; a note (KEYSPACE_META) says where to look. */
#ifndef RECORDS_LINGERING_H
#define RECORDS_LINGERING_H

#include "records/records.h"

/* Neither bound nor on its way there, and nothing is under way that ends it: its unbind failed for good, or a removal
 * cut its bind off and was taken back. Its login may live. */
bool bind_is_left(struct records *records, const struct bind *bind);
/* Called for each of them. instance and bind are borrowed. */
typedef void lingering_visit(void *arg, const struct instance *instance, const struct bind *bind);
/* Visits the instance's; its binds are read into arena. */
void lingering_visit_binds(struct records *records, struct arena *arena, const struct instance *instance,
                           lingering_visit *visit, void *arg);
/* How many the instance has. */
size_t lingering_of(struct records *records, const struct instance *instance);
/* The incarnation that the note is about; "" when the key is none of a note. */
void lingering_read_note(const void *key, size_t key_length, char *ret_incarnation);
/* Whether the note is of no use any more. */
bool lingering_is_over(struct records *records, const void *key, size_t key_length);

#endif
