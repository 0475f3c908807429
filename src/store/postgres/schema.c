/* The journal's tables, made by the first broker that finds none. Its role needs CREATE on the database for that, once,
 * and later only what the owner of the tables may. Brokers of several formats look at them side by side, so a later
 * program may add tables and columns, and takes none away. */
#include <string.h>

#include "base/secret.h"
#include "internal.h"

/* One at a time: the lock ends with the transaction that this text is. Rows that change with each commit get room to
 * change in point. The log keeps values as they are: compressing what is sealed only costs. */
static const char make[] =
    "SELECT pg_advisory_xact_lock(hashtext('tsuru_broker'));"
    "CREATE SCHEMA IF NOT EXISTS tsuru_broker;"
    "CREATE TABLE IF NOT EXISTS tsuru_broker.head ("
    "  one_row boolean PRIMARY KEY DEFAULT true CHECK (one_row), format int8 NOT NULL, history bytea NOT NULL,"
    "  revision int8 NOT NULL, last_group bytea NOT NULL, epoch int8 NOT NULL, is_led boolean NOT NULL,"
    "  active text NOT NULL, address text NOT NULL) WITH (fillfactor = 10);"
    "CREATE TABLE IF NOT EXISTS tsuru_broker.pulse ("
    "  one_row boolean PRIMARY KEY DEFAULT true CHECK (one_row), epoch int8 NOT NULL, beat int8 NOT NULL)"
    "  WITH (fillfactor = 10);"
    "CREATE TABLE IF NOT EXISTS tsuru_broker.log ("
    "  revision int8 PRIMARY KEY, last_group bytea NOT NULL, follows int8 NOT NULL, follows_group bytea NOT NULL,"
    "  epoch int8 NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp(),"
    "  keyspaces text[] NOT NULL, keys bytea[] NOT NULL, revisions int8[] NOT NULL, contents bytea[] NOT NULL);"
    "ALTER TABLE tsuru_broker.log ALTER keys SET STORAGE EXTERNAL, ALTER contents SET STORAGE EXTERNAL;"
    "CREATE TABLE IF NOT EXISTS tsuru_broker.record ("
    "  keyspace text COLLATE \"C\" NOT NULL, key bytea NOT NULL, revision int8 NOT NULL, content bytea NOT NULL,"
    "  PRIMARY KEY (keyspace, key));"
    "ALTER TABLE tsuru_broker.record ALTER content SET STORAGE EXTERNAL;"
    "INSERT INTO tsuru_broker.pulse (epoch, beat) VALUES (0, 0) ON CONFLICT DO NOTHING;";

/* What a journal of an earlier program lacks. Of each broker there is a row, by its id, that changes every few
 * seconds; all that has to do with it is told in teller.c. */
static const char add[] =
    "SELECT pg_advisory_xact_lock(hashtext('tsuru_broker'));"
    "CREATE TABLE IF NOT EXISTS tsuru_broker.replica ("
    "  id bytea PRIMARY KEY, name text NOT NULL, role text NOT NULL, since timestamptz NOT NULL,"
    "  revision int8 NOT NULL, behind int8 NOT NULL, version text NOT NULL, configuration text NOT NULL,"
    "  began timestamptz NOT NULL, told timestamptz NOT NULL) WITH (fillfactor = 10);";

static const char begin[] =
    "INSERT INTO tsuru_broker.head (format, history, revision, last_group, epoch, is_led, active, address)"
    " VALUES ($1, $2, 0, '', 0, false, '', '') ON CONFLICT DO NOTHING";

#define IS_THERE(table)                                                                                                \
	"SELECT count(*) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n"                                    \
	" ON n.oid = c.relnamespace WHERE n.nspname = 'tsuru_broker' AND c.relname = '" table "'"

static int ask_number(struct pg_journal *journal, const char *statement, int64_t until, uint64_t *ret_number,
                      struct error *error)
{
	const struct operands none = {.count = 0};
	PGresult *result = NULL;
	const int rc = pgsql_ask(journal, statement, &none, until, &result, error);

	if (rc != 0)
		return rc;
	*ret_number = journal->pq.ntuples(result) == 1 ? answer_number(journal, result, 0) : 0;
	journal->pq.clear(result);
	return 0;
}

static int begin_history(struct pg_journal *journal, int64_t until, struct error *error)
{
	struct operands operands = {.count = 0};
	unsigned char history[POINT_ID_BYTES];
	PGresult *result = NULL;
	int rc;

	secret_random(history, sizeof(history));
	operands_number(&operands, journal_format(journal->options));
	operands_bytes(&operands, history, sizeof(history));
	rc = pgsql_ask(journal, begin, &operands, until, &result, error);
	if (rc == 0)
		journal->pq.clear(result);
	return rc;
}

/* Makes what is not there. */
static int complete(struct pg_journal *journal, const char *is_there, const char *statements, int64_t until,
                    struct error *error)
{
	uint64_t tables = 0;
	const int rc = ask_number(journal, is_there, until, &tables, error);

	return rc == 0 && tables == 0 ? pgsql_run(journal, statements, until, error) : rc;
}

int schema_open(struct pg_journal *journal, int64_t until, struct error *error)
{
	uint64_t heads = 0;
	int rc = complete(journal, IS_THERE("head"), make, until, error);

	if (rc == 0)
		rc = ask_number(journal, "SELECT count(*) FROM tsuru_broker.head", until, &heads, error);
	if (rc == 0 && heads == 0)
		rc = begin_history(journal, until, error);
	if (rc == 0)
		rc = complete(journal, IS_THERE("replica"), add, until, error);
	journal->is_made = rc == 0;
	return rc;
}
