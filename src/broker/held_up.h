/* Instances that were held up lately, by incarnation. A lock that is let go for a moment, so that an operation ends,
 * and taken again does not make its instance one of the fresh. */
#ifndef BROKER_HELD_UP_H
#define BROKER_HELD_UP_H

#include "broker/internal.h"

/* For a minute from now on. Without memory it is not. */
void held_up_remember(struct broker *broker, const char *incarnation);
bool held_up_is_remembered(struct broker *broker, const char *incarnation);
void held_up_forget_all(struct broker *broker);

#endif
