/* What the owner of a database, its tenant, can set or hold so that the broker, or the tenant's own apps, do not come
 * in or do not get on. */
#ifndef DRIVER_POSTGRES_HINDER_H
#define DRIVER_POSTGRES_HINDER_H

#include "driver/sql.h"

/* Of c, "name=value" of a database's or a role's settings: with it no session begins (a library that is not there), or
 * one is ended, or its statements are, within a second. The server looks at the settings of all tenants, so no way to
 * write a value may make the cast fail: with eight digits it is longer than a second in any unit, and what is written
 * in some other way ("1.s", "1e3") counts as too short. */
#define HINDER_UNIT  " {0,9}(us|ms|s|min|h|d)? {0,9}$'"
#define HINDER_VALUE "lower(split_part(c, '=', 2))"
#define HINDER_SETTING                                                                                                 \
	"(split_part(c, '=', 1) = 'local_preload_libraries' OR split_part(c, '=', 1) ~ '^[a-z_]+_timeout$' AND CASE"   \
	" WHEN " HINDER_VALUE " ~ '^ {0,9}[1-9][0-9]{7,}([.][0-9]*)?" HINDER_UNIT " THEN false"                        \
	" WHEN " HINDER_VALUE " !~ '^ {0,9}[0-9]{1,7}([.][0-9]{1,9})?" HINDER_UNIT " THEN true"                        \
	" ELSE (" HINDER_VALUE " || CASE WHEN " HINDER_VALUE " ~ '[a-z] *$' THEN '' ELSE 'ms' END)::interval"          \
	" BETWEEN '1us' AND '999ms' END)"

/* Of x, a row of pg_prepared_xacts; takes the names of the owner, the reader and the database. What changes a catalog
 * of the whole server holds up whatever has to change the same database's or role's row. A GRANT keeps no lock on the
 * catalog itself. */
#define PREPARED_HINDERS                                                                                               \
	"x.owner IN (%l, %l) AND (x.transaction IN (SELECT xmax FROM pg_database WHERE datname = %l)"                  \
	" OR EXISTS (SELECT FROM pg_locks l WHERE l.virtualtransaction = '-1/' || x.transaction"                       \
	" AND l.locktype = 'relation' AND l.database = 0 AND l.mode = 'RowExclusiveLock'))"

/* A boolean; takes the names of the database, the owner, the reader, and the database again. */
#define HINDER_EXISTS                                                                                                  \
	"EXISTS (SELECT FROM pg_database d WHERE d.datname = %l AND (NOT d.datallowconn OR d.datconnlimit = 0"         \
	" OR EXISTS (SELECT FROM pg_db_role_setting s, unnest(s.setconfig) c WHERE s.setdatabase = d.oid"              \
	" AND s.setrole = 0 AND " HINDER_SETTING "))) OR EXISTS (SELECT FROM pg_prepared_xacts x"                      \
	" WHERE " PREPARED_HINDERS ")"

/* Lets the broker into database, which belongs to owner: it takes connections, and any number when it took none. */
void hinder_add_opening(struct sql *sql, const char *database, const char *owner);
/* Takes the settings of database away that are as above. */
void hinder_add_settings(struct sql *sql, const char *database);

#endif
