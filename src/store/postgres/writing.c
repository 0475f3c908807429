/* What the active broker writes: its claim, its groups, its leaving. Each is one statement that finds its row only
 * where nothing has moved; none waits for anything between its begin and its end, so a broker that stops holds nothing.
 *
 * An append whose answer is lost is sent again. If the first one came through, or comes through now, the second finds
 * another head, and the log says by the group's id that it was ours. The group is durable then as far as the server
 * that answers is concerned; that its standbys have it is told by a renewal, which is a commit after it. */
#include <string.h>

#include "append.h"
#include "base/crash.h"
#include "base/secret.h"
#include "base/timer.h"
#include "internal.h"
#include "store/copy.h"

#define AGAIN_US  (100 * MILLI_US)
#define ARRAY_MAX ((size_t)512 * 1024 * 1024) /* bytes; PostgreSQL takes up to 1 GiB */

/* One statement of whose answer only the error counts. */
static int do_simply(struct pg_journal *journal, const char *statement, const struct operands *operands, int64_t until,
                     struct error *error)
{
	PGresult *result = NULL;
	int rc = pgsql_open(journal, until, error);

	if (rc == 0)
		rc = pgsql_ask(journal, statement, operands, until, &result, error);
	if (rc == 0)
		journal->pq.clear(result);
	return rc;
}

/* ---- the claim ---- */

/* The pulse is locked first, so that no renewal of the former one comes in between. Its beat goes on from a number of
 * this claim's own: a database that has failed over to a server without a claim gives the epoch a second time, and the
 * two that have it do not renew each other's lease. */
#define CLAIM                                                                                                          \
	"WITH p AS (SELECT 1 FROM tsuru_broker.pulse WHERE epoch = $1 AND beat = $2 FOR UPDATE),"                      \
	" h AS (UPDATE tsuru_broker.head SET epoch = epoch + 1, is_led = true, active = $5, address = $6, format = $7" \
	"  WHERE epoch = $1 AND revision = $3 AND last_group = $4 AND format <= $7 AND EXISTS (SELECT FROM p)"         \
	"  RETURNING epoch),"                                                                                          \
	" q AS (UPDATE tsuru_broker.pulse SET epoch = h.epoch, beat = $8 FROM h)"                                      \
	" SELECT h.epoch"
static const char claim_quietly[] = CLAIM " FROM h";
static const char claim_and_notify[] = CLAIM ", pg_notify('tsuru_broker', '') FROM h";

static const struct operands *claim_of(const struct pg_journal *journal, const struct journal_head *head, uint64_t beat,
                                       struct operands *operands)
{
	operands->count = 0;
	operands_number(operands, head->epoch);
	operands_number(operands, head->beat);
	operands_number(operands, head->point.revision);
	operands_bytes(operands, head->point.group, head->point.revision == 0 ? 0 : POINT_ID_BYTES);
	operands_bytes(operands, journal->options->name, strlen(journal->options->name));
	operands_bytes(operands, journal->address, strlen(journal->address));
	operands_number(operands, journal_format(journal->options));
	operands_number(operands, beat);
	return operands;
}

static uint64_t first_beat(void)
{
	unsigned char bytes[8];

	secret_random(bytes, sizeof(bytes));
	return network_decode(bytes) >> 1 & ~(KEEPER_BEATS - 1);
}

int writing_claim(struct journal *base, const struct journal_head *head, struct error *error)
{
	struct pg_journal *journal = journal_of(base);
	const uint64_t beat = first_beat();
	const char *claim;
	struct operands operands;
	PGresult *result = NULL;
	int64_t sent;
	int rc = pgsql_open(journal, timers_clock() + ANSWER_US, error);

	claim = journal->is_quiet ? claim_quietly : claim_and_notify;
	sent = timers_clock();
	if (rc == 0)
		rc = pgsql_ask(journal, claim, claim_of(journal, head, beat, &operands), sent + ANSWER_US, &result,
		               error);
	if (rc != 0)
		return rc;
	if (journal->pq.ntuples(result) == 1) {
		journal->epoch = answer_number(journal, result, 0);
		journal->leased_until = 0; /* and not forsaken any more */
		journal->beat = beat;
		journal->revision = head->point.revision;
		journal->asides[ASIDE_KEEPER].due = sent;
		keeper_renewed(journal, sent);
	} else {
		rc = ERR_STALE;
	}
	journal->pq.clear(result);
	return rc;
}

static const char say[] = "UPDATE tsuru_broker.head SET address = $1 WHERE epoch = $2 AND is_led";

