/* What binds, unbinds and rotations share. */
#ifndef REQUESTS_BIND_H
#define REQUESTS_BIND_H

#include "records/lingering.h"
#include "requests/intent.h"

/* Gives the bind a new random password, sealed, in the intent's arena. */
int bind_new_secret(struct intent *intent, struct bind *bind);
/* Adds a rotation to the password that it has by now. */
int bind_rotate(struct intent *intent, const struct instance *instance, struct held_bind *held);
/* Adds an unbind of it. Who may take it back is the record's unbind_event. */
int bind_end(struct intent *intent, const struct instance *instance, struct held_bind *held);
/* The identity of the app, the job or the old client's host is well formed. */
int bind_check_request(struct intent *intent);

#endif
