/* A connection that blocks the store's thread, and lets those beside it go on meanwhile. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/timer.h"
#include "internal.h"

#define CONNECT_US (3 * SECOND_US)
#define PAUSE_US   (200 * MILLI_US)

/* ---- waiting ---- */

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* poll counts whole milliseconds; a part of one is rounded up, so that nobody spins. */
static int milliseconds_to(int64_t moment)
{
	const int64_t left = moment - timers_clock();

	return left <= 0 ? 0 : (int)earlier((left + MILLI_US - 1) / MILLI_US, 60 * MILLI_US);
}

#define OTHERS 3 /* that are waited for, before the sockets of the connections beside; the last: wake_fd */
#define POLLED (OTHERS + ASIDE_COUNT)

/* The lease is renewed while it is waited for, on a connection of its own. This one may be dead, though nobody hangs
 * up: after three leases without a word another one asks what became of the statement. */
static int64_t end_of_lease(const struct pg_journal *journal)
{
	return earlier(journal->leased_until, journal->heard_at + 3 * journal->options->lease * MILLI_US);
}

/* Silence is broken while it is waited for. */
static int64_t end_of(const struct pg_journal *journal, int64_t until)
{
	if (until == PGSQL_LEASE)
		return end_of_lease(journal);
	return until == PGSQL_SILENCE ? journal->heard_at + ANSWER_US : until;
}

/* The loop has forsaken the lease: whatever waits for its end is over. */
static void take_call(const struct pg_journal *journal)
{
	uint64_t calls;

	(void)!read(journal->wake_fd, &calls, sizeof(calls));
}

/* Until one of the others has what it waits for. */
static bool hold(struct pg_journal *journal, const struct pollfd *others, int64_t until)
{
	for (;;) {
		struct pollfd polled[POLLED] = {others[0], others[1], {.fd = journal->wake_fd, .events = POLLIN}};
		int64_t end;

		asides_expect(journal, polled + OTHERS);
		end = earlier(end_of(journal, until), asides_due(journal));
		if (poll(polled, POLLED, milliseconds_to(end)) < 0)
			for (size_t i = 0; i < POLLED; i++)
				polled[i].revents = 0;
		if (polled[2].revents != 0)
			take_call(journal);
		asides_turn(journal, polled + OTHERS);
		if (polled[0].revents != 0 || polled[1].revents != 0)
			return true;
		if (timers_clock() >= end_of(journal, until))
			return false;
	}
}

bool pgsql_hold(struct pg_journal *journal, int fd, short events, int64_t until)
{
	const struct pollfd others[] = {{.fd = fd, .events = events}, {.fd = -1}};

	return hold(journal, others, until);
}

void pgsql_wait(struct pg_journal *journal, int fd, int64_t until)
{
	const struct pollfd others[] = {
	    {.fd = fd, .events = POLLIN},
	    {.fd = journal->handle != NULL ? journal->pq.socket(journal->handle) : -1, .events = POLLIN}};

	hold(journal, others, until);
}

/* ---- connecting ---- */

void pgsql_close(struct pg_journal *journal)
{
	if (journal->handle != NULL)
		journal->pq.finish(journal->handle);
	journal->handle = NULL;
	journal->prepared = NULL;
	journal->is_quiet = false;
}

/* The message is libpq's or the server's: it names hosts and users, and no password. */
static int lost(struct pg_journal *journal, const char *what, struct error *error)
{
	const char *reason = journal->handle != NULL ? journal->pq.errorMessage(journal->handle) : "";
	const int length = (int)strcspn(reason, "\n");

	error_set(error, ERR_UNAVAILABLE, "the store's PostgreSQL %s%s%.*s", what, length > 0 ? ": " : "", length,
	          reason);
	pgsql_close(journal);
	return ERR_UNAVAILABLE;
}

static int connect_now(struct pg_journal *journal, int64_t until, struct error *error)
{
	PostgresPollingStatusType state = PGRES_POLLING_WRITING;

	journal->handle = journal->pq.connectStartParams(journal->keywords, journal->values, 0);
	if (journal->handle == NULL)
		return error_no_memory(error);
	notices_take(&journal->notices, &journal->pq, journal->handle);
	while (state != PGRES_POLLING_OK) {
		if (journal->pq.status(journal->handle) == CONNECTION_BAD || state == PGRES_POLLING_FAILED)
			return lost(journal, "cannot be reached", error);
		if (!pgsql_hold(journal, journal->pq.socket(journal->handle),
		                state == PGRES_POLLING_READING ? POLLIN : POLLOUT, until))
			return lost(journal, "did not answer in time", error);
		state = journal->pq.connectPoll(journal->handle);
	}
	journal->pq.setnonblocking(journal->handle, 1);
	return 0;
}