int writing_say(struct journal *base, const char *address, struct error *error)
{
	struct pg_journal *journal = journal_of(base);
	struct operands operands = {.count = 0};

	strcpy(journal->address, address);
	if (journal->epoch == 0)
		return 0;
	operands_bytes(&operands, address, strlen(address));
	operands_number(&operands, journal->epoch);
	return do_simply(journal, say, &operands, timers_clock() + ANSWER_US, error);
}

/* Groups come into the log in the order of their revisions, and grow old in it. */
static const char trim[] = "DELETE FROM tsuru_broker.log WHERE revision IN (SELECT revision FROM (SELECT revision, at"
                           " FROM tsuru_broker.log ORDER BY revision LIMIT 10000) oldest"
                           " WHERE at < clock_timestamp() - interval '10 minutes')";

int writing_trim(struct journal *base, struct error *error)
{
	return do_simply(journal_of(base), trim, &(struct operands){.count = 0}, PGSQL_LEASE, error);
}

#define LEAVE "WITH h AS (UPDATE tsuru_broker.head SET is_led = false WHERE epoch = $1 RETURNING 1)"
static const char leave_quietly[] = LEAVE " SELECT 1 FROM h";
static const char leave_and_notify[] = LEAVE " SELECT pg_notify('tsuru_broker', '') FROM h";

static const char *leave_of(const struct pg_journal *journal)
{
	return journal->is_quiet ? leave_quietly : leave_and_notify;
}

/* Nobody has to know whether it came through: otherwise the lease ends by itself. */
void writing_leave(struct journal *base)
{
	struct pg_journal *journal = journal_of(base);
	struct operands operands = {.count = 0};
	PGresult *result = NULL;
	const int64_t until = timers_clock() + SECOND_US;

	operands_number(&operands, journal->epoch);
	journal->epoch = 0;
	journal->leased_until = 0;
	aside_close(journal, ASIDE_KEEPER);
	if (pgsql_open(journal, until, NULL) == 0 &&
	    pgsql_ask(journal, leave_of(journal), &operands, until, &result, NULL) == 0)
		journal->pq.clear(result);
}

/* ---- a group ---- */

/* The statements' names. */
static const char loud[] = "append", quiet[] = "append quietly";
static const char append_quietly[] = APPEND " SELECT 1 FROM h";
static const char append_and_notify[] = APPEND " SELECT pg_notify('tsuru_broker', '') FROM h";

/* The arrays of a group, as the server reads them. */
struct arrays {
	struct text keyspaces, keys, revisions, contents;
};

static void arrays_release(struct arrays *body)
{
	text_release(&body->keyspaces);
	text_release(&body->keys);
	text_release(&body->revisions);
	text_wipe(&body->contents);
}

static int arrays_encode(const struct group *group, struct arrays *ret_body, struct error *error)
{
	unsigned char revision[8];

	array_begin(&ret_body->keyspaces, ARRAY_TEXT, group->count);
	array_begin(&ret_body->keys, ARRAY_BYTEA, group->count);
	array_begin(&ret_body->revisions, ARRAY_INT8, group->count);
	array_begin(&ret_body->contents, ARRAY_BYTEA, group->count);
	for (size_t i = 0; i < group->count; i++) {
		const struct key_change *change = &group->changes[i];
		const char *name = store_keyspace_name(change->keyspace);

		network_encode(change->value.revision, revision);
		array_add(&ret_body->keyspaces, name, strlen(name));
		array_add(&ret_body->keys, change->key.mv_data, change->key.mv_size);
		array_add(&ret_body->revisions, revision, sizeof(revision));
		array_add(&ret_body->contents, change->value.bytes, change->value.length);
	}
	if (ret_body->keyspaces.failed || ret_body->keys.failed || ret_body->revisions.failed ||
	    ret_body->contents.failed)
		return error_set(error, ERR_NO_MEMORY, "a group of %zu records is too large for memory", group->count);
	return 0;
}

static void parameters_text(struct operands *operands, const struct text *text)
{
	operands_bytes(operands, text->bytes, text->length);
}

/* ERR_STALE: the head is not where the group begins, or another broker is the active one. */
static int send_once(struct pg_journal *journal, const struct operands *operands, struct error *error)
{
	const int64_t sent = timers_clock();
	PGresult *result = NULL;
	const bool is_loud = journal->options->notify && !journal->is_quiet;
	int rc;

	crash_point("append:before");
	rc = pgsql_send(journal, is_loud ? loud : quiet, is_loud ? append_and_notify : append_quietly, operands,
	                PGSQL_LEASE, error);
	if (rc == 0) {
		crash_point("append:sent");
		rc = pgsql_finish(journal, PGSQL_LEASE, &result, error);
	}
	if (rc != 0)
		return rc;
	rc = journal->pq.ntuples(result) == 1 ? 0 : ERR_STALE;
	journal->pq.clear(result);
	if (rc == 0) {
		crash_point("append:durable");
		keeper_renewed(journal, sent);
	}
	return rc;
}

