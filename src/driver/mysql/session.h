/* One connection to a server: name look-up, connecting, one batch of statements at a time. What is on the wire cannot
 * be taken back: to give a batch up is to close its session. Completions come from the loop, never inside the call that
 * began the work. */
#ifndef DRIVER_MYSQL_SESSION_H
#define DRIVER_MYSQL_SESSION_H

#include <mysql.h>
#include <stdbool.h>

#include "base/error.h"
#include "driver/pool.h"

#define BADGE_SIZE    48
#define INSTANCE_LOCK "instance_lock" /* the variable with the name of the lock to give back when a call has ended */

struct mysql_session;

/* rows: of the last statement that has any; NULL: none. Borrowed. */
typedef void session_answered(void *arg, int code, const struct error *error, MYSQL_RES *rows);

/* Sessions to a struct mysql_target, for a pool. Every address of its host is tried. */
extern const struct pool_kind maria_session_kind;
/* Which of them the session is at. Borrowed. */
const char *maria_session_address(const struct mysql_session *session);

/* Sends statements (copied), separated by semicolons; the first that fails is the last. The session is idle. limit: ms
 * that the server gives each of them; MySQL gives it to those that only read. */
int maria_session_query(struct mysql_session *session, const char *statements, int64_t limit,
                        session_answered *on_answered, void *arg, struct error *error);
/* The server's number of the last batch's failure; 0: it had none, or the connection failed. */
unsigned int maria_session_errno(const struct mysql_session *session);
bool maria_session_is_usable(const struct mysql_session *session);
/* The server's number of a session that awaits the answer to statements; 0: it awaits none. */
unsigned long maria_session_asking(const struct mysql_session *session);
/* The server's number of it; 0: it is not logged in. */
unsigned long maria_session_id(const struct mysql_session *session);
/* The lock that it holds for as long as it lives, by which it is told on the server (badge.h); "": none. */
const char *maria_session_badge(const struct mysql_session *session);
/* Cut at BADGE_SIZE. */
void maria_session_set_badge(struct mysql_session *session, const char *badge);

/* For escaping, and what it knows of the server. */
MYSQL *maria_session_connection(const struct mysql_session *session);
/* Whether databases in grants are no patterns (MySQL's partial_revokes). */
bool maria_session_has_literal_grants(const struct mysql_session *session);

#endif
