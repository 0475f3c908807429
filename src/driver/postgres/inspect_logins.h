/* The parts of inspect that are about logins. */
#ifndef DRIVER_POSTGRES_INSPECT_LOGINS_H
#define DRIVER_POSTGRES_INSPECT_LOGINS_H

#include "work.h"

/* Each bind's login: attributes, memberships, settings, the right to connect. */
void step_compare_logins(void *arg);
/* Tells that a bind of the login puts it right, unless that was told already. */
void inspect_add_login(struct driver_call *call, const char *login);
bool inspect_login_is_told(const struct driver_call *call, const char *login);

#endif