static const char is_ours[] = "SELECT revision FROM tsuru_broker.log WHERE revision = $1 AND last_group = $2";

/* 0 when there is a row, ERR_STALE when there is none. */
static int find(struct pg_journal *journal, const char *statement, const struct operands *operands, struct error *error)
{
	PGresult *result = NULL;
	int rc = pgsql_ask(journal, statement, operands, PGSQL_LEASE, &result, error);

	if (rc != 0)
		return rc;
	rc = journal->pq.ntuples(result) == 1 ? 0 : ERR_STALE;
	journal->pq.clear(result);
	return rc;
}

/* Whether an earlier sending of the group has come through. */
static int find_group(struct pg_journal *journal, const struct group *group, struct error *error)
{
	struct operands wanted = {.count = 0}, ours;
	int rc;

	operands_number(&wanted, group->after.revision);
	operands_bytes(&wanted, group->after.group, POINT_ID_BYTES);
	keeper_operands(journal, &ours);
	rc = find(journal, is_ours, &wanted, error);
	return rc == 0 ? find(journal, keeper_renewal, &ours, error) : rc;
}

static int try_once(struct pg_journal *journal, const struct group *group, const struct operands *operands,
                    bool *in_doubt, struct error *error)
{
	const bool again = *in_doubt;
	bool was_quiet;
	int rc = pgsql_open(journal, PGSQL_LEASE, error);

	if (rc != 0)
		return rc;
	was_quiet = journal->is_quiet;
	rc = send_once(journal, operands, error);
	if (rc == ERR_REFUSED && journal->is_quiet != was_quiet)
		rc = send_once(journal, operands, error);
	*in_doubt = again || journal->handle == NULL;
	return rc == ERR_STALE && again ? find_group(journal, group, error) : rc;
}

/* Until it is known what became of the group, or the lease is over. What was never sent is known at once, and so is
 * what the server has refused: the connection is open still. A refusal tells nothing of an earlier sending. */
static int settle(struct pg_journal *journal, const struct group *group, const struct operands *operands,
                  struct error *error)
{
	bool in_doubt = false;
	int rc;

	while ((rc = try_once(journal, group, operands, &in_doubt, error)) != 0 && rc != ERR_STALE && in_doubt) {
		if (timers_clock() >= journal->leased_until)
			return error_set(error, ERR_UNAVAILABLE, "%s", error->text);
		pgsql_hold(journal, -1, 0, timers_clock() + AGAIN_US);
	}
	return rc;
}

static int append(struct pg_journal *journal, const struct group *group, const struct arrays *body, struct error *error)
{
	struct operands operands = {.count = 0};
	int rc;

	operands_number(&operands, group->before.revision);
	operands_bytes(&operands, group->before.group, group->before.revision == 0 ? 0 : POINT_ID_BYTES);
	operands_number(&operands, group->after.revision);
	operands_bytes(&operands, group->after.group, POINT_ID_BYTES);
	operands_number(&operands, journal->epoch);
	parameters_text(&operands, &body->keyspaces);
	parameters_text(&operands, &body->keys);
	parameters_text(&operands, &body->revisions);
	parameters_text(&operands, &body->contents);
	rc = settle(journal, group, &operands, error);
	if (rc == 0)
		journal->revision = group->after.revision;
	if (rc == ERR_STALE) {
		keeper_forsake(journal);
		return error_set(error, ERR_UNAVAILABLE,
		                 "another broker of those that share the store is the active one");
	}
	return rc == ERR_REFUSED ? error_set(error, ERR_UNAVAILABLE, "%s", error->text) : rc;
}

int writing_append(struct journal *base, const struct group *group, struct error *error)
{
	struct pg_journal *journal = journal_of(base);
	struct arrays body;
	int rc;

	text_init(&body.keyspaces, ARRAY_MAX);
	text_init(&body.keys, ARRAY_MAX);
	text_init(&body.revisions, ARRAY_MAX);
	text_init(&body.contents, ARRAY_MAX);
	rc = arrays_encode(group, &body, error);
	if (rc == 0)
		rc = append(journal, group, &body, error);
	arrays_release(&body);
	return rc;
}
