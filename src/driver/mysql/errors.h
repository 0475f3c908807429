/* What an error number of the server or the library means to the broker: whether it may pass, and the sentence for a
 * person. */
#ifndef DRIVER_MYSQL_ERRORS_H
#define DRIVER_MYSQL_ERRORS_H

#include <stdbool.h>

#include "base/error.h"

#define MARIA_READ_ONLY "it is read-only (read_only, super_read_only), as a replica or by an operator"
/* A condition: it takes changes from nobody but who may override that. */
#define MARIA_IS_READ_ONLY "CAST(@@GLOBAL.read_only AS CHAR) NOT IN ('0', 'OFF')"

/* Fills error from the number and the text that goes with it; returns the code. */
int maria_error_explain(unsigned int number, const char *message, struct error *error);
/* The library's own: the connection failed or was lost. */
bool maria_error_is_local(unsigned int number);
/* The wait for a lock was over. */
bool maria_error_is_lock(unsigned int number);
/* The broker's account may not do it. */
bool maria_error_lacks_right(unsigned int number);
/* Somebody else was there first, or is still about: to look again and go on is the cure. */
bool maria_error_is_overtaken(unsigned int number);

#endif
