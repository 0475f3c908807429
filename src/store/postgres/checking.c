/* Looks at the whole journal and changes nothing: its tables, the rights of the role on them (docs/replicas.md names
 * them), whether head, pulse, log and records agree, and then every record. All is of one moment. */
#include <stdio.h>

#include "base/timer.h"
#include "internal.h"

#define ANSWERS_US (600 * SECOND_US)

/* Each gives a sentence for each thing that is amiss. What stands on such ground is not looked at. */
struct question {
	const char *statement;
	bool is_ground; /* nothing that follows can be looked at where it finds something */
};

#define TABLES                                                                                                         \
	" (VALUES ('head', 'SELECT'), ('head', 'UPDATE'), ('pulse', 'SELECT'), ('pulse', 'UPDATE'),"                   \
	" ('log', 'SELECT'), ('log', 'INSERT'), ('log', 'DELETE'), ('record', 'SELECT'), ('record', 'INSERT'),"        \
	" ('record', 'UPDATE'), ('record', 'DELETE'), ('replica', 'SELECT'), ('replica', 'INSERT'),"                   \
	" ('replica', 'UPDATE'), ('replica', 'DELETE')) AS r (name, privilege)"

static const struct question questions[] = {
    {"SELECT 'there is no schema \"tsuru_broker\": the first broker makes it'"
     " WHERE to_regnamespace('tsuru_broker') IS NULL"
     " UNION ALL SELECT format('the role \"%s\" may not make it: it lacks CREATE on the database \"%s\"',"
     "  current_user, current_database())"
     " WHERE to_regnamespace('tsuru_broker') IS NULL"
     "  AND NOT has_database_privilege(current_database(), 'CREATE')",
     true},
    {"SELECT format('the role \"%s\" lacks USAGE on the schema \"tsuru_broker\"', current_user)"
     " WHERE NOT has_schema_privilege('tsuru_broker', 'USAGE')",
     true},
    {"SELECT DISTINCT format('there is no table \"tsuru_broker.%s\"', r.name) FROM" TABLES
     " WHERE to_regclass('tsuru_broker.' || r.name) IS NULL"
     " UNION ALL SELECT format('the role \"%s\" lacks %s on the table \"tsuru_broker.%s\"', current_user,"
     "  r.privilege, r.name) FROM" TABLES " WHERE to_regclass('tsuru_broker.' || r.name) IS NOT NULL"
     "  AND NOT has_table_privilege(to_regclass('tsuru_broker.' || r.name), r.privilege)",
     true},
    {"SELECT format('the table \"tsuru_broker.%s\" has %s rows, and has to have one', name, rows)"
     " FROM (SELECT 'head' AS name, count(*) AS rows FROM tsuru_broker.head"
     "  UNION ALL SELECT 'pulse', count(*) FROM tsuru_broker.pulse) counted WHERE rows <> 1",
     true},
    {"SELECT format('\"head\" has the epoch %s, and \"pulse\" %s', h.epoch, p.epoch)"
     " FROM tsuru_broker.head h, tsuru_broker.pulse p WHERE h.epoch <> p.epoch",
     false},
    {"SELECT format('the last group of the log has the revision %s, and the head is another, with %s', l.revision,"
     "  h.revision) FROM tsuru_broker.head h,"
     " (SELECT revision, last_group FROM tsuru_broker.log ORDER BY revision DESC LIMIT 1) l"
     " WHERE l.revision <> h.revision OR l.last_group <> h.last_group",
     false},
    {"SELECT format('the log''s group with the revision %s does not follow the one before it', revision)"
     " FROM (SELECT revision, follows, follows_group, lag(revision) OVER turn AS before,"
     "  lag(last_group) OVER turn AS group_before FROM tsuru_broker.log WINDOW turn AS (ORDER BY revision)) l"
     " WHERE before IS NOT NULL AND (follows <> before OR follows_group <> group_before)",
     false},
    {"SELECT format('%s records have a revision that is after the head''s, %s', count(*), h.revision)"
     " FROM tsuru_broker.record r, tsuru_broker.head h WHERE r.revision > h.revision GROUP BY h.revision",
     false},
};

static int report_all(const struct pg_journal *journal, const PGresult *result, journal_report *report, void *arg)
{
	char finding[ERROR_TEXT_MAX];
	const int count = journal->pq.ntuples(result);

	for (int row = 0; row < count; row++) {
		snprintf(finding, sizeof(finding), "%.*s", journal->pq.getlength(result, row, 0),
		         journal->pq.getvalue(result, row, 0));
		report(arg, finding);
	}
	return count;
}

/* Whether what follows can be looked at in *ret_goes_on. */
static int ask_one(struct pg_journal *journal, const struct question *question, journal_report *report, void *arg,
                   bool *ret_goes_on, struct error *error)
{
	const struct operands none = {.count = 0};
	PGresult *result = NULL;
	const int rc = pgsql_ask(journal, question->statement, &none, timers_clock() + ANSWERS_US, &result, error);

	if (rc != 0)
		return rc;
	*ret_goes_on = report_all(journal, result, report, arg) == 0 || !question->is_ground;
	journal->pq.clear(result);
	return 0;
}

/* Records of a newer format are not read. */
static int check_format(struct pg_journal *journal, journal_report *report, void *arg, bool *ret_goes_on,
                        struct error *error)
{
	const struct operands none = {.count = 0};
	PGresult *result = NULL;
	struct error fault;
	const int rc = pgsql_ask(journal, "SELECT format FROM tsuru_broker.head", &none, timers_clock() + ANSWER_US,
	                         &result, error);

	if (rc != 0)
		return rc;
	*ret_goes_on = format_accept(journal->options, answer_number(journal, result, 0), &fault) == 0;
	if (!*ret_goes_on)
		report(arg, fault.text);
	journal->pq.clear(result);
	return 0;
}

int checking_check(struct journal *base, journal_report *report, journal_visit_change *visit, void *arg,
                   struct error *error)
{
	struct pg_journal *journal = journal_of(base);
	bool goes_on = true;
	int rc = pgsql_open(journal, timers_clock() + ANSWER_US, error);

	if (rc == 0)
		rc = pgsql_run(journal, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", timers_clock() + ANSWER_US,
		               error);
	for (size_t i = 0; rc == 0 && goes_on && i < sizeof(questions) / sizeof(*questions); i++)
		rc = ask_one(journal, &questions[i], report, arg, &goes_on, error);
	if (rc == 0 && goes_on)
		rc = check_format(journal, report, arg, &goes_on, error);
	if (rc == 0 && goes_on)
		rc = reading_records(journal, visit, arg, error);
	pgsql_close(journal);
	return rc;
}
