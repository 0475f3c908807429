/* The work of one call: its steps and its session.
 *
 * A step builds statements by maria_sql, sends them by maria_query, and goes on in the function it gave, or with the
 * next step when it gave none. Any failure ends the call, but for those that say that somebody else was there first:
 * then the table is run again from its top, a few times. */
#ifndef DRIVER_MYSQL_WORK_H
#define DRIVER_MYSQL_WORK_H

#include <mysql.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "dialect.h"
#include "driver/driver.h"
#include "driver/pool.h"
#include "maria.h"
#include "owner.h"

struct account {
	const char *user, *host;
	bool locked;
	bool has_events; /* those that it defined may run */
};

struct work {
	struct driver_call *call;
	const struct host *host;
	int lock_tries; /* for the instance's lock, of this round */
	bool again;     /* the round ended because somebody else was first */

	struct lease lease;
	bool spoiled; /* the session is not used again: it lacks rights, which a server gives to new ones only, or
	               * its settings were changed for a while */
	struct error reason; /* of a failure that is being explained */
	struct sql sql;
	void (*on_rows)(struct work *work, MYSQL_RES *rows);
	struct timer pause;
	int64_t pause_ms, paused; /* the last one, and all of the round */
	void (*on_resume)(void *work);

	const char *database;                                 /* the instance's */
	char retired[BACKEND_NAME_MAX + sizeof(RETIRED_END)]; /* where its tables are while it is retired */
	char pattern[DATABASE_MAX + 1];                       /* of the database, in grants */
	const char *login;                                    /* the bind's; NULL: the call has none */
	const char *from, *to;                                /* the databases that tables move between */

	/* of this round */
	bool has_database, has_retired;
	enum owner owner, retired_owner; /* of those two */
	struct account *accounts;        /* those that the call is about and the server has */
	size_t account_count, living;    /* living: of update, how many behind those have a bind */
	struct arena arena;              /* they */
};

/* What the core begins a work with, runs its table once more for, and ends it with. */
int maria_begin(void *work, struct error *error);
bool maria_again(void *work);
void maria_end(void *work, bool given_up);

/* An empty text for the next query. */
struct sql *maria_sql(struct work *work);
/* Sends the text; an empty one goes to the next step. on_rows may be NULL. */
void maria_query(struct work *work, void (*on_rows)(struct work *work, MYSQL_RES *rows));
/* Calls on_resume after a pause, each longer than the one before it. */
void maria_pause(struct work *work, void (*on_resume)(void *work));

/* Milliseconds that a statement may take: a little less than the call has left. */
int64_t maria_limit(const struct work *work);

bool maria_is_mariadb(const struct work *work);
/* Begins a SELECT that waits for no table that a tenant's statement has for itself, but passes it over with a warning;
 * a MySQL reads its catalog and none. */
void maria_add_unwaiting(struct work *work, struct sql *sql);
/* Takes back what a tenant of a MySQL, from 8.0.22, may have set: a database that is read-only cannot even be dropped.
 */
void maria_add_writable(struct work *work, struct sql *sql, const char *database);
/* Whether the server's mark, as a query showed it, is the broker's; the step has failed otherwise. */
bool maria_has_mark(struct work *work, const char *found);
/* The expression that shows the server's mark. */
void maria_add_mark(struct work *work, struct sql *sql);

/* ---- steps that every table begins with ---- */

void maria_step_take_session(void *arg);
/* Takes the instance's lock on the server, and looks for the server's mark and the instance's databases. The lock is
 * the session's: one that was given up keeps it until the server has done with its last statement, so no two calls ever
 * work on one instance. A holder that is not the broker's is ended; for one that is, nobody waits longer than a second.
 * What takes access away does so before, as it may have to wait here, and again behind it, as a late statement may have
 * given access back. */
void maria_step_look(void *arg);
/* Fails for good when the database is another instance's. */
void maria_step_require_own(void *arg);
/* The same, and when it is gone. */
void maria_step_require_database(void *arg);

#endif
