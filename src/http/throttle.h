/* Failed logins by source address: from the tenth in a row on, the answers to further failures come later and later. A
 * right password is never delayed, so nobody can be locked out, not even from the same address. */
#ifndef HTTP_THROTTLE_H
#define HTTP_THROTTLE_H

#include <stdint.h>

#define THROTTLE_FREE      10     /* failures in a row that are answered at once */
#define THROTTLE_FIRST     100    /* ms; it doubles with each further failure */
#define THROTTLE_MAX       2000   /* ms */
#define THROTTLE_ADDRESSES 4096   /* remembered; the one that failed longest ago goes */
#define THROTTLE_FORGET    600000 /* ms after the last failure */

struct throttle; /* a table; NULL is an empty one */

/* address: text; of IPv6, the first 64 bits count. Returns how many ms the answer has to wait. */
int64_t throttle_failed(struct throttle **throttle, const char *address, int64_t now);
void throttle_passed(struct throttle **throttle, const char *address);
void throttle_free(struct throttle **throttle);

#endif
