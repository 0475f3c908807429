/* Connections beside the one that blocks: each asks by itself what is due, while the store's thread waits for something
 * else, and nothing ever waits for it. What is due, and what an answer means, is its kind's (keeper.c, teller.c). */
#include "base/timer.h"
#include "internal.h"

static const struct aside_kind *const kinds[ASIDE_COUNT] = {
    [ASIDE_KEEPER] = &aside_keeper,
    [ASIDE_TELLER] = &aside_teller,
};

void aside_close(struct pg_journal *journal, enum aside_id id)
{
	struct aside *aside = &journal->asides[id];

	journal->pq.clear(aside->result);
	if (aside->handle != NULL)
		journal->pq.finish(aside->handle);
	if (aside->state == ASIDE_CONNECTING)
		hosts_turn(journal, aside->turn);
	*aside = (struct aside){.due = timers_clock() + kinds[id]->pause};
}

/* What has not come by now is not waited for. */
static void give_up(struct pg_journal *journal, enum aside_id id, const char *reason)
{
	if (journal->asides[id].state == ASIDE_CONNECTING)
		kinds[id]->unreachable(journal, reason);
	aside_close(journal, id);
}

static void begin_connecting(struct pg_journal *journal, enum aside_id id)
{
	struct aside *aside = &journal->asides[id];

	if (!hosts_are_found(journal)) {
		aside->due = timers_clock() + HOSTS_PAUSE;
		return;
	}
	aside->state = ASIDE_CONNECTING;
	aside->turn = journal->turn;
	aside->handle = journal->pq.connectStartParams(journal->keywords, journal->values, 0);
	if (aside->handle == NULL || journal->pq.status(aside->handle) == CONNECTION_BAD) {
		give_up(journal, id, journal->pq.errorMessage(aside->handle));
		return;
	}
	notices_take(&aside->notices, &journal->pq, aside->handle);
	aside->events = POLLOUT;
	aside->until = timers_clock() + kinds[id]->patience(journal);
}

/* The first statements of a connection set it up. */
static bool send(struct pg_journal *journal, enum aside_id id)
{
	static const int binary[OPERANDS_MAX] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
	const struct aside *aside = &journal->asides[id];
	struct operands operands = {.count = 0};
	const char *statement;

	if (!aside->is_set_up)
		return journal->pq.sendQuery(aside->handle, kinds[id]->set_up) != 0;
	statement = kinds[id]->ask(journal, &operands);
	return journal->pq.sendQueryParams(aside->handle, statement, operands.count, NULL, operands.values,
	                                   operands.lengths, binary, 1) != 0;
}

static void ask(struct pg_journal *journal, enum aside_id id)
{
	struct aside *aside = &journal->asides[id];

	aside->sent = timers_clock();
	aside->until = aside->sent + kinds[id]->patience(journal);
	if (!send(journal, id)) {
		aside_close(journal, id);
		return;
	}
	aside->state = ASIDE_ASKED;
	aside->events = POLLIN;
}

static void go_on_connecting(struct pg_journal *journal, enum aside_id id)
{
	struct aside *aside = &journal->asides[id];

	switch (journal->pq.connectPoll(aside->handle)) {
	case PGRES_POLLING_OK:
		ask(journal, id);
		break;
	case PGRES_POLLING_READING:
		aside->events = POLLIN;
		break;
	case PGRES_POLLING_WRITING:
		aside->events = POLLOUT;
		break;
	default:
		give_up(journal, id, journal->pq.errorMessage(aside->handle));
	}
}

/* What is due next, after an answer, is said by its kind. */
static void finish_asking(struct pg_journal *journal, enum aside_id id)
{
	struct aside *aside = &journal->asides[id];
	PGresult *result = aside->result;
	const bool is_answer = journal->pq.resultStatus(result) == PGRES_TUPLES_OK && !aside->notices.is_unconfirmed;

	aside->result = NULL;
	aside->state = ASIDE_IDLE;
	aside->events = 0;
	aside->due = aside->sent;
	if (is_answer && aside->is_set_up)
		kinds[id]->answer(journal, result);
	else if (!is_answer)
		kinds[id]->refused(journal, result);
	aside->is_set_up = true;
	journal->pq.clear(result);
	if (!is_answer)
		aside_close(journal, id);
}

static void go_on_asking(struct pg_journal *journal, enum aside_id id)
{
	struct aside *aside = &journal->asides[id];

	if (journal->pq.consumeInput(aside->handle) == 0) {
		aside_close(journal, id);
		return;
	}
	while (!journal->pq.isBusy(aside->handle)) {
		PGresult *result = journal->pq.getResult(aside->handle);

		if (result == NULL) {
			finish_asking(journal, id);
			return;
		}
		if (aside->result != NULL)
			journal->pq.clear(aside->result);
		aside->result = result;
	}
}

static void turn(struct pg_journal *journal, enum aside_id id, bool ready)
{
	const struct aside *aside = &journal->asides[id];
	const int64_t now = timers_clock();

	if (ready && aside->state == ASIDE_CONNECTING)
		go_on_connecting(journal, id);
	else if (ready && aside->state == ASIDE_ASKED)
		go_on_asking(journal, id);
	else if (aside->state > ASIDE_IDLE && now >= aside->until)
		give_up(journal, id, "it does not answer");
	else if (aside->state == ASIDE_OFF && now >= aside->due)
		begin_connecting(journal, id);
	else if (aside->state == ASIDE_IDLE && now >= aside->due)
		ask(journal, id);
}

void asides_expect(const struct pg_journal *journal, struct pollfd *ret_polled)
{
	for (enum aside_id id = 0; id < ASIDE_COUNT; id++) {
		const struct aside *aside = &journal->asides[id];

		ret_polled[id] = (struct pollfd){.fd = -1};
		if (aside->events != 0 && kinds[id]->is_wanted(journal))
			ret_polled[id] =
			    (struct pollfd){.fd = journal->pq.socket(aside->handle), .events = aside->events};
	}
}

void asides_turn(struct pg_journal *journal, const struct pollfd *polled)
{
	for (enum aside_id id = 0; id < ASIDE_COUNT; id++)
		if (kinds[id]->is_wanted(journal))
			turn(journal, id, polled[id].revents != 0);
}

int64_t asides_due(const struct pg_journal *journal)
{
	int64_t due = INT64_MAX;

	for (enum aside_id id = 0; id < ASIDE_COUNT; id++) {
		const struct aside *aside = &journal->asides[id];
		const int64_t its = aside->state <= ASIDE_IDLE ? aside->due : aside->until;

		if (kinds[id]->is_wanted(journal) && its < due)
			due = its;
	}
	return due;
}
