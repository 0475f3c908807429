/* What each broker tells of itself: a row of its own in the table "replica", by the database's clock, on a connection
 * that nobody waits for. It is told without waiting for a disk: what is lost is told again.
 *
 * A telling is followed by the reading of all rows, and, by the active broker, now and then by the question whether the
 * database could lose commits: whether it has standbys, and none that a commit waits for. Only the active one drops
 * rows, so that no two drop them in different orders. */
#include <string.h>

#include "base/timer.h"
#include "internal.h"

#define CHECK_US (3600 * SECOND_US)

enum step {
	STEP_TELL,
	STEP_LIST,
	STEP_CHECK,
};

/* $1: its id; $2: its name; $3: its role; $4: its revision; $5: its version; $6: its configuration's hash. */
static const char tell[] =
    "WITH gone AS (DELETE FROM tsuru_broker.replica WHERE $3::text = 'active' AND id <> $1::bytea"
    "  AND (told < clock_timestamp() - interval '1 hour'"
    "   OR (name = $2::text AND told < clock_timestamp() - interval '1 minute')))"
    " INSERT INTO tsuru_broker.replica AS r"
    "  (id, name, role, since, revision, behind, version, configuration, began, told)"
    "  SELECT $1::bytea, $2::text, $3::text, c.now, $4::int8, h.revision - $4::int8, $5::text, $6::text, c.now, c.now"
    "  FROM tsuru_broker.head h, (SELECT clock_timestamp() AS now) c"
    "  ON CONFLICT (id) DO UPDATE SET name = excluded.name, role = excluded.role,"
    "   since = CASE WHEN r.role = excluded.role THEN r.since ELSE excluded.since END, revision = excluded.revision,"
    "   behind = excluded.behind, version = excluded.version, configuration = excluded.configuration,"
    "   told = excluded.told"
    " RETURNING 1";

/* Times are how long ago they are, in milliseconds, so that nobody's clock is compared with another's. */
#define AGO(moment) "(extract(epoch FROM statement_timestamp() - " moment ") * 1000)::int8"
static const char list[] =
    "SELECT l.* FROM (SELECT substr(id, 1, 17), left(name, 64), left(role, 16), revision, behind, left(version, 64), "
    "left(configuration, 64), " AGO("since") ", " AGO("began") ", " AGO(
        "told") " FROM tsuru_broker.replica ORDER BY told DESC, id LIMIT 64) l ORDER BY 2, 1";

enum column {
	COLUMN_ID,
	COLUMN_NAME,
	COLUMN_ROLE,
	COLUMN_REVISION,
	COLUMN_BEHIND,
	COLUMN_VERSION,
	COLUMN_CONFIGURATION,
	COLUMN_SINCE,
	COLUMN_BEGAN,
	COLUMN_TOLD,
};

/* An ordinary role sees how many read the server's log, and not what they are: what is known to be no standby (a backup
 * under way, a logical subscriber) is left out by its process. */
static const char check[] =
    "SELECT count(*), (current_setting('synchronous_standby_names') <> '')::int::int8"
    " FROM pg_catalog.pg_stat_replication r"
    " WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_replication_slots s"
    "  WHERE s.active_pid = r.pid AND (s.slot_type = 'logical' OR s.temporary))"
    " AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_progress_basebackup b WHERE b.pid = r.pid)";

static const char take_back[] = "DELETE FROM tsuru_broker.replica WHERE id = $1::bytea";

/* ---- what is asked ---- */

static bool is_wanted(const struct pg_journal *journal)
{
	const struct aside *aside = &journal->asides[ASIDE_TELLER];

	/* Where the hosts are is looked up for the connection that blocks. */
	return journal->is_made && (aside->handle != NULL || (journal->handle != NULL && journal->telling.is_due));
}

static int64_t patience(const struct pg_journal *journal)
{
	(void)journal;
	return ANSWER_US;
}

static void add_text(struct operands *operands, const char *text)
{
	operands_bytes(operands, text, strlen(text));
}

static const char *ask(struct pg_journal *journal, struct operands *operands)
{
	struct telling *telling = &journal->telling;
	const struct journal_self *self = &telling->self;

	if (telling->step != STEP_TELL)
		return telling->step == STEP_LIST ? list : check;
	telling->is_due = false;
	operands_bytes(operands, telling->id, sizeof(telling->id));
	add_text(operands, self->name);
	add_text(operands, store_role_name(self->role));
	operands_number(operands, self->revision);
	add_text(operands, self->version);
	add_text(operands, self->configuration);
	return tell;
}

/* ---- what is answered ---- */

static bool is_named(enum store_role role, const char *text, size_t length)
{
	const char *name = store_role_name(role);

	return strlen(name) == length && memcmp(name, text, length) == 0;
}

static enum store_role read_role(const char *text, size_t length)
{
	enum store_role role = STORE_DEPOSED;

	while (role > STORE_STANDBY && !is_named(role, text, length))
		role--;
	return role;
}

static int64_t read_number(const struct libpq *pq, const PGresult *result, int row, enum column column)
{
	const int64_t number = pq->getlength(result, row, (int)column) == 8
	                           ? (int64_t)network_decode(pq->getvalue(result, row, (int)column))
	                           : 0;

	return number > 0 ? number : 0;
}

