/* The work of one call: what it knows, and its session. Its steps send their statements by query.h. */
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

enum password_way {
	PASSWORD_HASHED, /* the server is told the hash that it keeps */
	PASSWORD_CLEAR,  /* it has to see the password */
	PASSWORD_KEPT,   /* the account has it already */
};

struct mysql_work {
	struct driver_call *call;
	const struct mysql_host *host;
	int lock_tries; /* for the instance's lock, of this round */
	bool again;     /* the round ended because somebody else was first */

	struct lease lease;
	bool spoiled; /* the session is not used again: it lacks rights, which a server gives to new ones only, or
	               * its settings were changed for a while */
	struct error reason; /* of a failure that is being explained */
	struct sql sql;
	void (*on_rows)(struct mysql_work *work, MYSQL_RES *rows);
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
	enum password_way password_way;
	struct arena arena; /* they */
};

/* What the core begins a work with, runs its table once more for, and ends it with. */
int maria_begin(void *arg, struct error *error);
bool maria_again(void *arg);
void maria_end(void *arg, bool given_up);

/* An empty text for the next query. */
struct sql *maria_sql(struct mysql_work *work);
/* Calls on_resume after a pause, each longer than the one before it. */
void maria_pause(struct mysql_work *work, void (*on_resume)(void *work));

/* Milliseconds that a statement may take: a little less than the call has left. */
int64_t maria_limit(const struct mysql_work *work);

bool maria_is_mariadb(const struct mysql_work *work);
/* Begins a SELECT that waits for no table that a tenant's statement has for itself, but passes it over with a warning;
 * a MySQL reads its catalog and none. */
void maria_add_unwaiting(struct mysql_work *work, struct sql *sql);
/* Takes back what a tenant of a MySQL, from 8.0.22, may have set: a database that is read-only cannot even be dropped.
 */
void maria_add_writable(struct mysql_work *work, struct sql *sql, const char *database);
/* Whether the server's mark, as a query showed it, is the broker's; the step has failed otherwise. */
bool maria_has_mark(struct mysql_work *work, const char *found);
/* The expression that shows the server's mark. */
void maria_add_mark(struct mysql_work *work, struct sql *sql);

#endif
