/* The work of one call: its steps, its session to manage the server from, and at times one inside a database.
 *
 * A step builds statements by work_sql, sends them by work_query or work_query_inside, and goes on in the function it
 * gave, or with the next step when it gave none. Any failure ends the call, but for those that say that somebody else
 * was there first: then the table is run again from its top, a few times. */
#ifndef DRIVER_POSTGRES_WORK_H
#define DRIVER_POSTGRES_WORK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "driver/driver.h"
#include "driver/pool.h"
#include "driver/sql.h"
#include "host.h"
#include "limits.h"
#include "names.h"
#include "session.h"
#include "turn.h"
#include "verifier.h"
#include "witness.h"

/* What the server has of the instance, by look.h. */
struct facts {
	bool owner, reader, login; /* the roles exist */
	bool database;
	bool owned;         /* by the owner role */
	bool retired;       /* the database is there under its retired name */
	bool retired_owned; /* by the owner role */
	bool enters;        /* the broker's user may connect to the database */
	bool acts;          /* the broker's user acts for the owner role */
	bool joins;         /* ... or may make itself do so */
	bool others;        /* the owner or the reader role says that it is another instance's (names.h) */
	bool hindered;      /* the tenant set or holds something that hinder.h undoes */
};

struct adoption;
struct prepared;

struct role {
	const char *name;
	bool reads; /* a member of the reader role */
};

/* What prepared_end rolls back. */
enum prepared_which {
	PREPARED_HINDERING, /* what the owner or the reader role did to the server's own catalogs: no app's data */
	PREPARED_OF_ROLES,  /* what work->roles prepared; with a call on the whole instance all in its database */
	PREPARED_ALL,       /* these, and what the owner and the reader prepared anywhere */
};

struct pg_work {
	struct driver_call *call;
	struct pg_host *host;
	bool again; /* the round ended because somebody else was first */
	int looks;  /* of this round: tries to take the lock */

	struct lease lease;
	struct pg_session *inside; /* in a database; NULL: none */
	void (*on_inside)(struct pg_work *work);
	struct target_login entrance; /* the inside session's options; without a user */
	const char *entered;          /* the database that is being entered */
	bool (*on_shut_out)(struct pg_work *work, const char *sqlstate);
	struct sql sql;
	struct limited limited; /* the query that is under way */
	struct witness witness; /* of who holds the statement up */
	void (*on_rows)(struct pg_work *work, const struct rows *rows);
	bool (*on_failed)(struct pg_work *work,
	                  const char *sqlstate); /* of this query or entry; NULL: it ends the call */
	struct timer pause;
	int64_t pause_ms;
	struct pg_turn turn;
	void (*on_resume)(void *work);

	void (*on_installed)(struct pg_work *work); /* the plan's extensions are there */
	struct prepared *prepared;                  /* the transaction that is being rolled back */
	enum prepared_which prepared_which;
	void (*on_prepared_ended)(void *work);
	int clear_failures, empty_tries;

	const char *owner; /* also the database's name */
	char reader[BACKEND_NAME_MAX + sizeof(READER_END)];
	char retired[BACKEND_NAME_MAX + sizeof(RETIRED_END)]; /* the database's name while it is retired */
	const char *login;                                    /* the bind's; NULL: the call has none */
	char tag[TAG_SIZE];           /* of the instance's roles; "": the instance has no incarnation */
	char verifier[VERIFIER_SIZE]; /* of the bind's password; "": not made yet */

	/* of this round */
	struct facts facts;
	struct role *roles; /* of the instance, those that the call is about */
	size_t role_count;
	const char **databases; /* where its roles still have something */
	size_t database_count, database;
	struct adoption *adoption; /* adopt's own */
	struct prepared *spared;   /* prepared transactions that the broker cannot roll back */
	const char *
	    *verifiers; /* inspect's: what the server keeps of the passwords of call->binds; NULL: no such role */
	size_t verifier_next;
	struct target_login knocker; /* inspect's: the login whose session is being opened */
	size_t knock_first, knock_next, knocks;
	struct arena arena; /* the lists above */
};

/* What the core begins a work with, runs its table once more for, and ends it with. */
int work_begin(void *arg, struct error *error);
bool work_again(void *arg);
void work_end(void *arg, bool given_up);

/* Runs the table from its top once more; false: it was run often enough. */
bool work_once_more(struct pg_work *work);

/* An empty text for the next query. */
struct sql *work_sql(struct pg_work *work);
/* Sends the text; an empty one goes to the next step. on_rows NULL: the step is done with the answer, and so is the
 * session in a database. */
void work_query(struct pg_work *work, void (*on_rows)(struct pg_work *work, const struct rows *rows));
void work_query_inside(struct pg_work *work, void (*on_rows)(struct pg_work *work, const struct rows *rows));

/* Of the next query or entry: on_failed is asked first (sqlstate "": no connection). False: the call ends; true: it
 * went on some other way. */
void work_forgive(struct pg_work *work, bool (*on_failed)(struct pg_work *work, const char *sqlstate));
/* A query or entry has failed: what was forgiven goes on, anything else ends the call. */
void work_fail(struct pg_work *work, const char *sqlstate, const struct error *error);

/* Ends the session in a database (enter.h), if there is one. */
void work_leave(struct pg_work *work);

/* Calls on_resume after a pause, each longer than the one before it. */
void work_pause(struct pg_work *work, void (*on_resume)(void *work));
/* Calls it in the next turn of the loop. */
void work_yield(struct pg_work *work, void (*on_resume)(void *work));
bool work_is_superuser(const struct pg_work *work);
/* An end that is not given up while the cause may pass, whatever it is: access is shut already. */
bool work_removes(const struct pg_work *work);
int work_version(const struct pg_work *work);
/* What a GRANT of a role ends with, so that the member acts for it. */
const char *work_membership(const struct pg_work *work);

/* The step that every table begins with, or almost: a session in the home database. */
void step_take_session(void *arg);

#endif
