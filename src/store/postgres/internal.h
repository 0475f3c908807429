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

#define OPTIONS_MAX 48 /* libpq's keywords, with those of the url */

#define SECOND_US ((int64_t)1000000)
#define MILLI_US  ((int64_t)1000)
#define ANSWER_US (5 * SECOND_US) /* for what is no append */

enum keeper_state {
	KEEPER_OFF,        /* no connection; the next is made when it is due */
	KEEPER_IDLE,       /* the next renewal is due later */
	KEEPER_CONNECTING, /* libpq says what it waits for */
	KEEPER_ASKED,      /* a renewal is on its way */
};

/* Renews the lease on a connection of its own, so that a long append does not keep it from that. */
struct keeper {
	enum keeper_state state;
	PGconn *handle;
	short events;  /* what it waits for on its socket */
	int64_t due;   /* when to begin, while OFF or IDLE */
	int64_t until; /* when to give up, otherwise */
	int64_t sent;  /* the renewal's begin */
	unsigned turn; /* the journal's, when it began to connect */
	bool answered; /* the renewal, with a row or without */
	bool is_ours;  /* there was a row */
};

struct pg_journal {
	struct journal base;
	const struct store_shared *options;
	struct libpq pq;
	PQconninfoOption *parsed; /* the url */
	const char *keywords[OPTIONS_MAX + 1], *values[OPTIONS_MAX + 1];
	char timeout_ms[24];
	unsigned turn;        /* how often the url's hosts were turned */
	PGconn *handle;       /* for all but renewals; NULL: none */
	const char *prepared; /* the one statement that is, on this connection; NULL: none */
	bool is_made;         /* the tables were looked at */
	int64_t retry_at;     /* no connection is tried before */
	int64_t heard_at;     /* when the last bytes came, or a statement went out */
	uint64_t epoch;       /* ours; 0: this broker is not the active one */
	uint64_t revision;    /* that is durable, as far as this epoch knows */
	/* KEEPER_FORSAKEN: it is over, and nothing renews it. The loop reads it, and forsakes it, at any time. */
	_Atomic int64_t leased_until;
	struct keeper keeper;
};

static inline struct pg_journal *journal_of(struct journal *base)
{
	return (struct pg_journal *)base;
}

/* hosts.c */
/* A connection that was begun at that turn has not come about: the next one begins with the host after. */
void hosts_turn(struct pg_journal *journal, unsigned turn);

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
void answer_text(const struct pg_journal *journal, const PGresult *result, int column, char *ret_text, size_t size);

/* pgsql.c: the connection for all but renewals. It blocks, and while it does the keeper goes on. */
#define PGSQL_LEASE   INT64_MAX       /* as a moment: the end of the lease, wherever renewals move it */
#define PGSQL_SILENCE (INT64_MAX - 1) /* when nothing has come for ANSWER_US: an answer may be long */
/* Waits for events on fd (-1: only for the time), until that moment. */
bool pgsql_hold(struct pg_journal *journal, int fd, short events, int64_t until);
/* Waits until fd can be read or the connection has something to say, until that moment. */
void pgsql_wait(struct pg_journal *journal, int fd, int64_t until);
/* With the session set up as all statements here expect it. ERR_UNAVAILABLE at once when the last try was a moment ago.
 */
int pgsql_open(struct pg_journal *journal, int64_t until, struct error *error);
void pgsql_close(struct pg_journal *journal);
/* Sends a statement and waits for its last result, the caller's to clear. ERR_UNAVAILABLE when there is no answer: the
 * connection is closed then, and nobody knows what became of the statement. What the server refuses has changed
 * nothing: ERR_NO_SPACE, ERR_REFUSED. */
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
/* Of a result that is no success. */
int pgsql_refusal(const struct pg_journal *journal, const PGresult *result, struct error *error);

/* keeper.c */
/* The statement of a sign of life, and what goes with it. Gives a row when this broker is the active one, and what it
 * has appended is there. */
extern const char keeper_renewal[];
void keeper_operands(const struct pg_journal *journal, struct operands *ret_operands);
/* Goes on with what is due; ready: its socket has what it waits for. */
void keeper_turn(struct pg_journal *journal, bool ready);
/* When it wants to be called at the latest. INT64_MAX: it does nothing. */
int64_t keeper_due(const struct pg_journal *journal);
void keeper_close(struct pg_journal *journal);
/* Ends the lease; nothing renews it before the next claim. The loop may call it. */
void keeper_forsake(struct pg_journal *journal);
#define KEEPER_FORSAKEN ((int64_t)-1)
/* A sign of life began at that moment and came through. */
void keeper_renewed(struct pg_journal *journal, int64_t sent);

/* schema.c */
/* Makes the tables where there are none. */
int schema_open(struct pg_journal *journal, int64_t until, struct error *error);

/* reading.c */
int reading_look(struct journal *base, struct journal_head *ret_head, struct error *error);
int reading_read(struct journal *base, const struct point *point, journal_visit_group *visit, void *arg,
                 struct error *error);
int reading_snapshot(struct journal *base, journal_visit_change *visit, void *arg, struct point *ret_point,
                     struct error *error);

/* writing.c */
int writing_claim(struct journal *base, const struct journal_head *head, struct error *error);
int writing_append(struct journal *base, const struct group *group, struct error *error);
int writing_trim(struct journal *base, struct error *error);
void writing_leave(struct journal *base);

#endif
