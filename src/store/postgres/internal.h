/* What the files of this folder share: a journal in a PostgreSQL database. */
#ifndef STORE_POSTGRES_INTERNAL_H
#define STORE_POSTGRES_INTERNAL_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "pq/libpq.h"
#include "store/journal.h"
#include "store/postgres/array.h"
#include "store/postgres/lookup.h"

#define OPTIONS_MAX 48 /* libpq's keywords, with those of the url */

#define SECOND_US ((int64_t)1000000)
#define MILLI_US  ((int64_t)1000)
#define ANSWER_US (5 * SECOND_US) /* for what is no append */

/* What a session has told beside its answers. */
struct notices {
	const struct libpq *pq;
	bool is_unconfirmed; /* a commit did not wait for its synchronous standby until the end */
};

enum aside_id {
	ASIDE_KEEPER, /* renews the lease, so that a long append does not keep it from that */
	ASIDE_TELLER, /* tells of this broker, and reads of the others: neither lease nor append waits for it */
	ASIDE_COUNT
};

enum aside_state {
	ASIDE_OFF,        /* no connection; the next is made when it is due */
	ASIDE_IDLE,       /* the next statement is due later */
	ASIDE_CONNECTING, /* libpq says what it waits for */
	ASIDE_ASKED,      /* a statement is on its way */
};

/* A connection that nobody waits for. */
struct aside {
	enum aside_state state;
	PGconn *handle;
	PGresult *result; /* of the statement; its end has not come yet */
	struct notices notices;
	bool is_set_up;
	short events;  /* what it waits for on its socket */
	int64_t due;   /* when to begin, while OFF or IDLE */
	int64_t until; /* when to give up, otherwise */
	int64_t sent;  /* the statement's begin */
	unsigned turn; /* the journal's, when it began to connect */
};

/* What is told, and what the others have told. */
struct telling {
	unsigned char id[POINT_ID_BYTES]; /* this broker's, from its opening of the journal to the closing */
	struct journal_self self;
	bool is_due;      /* self has not been told yet */
	unsigned step;    /* which of its statements is next */
	int64_t check_at; /* when to ask for synchronous standbys again */
	struct store_members members;
};

/* Where the url's hosts are, when any of them is a name. */
struct hosts {
	bool are_names, are_known;
	struct text lists[LOOKUP_LISTS]; /* what is known */
	struct lookup *lookup;           /* the question under way; NULL: none */
	int64_t asked_at;
	int64_t told_at;      /* when the last question that was answered was asked */
	struct error trouble; /* why nothing is known */
};

struct pg_journal {
	struct journal base;
	const struct store_shared *options;
	char address[STORE_ADDRESS_MAX + 1]; /* that this broker says it is reached under */
	struct libpq pq;
	PQconninfoOption *parsed; /* the url */
	const char *keywords[OPTIONS_MAX + 1], *values[OPTIONS_MAX + 1];
	char timeout_ms[24];
	struct hosts hosts;
	unsigned turn;  /* how often the hosts were turned */
	PGconn *handle; /* for all but renewals; NULL: none */
	struct notices notices;
	const char *prepared; /* the one statement that is, on this connection; NULL: none */
	bool is_quiet;        /* the server takes no notices, until it is connected to anew */
	bool is_made;         /* the tables were looked at */
	int64_t retry_at;     /* no connection is tried before */
	int64_t heard_at;     /* when the last bytes came, or a statement went out */
	uint64_t epoch;       /* ours; 0: this broker is not the active one */
	uint64_t beat;        /* that the claim began with */
	uint64_t revision;    /* that is durable, as far as this epoch knows */
	/* KEEPER_FORSAKEN: it is over, and nothing renews it. The loop reads it, and forsakes it, at any time. */
	_Atomic int64_t leased_until;
	int wake_fd;                 /* an eventfd: the loop has forsaken it, and the thread may wait for its end */
	struct error keeper_trouble; /* why the last renewal failed */
	struct aside asides[ASIDE_COUNT];
	struct telling telling;
};

static inline struct pg_journal *journal_of(struct journal *base)
{
	return (struct pg_journal *)base;
}

