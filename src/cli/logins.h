/* The threads for logins (driver/login.h), as a part of the program. */
#ifndef CLI_LOGINS_H
#define CLI_LOGINS_H

#include "cli/program.h"

int logins_open(struct program *program, struct error *error);
/* Whoever began a login is gone. */
void logins_end(struct program *program);

#endif
