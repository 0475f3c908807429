/* Subscriptions of a database that goes: their workers are in it, and the server drops no database that has one. */
#ifndef DRIVER_POSTGRES_SUBSCRIPTION_H
#define DRIVER_POSTGRES_SUBSCRIPTION_H

/* Drops them, or, when the database is put away, disables them. What they have on the publishing server stays there. */
void step_end_subscriptions(void *arg);

#endif