/* hosts.c */
/* Whether the url leaves it to us to look them up. */
bool hosts_are_names(const struct pg_journal *journal);
/* As the first LOOKUP_LISTS of libpq's keywords. */
void hosts_init(struct pg_journal *journal);
void hosts_release(struct pg_journal *journal);
/* Whether to connect now. While they are looked up (hosts.lookup), to be asked again after HOSTS_PAUSE; otherwise their
 * addresses are not known (hosts.trouble). */
bool hosts_are_found(struct pg_journal *journal);
#define HOSTS_PAUSE (20 * MILLI_US)
/* A connection that was begun at that turn has not come about: the next one begins with the host after. */
void hosts_turn(struct pg_journal *journal, unsigned turn);

/* The first statements of each connection, as one text: what a database or role has set for its sessions does not
 * count. Names and operators are the server's own from then on, and none that another role of the server could have
 * made in "public". A renewal waits for the same as an append, and its warnings are heard. Plans are not by size: the
 * tables grow faster than their statistics, and each statement is to find its rows by the key. A server that takes no
 * writes from anybody, by its own configuration, is left so. What waits for a lock when its connection is given up for
 * dead ends. Not each server knows the last settings. Gives rows.
 */
#define SESSION_SET_UP                                                                                                 \
	"SET search_path = pg_catalog, pg_temp; SET default_transaction_isolation = 'read committed';"                 \
	"SET synchronous_commit = on; SET client_min_messages = warning;"                                              \
	"SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = '10s';"            \
	"SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET bytea_output = 'hex';"   \
	"SET jit = off; SET plan_cache_mode = force_generic_plan;"                                                     \
	"SELECT set_config(name, CASE WHEN name LIKE '%timeout' THEN '0' WHEN name LIKE '%interval' THEN '10s'"        \
	"  ELSE 'off' END, false) FROM pg_settings"                                                                    \
	" WHERE name IN ('idle_session_timeout', 'transaction_timeout', 'client_connection_check_interval')"           \
	"  OR (name = 'default_transaction_read_only' AND source NOT IN ('configuration file', 'command line'));"

/* notices.c */
/* Of a connection that begins: from now on; notices is borrowed for its life. */
void notices_take(struct notices *notices, const struct libpq *pq, PGconn *handle);

/* values.c */
/* What goes with a statement, all binary. */
#define OPERANDS_MAX 9
struct operands {
	const char *values[OPERANDS_MAX];
	int lengths[OPERANDS_MAX];
	unsigned char numbers[OPERANDS_MAX][8];
	int count;
};
void operands_number(struct operands *operands, uint64_t number);
void operands_bytes(struct operands *operands, const void *bytes, size_t length);

/* What a result's field holds. */
uint64_t answer_number(const struct pg_journal *journal, const PGresult *result, int column);
/* False when it is not of that length. */
bool answer_bytes(const struct pg_journal *journal, const PGresult *result, int column, void *ret_bytes, size_t length);
/* As much of it as fits, in whole characters. */
void answer_text(const struct libpq *pq, const PGresult *result, int row, int column, char *ret_text, size_t size);
/* What one that is no success says. */
int answer_refusal(const struct pg_journal *journal, const PGresult *result, struct error *error);

/* pgsql.c: the connection for all but renewals. It blocks, and while it does the keeper goes on. */
#define PGSQL_LEASE   INT64_MAX /* as a moment: the end of the lease, wherever renewals move it, or a long silence */
#define PGSQL_SILENCE (INT64_MAX - 1) /* when nothing has come for ANSWER_US: an answer may be long */
/* Waits for events on fd (-1: only for the time), until that moment. */
bool pgsql_hold(struct pg_journal *journal, int fd, short events, int64_t until);
/* Waits until fd can be read or the connection has something to say, until that moment. */
void pgsql_wait(struct pg_journal *journal, int fd, int64_t until);
/* With the session set up as all statements here expect it. ERR_UNAVAILABLE at once when the last try was a moment ago.
 */
int pgsql_open(struct pg_journal *journal, int64_t until, struct error *error);
void pgsql_close(struct pg_journal *journal);
/* Sends a statement and waits for its last result, the caller's to clear. ERR_UNAVAILABLE when there is no answer, or
 * none that holds after a failover: the connection is closed then, and nobody knows what became of the statement. What
 * the server refuses has changed nothing: ERR_NO_SPACE, ERR_REFUSED. */
int pgsql_ask(struct pg_journal *journal, const char *statement, const struct operands *operands, int64_t until,
              PGresult **ret_result, struct error *error);