static int find_hosts(struct pg_journal *journal, int64_t until, struct error *error)
{
	while (!hosts_are_found(journal)) {
		if (journal->hosts.lookup == NULL || timers_clock() >= until)
			return error_set(error, ERR_UNAVAILABLE,
			                 "the address of the store's PostgreSQL is not known: %s",
			                 journal->hosts.trouble.text);
		pgsql_hold(journal, -1, 0, timers_clock() + HOSTS_PAUSE);
	}
	return 0;
}

int pgsql_open(struct pg_journal *journal, int64_t until, struct error *error)
{
	const int64_t now = timers_clock();
	const unsigned turn = journal->turn;
	int rc;

	if (journal->handle != NULL)
		return 0;
	if (now < journal->retry_at)
		return error_set(error, ERR_UNAVAILABLE, "the store's PostgreSQL cannot be reached");
	journal->retry_at = now + PAUSE_US;
	journal->heard_at = now;
	until = earlier(end_of(journal, until), now + CONNECT_US);
	rc = find_hosts(journal, until, error);
	if (rc == 0)
		rc = connect_now(journal, until, error);
	if (rc == 0)
		rc = pgsql_run(journal, SESSION_SET_UP, until, error);
	if (rc == 0 && journal->options->notify)
		rc = pgsql_run(journal, "LISTEN tsuru_broker", until, error);
	if (rc == 0) {
		journal->retry_at = 0;
		return 0;
	}
	pgsql_close(journal);
	hosts_turn(journal, turn);
	return rc;
}

/* ---- asking ---- */

static int take_bytes(struct pg_journal *journal, struct error *error)
{
	journal->heard_at = timers_clock();
	return journal->pq.consumeInput(journal->handle) != 0 ? 0 : lost(journal, "closed the connection", error);
}

/* All of it is on its way before answers are waited for. */
static int flush(struct pg_journal *journal, int64_t until, struct error *error)
{
	int left;

	journal->heard_at = timers_clock();
	while ((left = journal->pq.flush(journal->handle)) == 1) {
		if (!pgsql_hold(journal, journal->pq.socket(journal->handle), POLLIN | POLLOUT, until))
			return lost(journal, "did not take a statement in time", error);
		if (take_bytes(journal, error) != 0)
			return ERR_UNAVAILABLE;
	}
	return left == 0 ? 0 : lost(journal, "closed the connection", error);
}

static const int binary[OPERANDS_MAX] = {1, 1, 1, 1, 1, 1, 1, 1, 1};

int pgsql_begin(struct pg_journal *journal, const char *statement, const struct operands *operands, int64_t until,
                struct error *error)
{
	if (journal->pq.sendQueryParams(journal->handle, statement, operands->count, NULL, operands->values,
	                                operands->lengths, binary, 1) == 0)
		return lost(journal, "took no statement", error);
	return flush(journal, until, error);
}

int pgsql_take(struct pg_journal *journal, int64_t until, PGresult **ret_result, struct error *error)
{
	while (journal->pq.isBusy(journal->handle)) {
		if (!pgsql_hold(journal, journal->pq.socket(journal->handle), POLLIN, until))
			return lost(journal, "did not answer in time", error);
		if (take_bytes(journal, error) != 0)
			return ERR_UNAVAILABLE;
	}
	*ret_result = journal->pq.getResult(journal->handle);
	return 0;
}

static bool is_read_only(const struct pg_journal *journal, const PGresult *result)
{
	const char *state = journal->pq.resultErrorField(result, PG_DIAG_SQLSTATE);

	return state != NULL && strcmp(state, "25006") == 0;
}

/* A session that was ended may have committed before: like no answer. One to a server that takes no writes (any more)
 * is of no use. */
static bool is_of_no_use(const struct pg_journal *journal, const PGresult *result)
{
	return journal->pq.status(journal->handle) == CONNECTION_BAD || is_read_only(journal, result);
}

