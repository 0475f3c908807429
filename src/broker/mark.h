/* Which store this is, among all that may meet at a server: an id that is made with it, a number that grows with each
 * start, and a word made anew at each start, which tells two starts of one number apart: those of a store and its copy.
 * As a text, "STORE-NUMBER-WORD", it is what servers carry. */
#ifndef BROKER_MARK_H
#define BROKER_MARK_H

#include "broker/internal.h"

/* Reads the store's mark and seal, or makes its first, and has the next mark written; it is durable some time later. */
int mark_open(struct broker *broker, struct error *error);
/* Whether it is on the disk, so that servers may see it; one whose commit failed is committed again. */
bool mark_is_durable(struct broker *broker);
/* False for what is no mark. */
bool mark_parse(const char *text, struct mark *ret_mark);
/* The broker's own mark gets a number above the given one; it is durable some time later. */
void mark_raise(struct broker *broker, int64_t number);

#endif