/* The two halves of the same, of a statement that is prepared under that name when the connection has not done so yet.
 */
int pgsql_send(struct pg_journal *journal, const char *name, const char *statement, const struct operands *operands,
               int64_t until, struct error *error);
int pgsql_finish(struct pg_journal *journal, int64_t until, PGresult **ret_result, struct error *error);
/* Several statements in one text, without operands. */
int pgsql_run(struct pg_journal *journal, const char *statements, int64_t until, struct error *error);
/* The pieces of pgsql_ask, for results that come row by row: begins, then takes one after the other until it is NULL.
 */
int pgsql_begin(struct pg_journal *journal, const char *statement, const struct operands *operands, int64_t until,
                struct error *error);
int pgsql_take(struct pg_journal *journal, int64_t until, PGresult **ret_result, struct error *error);

/* aside.c */

struct aside_kind {
	const char *set_up; /* a connection's first statements; the last gives rows */
	int64_t pause;      /* microseconds from the end of a connection to the next one */
	bool (*is_wanted)(const struct pg_journal *journal);
	/* Microseconds for a connection to come up, and for an answer. */
	int64_t (*patience)(const struct pg_journal *journal);
	/* The statement that is due. */
	const char *(*ask)(struct pg_journal *journal, struct operands *operands);
	/* Its answer, borrowed; says in `due` when the next one is. */
	void (*answer)(struct pg_journal *journal, const PGresult *result);
	/* No connection comes about, and why, in libpq's words; borrowed. Another is begun after the pause. */
	void (*unreachable)(struct pg_journal *journal, const char *reason);
	/* The server refused it, or did not wait for its standby; borrowed. The connection is closed next. */
	void (*refused)(struct pg_journal *journal, const PGresult *result);
};
extern const struct aside_kind aside_keeper, aside_teller;
/* What they wait for, ASIDE_COUNT of them. */
void asides_expect(const struct pg_journal *journal, struct pollfd *ret_polled);
/* Each goes on with what is due, or what has come by what was polled. */
void asides_turn(struct pg_journal *journal, const struct pollfd *polled);
/* When they want to be called at the latest. INT64_MAX: they do nothing. */
int64_t asides_due(const struct pg_journal *journal);
void aside_close(struct pg_journal *journal, enum aside_id id);

/* keeper.c */
#define KEEPER_BEATS ((uint64_t)1 << 32) /* signs of life that a claim's beat has room for */
/* The statement of a sign of life, and what goes with it. Gives a row when this broker is the active one, and what it
 * has appended is there. */
extern const char keeper_renewal[];
void keeper_operands(const struct pg_journal *journal, struct operands *ret_operands);
/* Ends the lease; nothing renews it before the next claim. The loop may call it. */
void keeper_forsake(struct pg_journal *journal);
#define KEEPER_FORSAKEN ((int64_t)-1)
/* A sign of life began at that moment and came through. */
void keeper_renewed(struct pg_journal *journal, int64_t sent);

/* teller.c */
void teller_tell(struct journal *base, const struct journal_self *self);
const struct store_members *teller_members(const struct journal *base);
/* Takes back what was told, at the end. */
void teller_close(struct pg_journal *journal);

/* schema.c */
/* Makes the tables where there are none. */
int schema_open(struct pg_journal *journal, int64_t until, struct error *error);

/* reading.c */
int reading_look(struct journal *base, struct journal_head *ret_head, struct error *error);
int reading_read(struct journal *base, const struct point *point, journal_visit_group *visit, void *arg,
                 struct error *error);
int reading_snapshot(struct journal *base, journal_visit_change *visit, void *arg, struct point *ret_point,
                     struct error *error);

/* Each record as it is now, of the transaction that is open. */
int reading_records(struct pg_journal *journal, journal_visit_change *visit, void *arg, struct error *error);

/* checking.c */
int checking_check(struct journal *base, journal_report *report, journal_visit_change *visit, void *arg,
                   struct error *error);

/* writing.c */
int writing_say(struct journal *base, const char *address, struct error *error);
int writing_claim(struct journal *base, const struct journal_head *head, struct error *error);
int writing_append(struct journal *base, const struct group *group, struct error *error);
int writing_trim(struct journal *base, struct error *error);
void writing_leave(struct journal *base);

#endif
