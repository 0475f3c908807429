/* Sessions, in a database that is to go, that do not belong to the logins of its instance: those of the broker's other
 * logins, whom the tenant let in, and those that the server does not show yet. */
#ifndef DRIVER_POSTGRES_GUESTS_H
#define DRIVER_POSTGRES_GUESTS_H

#include "work.h"

/* Of l, a row of pg_locks: the server does not show yet whose session has it. */
#define GUESTS_NOT_SHOWN "NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.pid = l.pid AND a.usesysid IS NOT NULL)"

/* A query of the processes (pid) that the server does not show yet; takes the database's name. Whoever begins a session
 * has a lock on the database, and may sleep with it for half an hour (post_auth_delay). */
#define GUESTS_HIDDEN                                                                                                  \
	"SELECT DISTINCT l.pid FROM pg_locks l JOIN pg_database d ON d.oid = l.objid WHERE d.datname = %l"             \
	" AND l.locktype = 'object' AND l.classid = 'pg_database'::regclass AND l.granted"                             \
	" AND l.pid <> pg_backend_pid() AND " GUESTS_NOT_SHOWN

/* Ends them, as far as the broker's role may make itself a member of their logins. */
void guests_add_ending(struct sql *sql, const struct pg_work *work, const char *database);

#endif
