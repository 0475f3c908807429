/* The parts of inspect that are about logins. */
#ifndef DRIVER_POSTGRES_INSPECT_H
#define DRIVER_POSTGRES_INSPECT_H

#include "work.h"

#define INSPECT_HASHED "_[0-9a-f]{10}" /* how name_instance and name_login end */

/* Each bind's login: attributes, memberships, settings, the right to connect. */
void step_compare_logins(void *arg);
/* What the server keeps of each password; only superusers may read that. */
void step_compare_passwords(void *arg);

#endif