static void read_member(const struct pg_journal *journal, const PGresult *result, int row,
                        struct store_member *ret_member)
{
	const struct libpq *pq = &journal->pq;
	const unsigned char *own = journal->telling.id;
	struct store_member *member = ret_member;

	*member = (struct store_member){
	    .role = read_role(pq->getvalue(result, row, COLUMN_ROLE), (size_t)pq->getlength(result, row, COLUMN_ROLE))};
	member->is_self = pq->getlength(result, row, COLUMN_ID) == POINT_ID_BYTES &&
	                  memcmp(pq->getvalue(result, row, COLUMN_ID), own, POINT_ID_BYTES) == 0;
	answer_text(pq, result, row, COLUMN_NAME, member->name, sizeof(member->name));
	answer_text(pq, result, row, COLUMN_VERSION, member->version, sizeof(member->version));
	answer_text(pq, result, row, COLUMN_CONFIGURATION, member->configuration, sizeof(member->configuration));
	member->revision = (uint64_t)read_number(pq, result, row, COLUMN_REVISION);
	member->behind = (uint64_t)read_number(pq, result, row, COLUMN_BEHIND);
	member->since = read_number(pq, result, row, COLUMN_SINCE);
	member->began = read_number(pq, result, row, COLUMN_BEGAN);
	member->told = read_number(pq, result, row, COLUMN_TOLD);
}

static void take_list(struct pg_journal *journal, const PGresult *result)
{
	struct store_members *members = &journal->telling.members;

	members->count = 0;
	for (int row = 0; row < journal->pq.ntuples(result) && members->count < STORE_MEMBERS_MAX; row++)
		read_member(journal, result, row, &members->items[members->count++]);
	members->seen = timers_clock() / MILLI_US;
	error_clear(&members->trouble);
	members->looks++;
}

static void take_check(struct pg_journal *journal, const PGresult *result)
{
	struct telling *telling = &journal->telling;

	telling->check_at = timers_clock() + CHECK_US;
	if (journal->pq.ntuples(result) != 1)
		return;
	telling->members.standbys = answer_number(journal, result, 0);
	telling->members.is_synchronous = answer_number(journal, result, 1) != 0;
	telling->members.checks++;
	telling->members.looks++;
}

static bool is_check_due(const struct telling *telling)
{
	return telling->self.role == STORE_ACTIVE && timers_clock() >= telling->check_at;
}

static void answer(struct pg_journal *journal, const PGresult *result)
{
	struct telling *telling = &journal->telling;
	const enum step step = telling->step;

	if (step == STEP_LIST)
		take_list(journal, result);
	else if (step == STEP_CHECK)
		take_check(journal, result);
	if (step == STEP_TELL)
		telling->step = STEP_LIST;
	else if (step == STEP_LIST && is_check_due(telling))
		telling->step = STEP_CHECK;
	else
		telling->step = STEP_TELL;
	if (telling->step == STEP_TELL && !telling->is_due)
		journal->asides[ASIDE_TELLER].due = INT64_MAX;
}

/* A database that takes none at all is the journal's trouble, which says so. */
static void unreachable(struct pg_journal *journal, const char *reason)
{
	struct store_members *members = &journal->telling.members;

	if (journal->handle == NULL)
		return;
	error_set(&members->trouble, ERR_UNAVAILABLE,
	          "the store's PostgreSQL takes no connection beside those that this broker has: %.*s",
	          (int)strcspn(reason, "\n"), reason);
	members->looks++;
}

static void refused(struct pg_journal *journal, const PGresult *result)
{
	struct telling *telling = &journal->telling;

	telling->step = STEP_TELL;
	answer_refusal(journal, result, &telling->members.trouble);
	telling->members.looks++;
}

/* Connections that end before an answer are made anew when something is to be told again. */
const struct aside_kind aside_teller = {
    .set_up = SESSION_SET_UP "SET synchronous_commit = off; SELECT 1",
    .pause = 3 * SECOND_US,
    .is_wanted = is_wanted,
    .patience = patience,
    .ask = ask,
    .answer = answer,
    .unreachable = unreachable,
    .refused = refused,
};

/* ---- with the store ---- */

void teller_tell(struct journal *base, const struct journal_self *self)
{
	struct pg_journal *journal = journal_of(base);
	struct telling *telling = &journal->telling;
	struct aside *aside = &journal->asides[ASIDE_TELLER];

	if (self->role != telling->self.role || aside->state == ASIDE_OFF)
		telling->check_at = 0;
	telling->self = *self;
	telling->is_due = true;
	if (aside->state == ASIDE_OFF)
		telling->step = STEP_TELL;
	else if (aside->state == ASIDE_IDLE)
		aside->due = 0;
}

const struct store_members *teller_members(const struct journal *base)
{
	return &((const struct pg_journal *)base)->telling.members;
}

/* The server does what it is sent before it sees that the connection ends. */
void teller_close(struct pg_journal *journal)
{
	const struct aside *aside = &journal->asides[ASIDE_TELLER];
	struct operands operands = {.count = 0};
	static const int binary[] = {1};

	if (aside->state != ASIDE_IDLE || !aside->is_set_up)
		return;
	operands_bytes(&operands, journal->telling.id, sizeof(journal->telling.id));
	(void)journal->pq.sendQueryParams(aside->handle, take_back, 1, NULL, operands.values, operands.lengths, binary,
	                                  1);
}
