/* Connections counted by source address. */
#ifndef HTTP_CROWD_H
#define HTTP_CROWD_H

#include <stddef.h>

struct crowd; /* a table; NULL is an empty one */

/* One more of the address; the count, or 0 when memory is out (it is then not counted). */
size_t crowd_enter(struct crowd **crowd, const char *address);
/* One less, if it was counted. */
void crowd_leave(struct crowd **crowd, const char *address);
void crowd_free(struct crowd **crowd);

#endif
