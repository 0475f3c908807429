/* The lease of the active broker: a row of its own that moves each third of a lease, on a connection of its own. What
 * is counted from is when a renewal was sent, so an answer that comes late renews less, and never more.
 *
 * A renewal also looks whether what was acknowledged is there. A database that has failed over to a server without the
 * last commits may know the epoch still: the broker has nothing to write, and would go on with what is in its view. */
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

const char keeper_renewal[] = "UPDATE tsuru_broker.pulse SET beat = beat + 1 WHERE epoch = $1"
                              " AND (SELECT revision FROM tsuru_broker.head) >= $2"
                              " AND beat - $3 BETWEEN 0 AND 4294967295 RETURNING beat";

void keeper_operands(const struct pg_journal *journal, struct operands *ret_operands)
{
	ret_operands->count = 0;
	operands_number(ret_operands, journal->epoch);
	operands_number(ret_operands, journal->revision);
	operands_number(ret_operands, journal->beat);
}

static int64_t third(const struct pg_journal *journal)
{
	return journal->options->lease * MILLI_US / 3;
}

void keeper_renewed(struct pg_journal *journal, int64_t sent)
{
	const int64_t until = sent + journal->options->lease * MILLI_US;
	struct aside *aside = &journal->asides[ASIDE_KEEPER];
	int64_t before = journal->leased_until;

	while (before != KEEPER_FORSAKEN && before < until &&
	       !atomic_compare_exchange_weak(&journal->leased_until, &before, until))
		;
	if (aside->state <= ASIDE_IDLE && sent + third(journal) > aside->due)
		aside->due = sent + third(journal);
}

void keeper_forsake(struct pg_journal *journal)
{
	const uint64_t one = 1;

	journal->leased_until = KEEPER_FORSAKEN;
	(void)!write(journal->wake_fd, &one, sizeof(one));
}

static bool is_wanted(const struct pg_journal *journal)
{
	return journal->epoch != 0 && journal->leased_until != KEEPER_FORSAKEN;
}

static const char *ask(struct pg_journal *journal, struct operands *operands)
{
	keeper_operands(journal, operands);
	return keeper_renewal;
}

static void answer(struct pg_journal *journal, const PGresult *result)
{
	struct aside *aside = &journal->asides[ASIDE_KEEPER];

	aside->due = aside->sent + third(journal);
	error_clear(&journal->keeper_trouble);
	if (journal->pq.ntuples(result) == 1)
		keeper_renewed(journal, aside->sent);
	else
		keeper_forsake(journal);
}

static void unreachable(struct pg_journal *journal, const char *reason)
{
	error_set(&journal->keeper_trouble, ERR_UNAVAILABLE,
	          "the store's PostgreSQL takes no connection for the lease: %.*s", (int)strcspn(reason, "\n"), reason);
}

static void refused(struct pg_journal *journal, const PGresult *result)
{
	struct error error;

	if (journal->asides[ASIDE_KEEPER].notices.is_unconfirmed)
		error_set(&error, ERR_UNAVAILABLE, "its synchronous standby was not waited for");
	else
		answer_refusal(journal, result, &error);
	error_set(&journal->keeper_trouble, ERR_UNAVAILABLE, "the store's PostgreSQL did not renew the lease: %s",
	          error.text);
}

const struct aside_kind aside_keeper = {
    .set_up = SESSION_SET_UP,
    .pause = 100 * MILLI_US,
    .is_wanted = is_wanted,
    .patience = third,
    .ask = ask,
    .answer = answer,
    .unreachable = unreachable,
    .refused = refused,
};
