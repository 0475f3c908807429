/* A function that runs on a stack of its own, so that library code which knows only how to wait can be left in the
 * middle and gone on with later, on the same thread: one fiber of a thread or what resumes it runs at a time. */
#ifndef DRIVER_MYSQL_FIBER_H
#define DRIVER_MYSQL_FIBER_H

#include <stdbool.h>

#define FIBER_STACK ((size_t)256 * 1024) /* bytes; a TLS handshake takes a fifth of it */

struct fiber;

/* run begins with the first fiber_resume. NULL: memory is out. */
struct fiber *fiber_new(void (*run)(void *arg), void *arg);
/* run has ended or never began. Accepts NULL. */
void fiber_free(struct fiber *fiber);

/* From outside: goes on until the fiber leaves again. Whether run has ended. */
bool fiber_resume(struct fiber *fiber);
/* From inside: back to who resumed it. */
void fiber_leave(struct fiber *fiber);
/* The arg of the fiber that runs now. */
void *fiber_running(void);

#endif