/* The queue of notices is all databases' of the server, and whoever listens in a transaction that does not end keeps it
 * full. What is refused for it goes without one. */
static bool is_too_loud(const struct pg_journal *journal, const PGresult *result)
{
	const char *state = journal->pq.resultErrorField(result, PG_DIAG_SQLSTATE);

	return state != NULL && strcmp(state, "54000") == 0;
}

/* It is done, and may be undone by a failover. A later commit that does wait tells that this one is safe, too. */
static int unconfirmed(struct pg_journal *journal, struct error *error)
{
	pgsql_close(journal);
	return error_set(error, ERR_UNAVAILABLE,
	                 "the store's PostgreSQL was kept from waiting for its synchronous standby");
}

/* The last result that says something; those before it are cleared. */
static int take_last(struct pg_journal *journal, int64_t until, PGresult **ret_result, struct error *error)
{
	PGresult *last = NULL, *result = NULL;
	int rc;

	while ((rc = pgsql_take(journal, until, &result, error)) == 0 && result != NULL) {
		const bool is_good = journal->pq.resultStatus(result) == PGRES_TUPLES_OK ||
		                     journal->pq.resultStatus(result) == PGRES_COMMAND_OK;

		journal->pq.clear(last);
		last = result;
		if (!is_good)
			rc = answer_refusal(journal, result, error);
		if (!is_good && is_too_loud(journal, result))
			journal->is_quiet = true;
		if (!is_good && is_of_no_use(journal, result)) {
			rc = ERR_UNAVAILABLE;
			if (error != NULL)
				error->code = rc;
			if (is_read_only(journal, result))
				hosts_turn(journal, journal->turn); /* libpq took it for a primary */
			pgsql_close(journal);
		}
		if (rc != 0)
			break;
	}
	if (rc == 0 && journal->notices.is_unconfirmed)
		rc = unconfirmed(journal, error);
	if (rc != 0) {
		journal->pq.clear(last);
		return rc;
	}
	*ret_result = last;
	return 0;
}

/* After a refusal the rest of the answer is read, so that the connection can be used again. */
static void drain(struct pg_journal *journal, int64_t until)
{
	PGresult *result = NULL;

	while (journal->handle != NULL && pgsql_take(journal, until, &result, NULL) == 0 && result != NULL)
		journal->pq.clear(result);
}

int pgsql_finish(struct pg_journal *journal, int64_t until, PGresult **ret_result, struct error *error)
{
	const int rc = take_last(journal, until, ret_result, error);

	if (rc != 0)
		drain(journal, until);
	return rc;
}

int pgsql_ask(struct pg_journal *journal, const char *statement, const struct operands *operands, int64_t until,
              PGresult **ret_result, struct error *error)
{
	const int rc = pgsql_begin(journal, statement, operands, until, error);

	return rc == 0 ? pgsql_finish(journal, until, ret_result, error) : rc;
}

static int prepare(struct pg_journal *journal, const char *name, const char *statement, int64_t until,
                   struct error *error)
{
	PGresult *result = NULL;
	int rc;

	if (journal->prepared == name)
		return 0;
	if (journal->pq.sendPrepare(journal->handle, name, statement, 0, NULL) == 0)
		return lost(journal, "took no statement", error);
	rc = flush(journal, until, error);
	if (rc == 0)
		rc = pgsql_finish(journal, until, &result, error);
	if (rc != 0)
		return rc;
	journal->pq.clear(result);
	journal->prepared = name;
	return 0;
}

int pgsql_send(struct pg_journal *journal, const char *name, const char *statement, const struct operands *operands,
               int64_t until, struct error *error)
{
	const int rc = prepare(journal, name, statement, until, error);

	if (rc != 0)
		return rc;
	if (journal->pq.sendQueryPrepared(journal->handle, name, operands->count, operands->values, operands->lengths,
	                                  binary, 1) == 0)
		return lost(journal, "took no statement", error);
	return flush(journal, until, error);
}

int pgsql_run(struct pg_journal *journal, const char *statements, int64_t until, struct error *error)
{
	PGresult *result = NULL;
	int rc;

	if (journal->pq.sendQuery(journal->handle, statements) == 0)
		return lost(journal, "took no statement", error);
	rc = flush(journal, until, error);
	if (rc == 0)
		rc = pgsql_finish(journal, until, &result, error);
	if (rc == 0)
		journal->pq.clear(result);
	return rc;
}
