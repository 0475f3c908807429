/* Who is let in, who is told at once that the password is wrong, and who has to wait (throttle.h says when). What waits
 * is no request: it counts in no limit of requests, holds nothing but its connection and its head, and has places of
 * its own, LOGIN_WAITING_MAX of a server; when they are taken the newest is answered 429 and closed. Nobody waits there
 * who logs in well from where it did before. */
#ifndef HTTP_LOGIN_H
#define HTTP_LOGIN_H

#include <stdbool.h>

#define LOGIN_WAITING_MAX 8192
#define LOGIN_HOLD        2000 /* ms that an answer to somebody who guesses is held back, at least */
#define LOGIN_PACE        2    /* ms between two such answers */
#define LOGIN_HEAD_MAX    4096 /* bytes of a head that may wait, and of what was sent behind it */

struct http_request;
struct http_site;
struct sites;

/* Whether login_check would let it in at once, as far as its head tells; nothing is counted. site is one of sites. */
bool login_would_pass(struct http_request *request, struct sites *sites, const struct http_site *site);
/* Whether the request may go on to its site; if not, it has been answered or waits. */
bool login_check(struct http_request *request);
/* The same, when the time that it waited for is over. */
bool login_resume(struct http_request *request);

#endif
