/* The parts of inspect that are about logins. */
#ifndef DRIVER_POSTGRES_INSPECT_H
#define DRIVER_POSTGRES_INSPECT_H

#include "work.h"

/* Each bind's login: attributes, memberships, settings, the right to connect. */
void step_compare_logins(void *arg);
/* Each bind's password, in inspect_passwords.c: that of the server beside that of the records. */
void step_compare_passwords(void *arg);
/* Tells that a bind of the login puts it right, unless that was told already. */
void inspect_add_login(struct driver_call *call, const char *login);

#endif
