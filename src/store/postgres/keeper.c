/* The lease of the active broker: a row of its own that moves each third of a lease, on a connection of its own. What
 * is counted from is when a renewal was sent, so an answer that comes late renews less, and never more.
 *
 * A renewal also looks whether what was acknowledged is there. A database that has failed over to a server without the
 * last commits may know the epoch still: the broker has nothing to write, and would go on with what is in its view. */
#include <stdatomic.h>

#include "base/timer.h"
#include "internal.h"

#define PAUSE_US (100 * MILLI_US)

const char keeper_renewal[] = "UPDATE tsuru_broker.pulse SET beat = beat + 1 WHERE epoch = $1"
                              " AND (SELECT revision FROM tsuru_broker.head) >= $2 RETURNING beat";

void keeper_operands(const struct pg_journal *journal, struct operands *ret_operands)
{
	ret_operands->count = 0;
	operands_number(ret_operands, journal->epoch);
	operands_number(ret_operands, journal->revision);
}

static int64_t third(const struct pg_journal *journal)
{
	return journal->options->lease * MILLI_US / 3;
}

void keeper_renewed(struct pg_journal *journal, int64_t sent)
{
	const int64_t until = sent + journal->options->lease * MILLI_US;
	int64_t before = journal->leased_until;

	while (before != KEEPER_FORSAKEN && before < until &&
	       !atomic_compare_exchange_weak(&journal->leased_until, &before, until))
		;
	if (journal->keeper.state <= KEEPER_IDLE && sent + third(journal) > journal->keeper.due)
		journal->keeper.due = sent + third(journal);
}

void keeper_forsake(struct pg_journal *journal)
{
	journal->leased_until = KEEPER_FORSAKEN;
}

void keeper_close(struct pg_journal *journal)
{
	struct keeper *keeper = &journal->keeper;

	if (keeper->handle != NULL)
		journal->pq.finish(keeper->handle);
	if (keeper->state == KEEPER_CONNECTING)
		hosts_turn(journal, keeper->turn);
	*keeper = (struct keeper){.due = timers_clock() + PAUSE_US};
}

static void begin_connecting(struct pg_journal *journal)
{
	struct keeper *keeper = &journal->keeper;

	keeper->state = KEEPER_CONNECTING;
	keeper->turn = journal->turn;
	keeper->handle = journal->pq.connectStartParams(journal->keywords, journal->values, 0);
	if (keeper->handle == NULL || journal->pq.status(keeper->handle) == CONNECTION_BAD) {
		keeper_close(journal);
		return;
	}
	keeper->events = POLLOUT;
	keeper->until = timers_clock() + third(journal);
}

static void ask(struct pg_journal *journal)
{
	struct keeper *keeper = &journal->keeper;
	struct operands operands;
	static const int binary[] = {1, 1};

	keeper_operands(journal, &operands);
	keeper->sent = timers_clock();
	keeper->until = keeper->sent + third(journal);
	if (journal->pq.sendQueryParams(keeper->handle, keeper_renewal, operands.count, NULL, operands.values,
	                                operands.lengths, binary, 1) == 0) {
		keeper_close(journal);
		return;
	}
	keeper->state = KEEPER_ASKED;
	keeper->answered = false;
	keeper->events = POLLIN;
}

static void go_on_connecting(struct pg_journal *journal)
{
	struct keeper *keeper = &journal->keeper;

	switch (journal->pq.connectPoll(keeper->handle)) {
	case PGRES_POLLING_OK:
		ask(journal);
		break;
	case PGRES_POLLING_READING:
		keeper->events = POLLIN;
		break;
	case PGRES_POLLING_WRITING:
		keeper->events = POLLOUT;
		break;
	default:
		keeper_close(journal);
	}
}

static void finish_asking(struct pg_journal *journal)
{
	struct keeper *keeper = &journal->keeper;

	if (!keeper->answered) {
		keeper_close(journal);
		return;
	}
	if (!keeper->is_ours)
		keeper_forsake(journal);
	keeper->state = KEEPER_IDLE;
	keeper->events = 0;
	keeper->due = keeper->sent + third(journal);
	if (keeper->is_ours)
		keeper_renewed(journal, keeper->sent);
}

static void take_result(struct pg_journal *journal, PGresult *result)
{
	struct keeper *keeper = &journal->keeper;

	if (journal->pq.resultStatus(result) == PGRES_TUPLES_OK) {
		keeper->answered = true;
		keeper->is_ours = journal->pq.ntuples(result) == 1;
	}
	journal->pq.clear(result);
}

/* Takes what has come. The answer's end is waited for like its begin: libpq would block for it. */
static void go_on_asking(struct pg_journal *journal)
{
	const struct libpq *pq = &journal->pq;
	PGconn *handle = journal->keeper.handle;
	PGresult *result;

	if (pq->consumeInput(handle) == 0) {
		keeper_close(journal);
		return;
	}
	while (!pq->isBusy(handle)) {
		result = pq->getResult(handle);
		if (result == NULL) {
			finish_asking(journal);
			return;
		}
		take_result(journal, result);
	}
}

void keeper_turn(struct pg_journal *journal, bool ready)
{
	struct keeper *keeper = &journal->keeper;
	const int64_t now = timers_clock();

	if (journal->epoch == 0)
		return;
	if (ready && keeper->state == KEEPER_CONNECTING)
		go_on_connecting(journal);
	else if (ready && keeper->state == KEEPER_ASKED)
		go_on_asking(journal);
	else if (keeper->state > KEEPER_IDLE && now >= keeper->until)
		keeper_close(journal);
	else if (keeper->state == KEEPER_OFF && now >= keeper->due)
		begin_connecting(journal);
	else if (keeper->state == KEEPER_IDLE && now >= keeper->due)
		ask(journal);
}

int64_t keeper_due(const struct pg_journal *journal)
{
	const struct keeper *keeper = &journal->keeper;

	if (journal->epoch == 0)
		return INT64_MAX;
	return keeper->state == KEEPER_OFF || keeper->state == KEEPER_IDLE ? keeper->due : keeper->until;
}
