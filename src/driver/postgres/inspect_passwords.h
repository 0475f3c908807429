/* The part of inspect that is about passwords. */
#ifndef DRIVER_POSTGRES_INSPECT_PASSWORDS_H
#define DRIVER_POSTGRES_INSPECT_PASSWORDS_H

/* Each bind's password: that of the server beside that of the records. */
void step_compare_passwords(void *arg);

#endif
