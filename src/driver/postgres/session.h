/* One connection to a server, without ever blocking: name look-up, connecting, one query at a time. What is on the
 * wire cannot be taken back (libpq's cancel blocks): to give a query up is to close its session, and to note in the
 * target's roster that the server may still be at it.
 * Completions come from the loop, never inside the call that began the work. */
#ifndef DRIVER_POSTGRES_SESSION_H
#define DRIVER_POSTGRES_SESSION_H

#include <stdbool.h>

#include "base/error.h"
#include "driver/driver.h"
#include "driver/pool.h"
#include "pq/libpq.h"

/* Since this version a role with CREATEROLE acts for another one only when it was granted so, and grants have options.
 */
#define GRANTS_HAVE_OPTIONS 160000

struct pg_session;
struct pg_target;
struct target_login;

struct rows; /* a query's */

int rows_count(const struct rows *rows);
/* As the server writes it; "" for NULL. Borrowed. */
const char *rows_text(const struct rows *rows, int row, int column);
/* A boolean of the first row. */
bool rows_say(const struct rows *rows, int column);

/* rows: of the last statement that has any; NULL: none. Borrowed. */
typedef void session_answered(void *arg, int code, const struct error *error, const struct rows *rows);

/* Tries every address of every place of target, one after another. database NULL: the target's own; it is copied.
 * login NULL: the url's user. context, target and login are borrowed until session_close, which is due also after a
 * failure. NULL: memory is out. */
struct pg_session *session_open(const struct driver_context *context, const struct pg_target *target,
                                const char *database, const struct target_login *login, pool_done *on_opened,
                                void *arg);
/* Of a session of a login that could not be opened: whether the server said, at one address at least, that its password
 * is wrong. False: there was another reason, which says nothing of the password. */
bool session_was_denied(const struct pg_session *session);
/* Ends it in silence, in any state. Accepts NULL. */
void session_close(struct pg_session *session);

/* Sends statements (copied) as one simple query, so without BEGIN they are one transaction. The session is idle.
 * On failure nothing will be called. */
int session_query(struct pg_session *session, const char *statements, session_answered *on_answered, void *arg,
                  struct error *error);
/* Whether it is a statement that the server runs in no block of a transaction, so nothing stands before it. */
bool session_sends_alone(const char *statements);
/* The SQLSTATE of the last query's failure; "" when it had none. */
const char *session_sqlstate(const struct pg_session *session);

/* Whether another query can follow: idle, outside any transaction, and nothing unexpected (an end) was received. */
bool session_is_usable(const struct pg_session *session);
/* on_died is called when the server ends the idle session. Ends with its next use. 0 or ERR_NO_MEMORY. */
int session_watch(struct pg_session *session, void (*on_died)(void *arg), void *arg);

/* For escaping. */
struct pg_connection *session_connection(struct pg_session *session);
/* The server's process; 0: not connected. */
int session_pid(const struct pg_session *session);
/* A pooler stands between it and the server. */
bool session_is_pooled(const struct pg_session *session);
/* 150004: as libpq counts. */
int session_version(const struct pg_session *session);
bool session_is_superuser(const struct pg_session *session);

#endif
