/* What a SQLSTATE means to the broker: whether it may pass, and the sentence for a person. */
#ifndef DRIVER_POSTGRES_SQLSTATE_H
#define DRIVER_POSTGRES_SQLSTATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

#define SQLSTATE_LENGTH     5
#define SQLSTATE_READ_ONLY  "25006"
#define SQLSTATE_LOCK_TAKEN "55P03" /* lock_not_available: lock_timeout has passed */

/* Fills error from a failed statement's SQLSTATE ("" or NULL: none) and the server's own message; returns the code. */
int sqlstate_explain(const char *sqlstate, const char *message, struct error *error);
/* Somebody else was there first, or is still about: to look again and go on is the cure. */
bool sqlstate_is_overtaken(const char *sqlstate, const char *message);

/* Somebody held for too long what the statement needs. */
bool sqlstate_is_locked(const char *sqlstate);

/* Refused, but not for ever: an operator can see to it, without another statement. */
bool sqlstate_is_curable(const char *sqlstate);

/* Somebody holds what the statement wants to change, or changed it at the same time. */
bool sqlstate_is_blocked(const char *sqlstate);

/* Fills error from libpq's verbose message of a connection that was refused, or lost: its first line, without where it
 * was going and without the SQLSTATE. A lock that was waited for in vain may pass as any other: ERR_LOCKED, otherwise
 * ERR_UNAVAILABLE. */
void sqlstate_explain_refusal(const char *message, struct error *error);

/* Whether libpq's message of a failed connection, likewise, can be that what stands between does not know options:
 * pgbouncer takes them for a violation of the protocol, others for a feature. */
bool sqlstate_is_about_options(const char *message);

/* Whether libpq's message of a failed connection, at the verbosity that shows SQLSTATEs, is that a password is wrong:
 * invalid_password, in whatever language the server speaks. A login that may not log in, or a rule of pg_hba.conf, has
 * another state. */
bool sqlstate_is_wrong_password(const char *message);

#endif
