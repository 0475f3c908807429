/* The broker's own database on a server: its sessions live in it, its locks are taken in it, its comment is the mark.
 * Tenants cannot enter it. It is made, or looked at, when a server is first connected to. */
#ifndef DRIVER_POSTGRES_HOME_H
#define DRIVER_POSTGRES_HOME_H

#include <stdbool.h>

#include "driver/pool.h"

#define HOME_DATABASE "tsuru_broker"

/* Roles that may be another service's admin: they alone are let in. On pg_roles. */
#define HOME_ADMINS "(rolsuper OR rolcreaterole AND rolcreatedb)"

/* Those that cannot connect to a pg_database d, as a list for GRANT; NULL: none. */
#define HOME_NOT_LET_IN                                                                                                \
	"(SELECT string_agg(quote_ident(rolname), ', ') FROM pg_roles"                                                 \
	" WHERE rolcanlogin AND " HOME_ADMINS " AND NOT has_database_privilege(oid, d.oid, 'CONNECT'))"

/* Two booleans of a query, for home_obstacle: a standby, and what starts transactions that may not write. */
#define HOME_IS_READ_ONLY "pg_is_in_recovery(), current_setting('transaction_read_only')::boolean"

struct pg_session;
struct pg_target;

/* Why the server takes no changes; NULL: it does. */
const char *home_obstacle(bool standby, bool read_only);

struct home {
	const struct pg_target *target; /* borrowed */
	bool *is_ready;                 /* borrowed; it was there and closed when last looked at */
};

/* The session of what a pool of home_kind lends; NULL for NULL. */
struct pg_session *home_session(const void *pooled);

/* Sessions in the home database of a struct home. */
extern const struct pool_kind home_kind;

#endif
