/* A login to one address of a server, taken through libpq's states on a thread of its own (driver/login.h): what the
 * server sends makes libpq compute. */
#ifndef DRIVER_POSTGRES_LOGIN_H
#define DRIVER_POSTGRES_LOGIN_H

#include "driver/login.h"
#include "target.h"

struct pg_entry; /* the work of a postgres_login_kind */

extern const struct login_kind postgres_login_kind;

/* To an address of place ("" for a unix socket). login NULL, or one without a user: as the url's user; otherwise
 * without the url's client certificate, which is another's, and with the SQLSTATE in libpq's messages. plain: without
 * options. All is copied. NULL: memory is out. */
struct pg_entry *entry_new(const struct pg_target *target, const struct pg_place *place, const char *address,
                           const char *database, const struct target_login *login, bool plain);
/* Once the login is over: frees the entry and gives its connection, good or bad; it is to be finished. NULL: memory was
 * out. */
PGconn *entry_take(struct pg_entry *entry);

#endif
