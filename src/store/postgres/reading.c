/* What the journal has: its head, the groups after a point, all records. */
#include <stdlib.h>
#include <string.h>

#include "base/timer.h"
#include "internal.h"
#include "store/copy.h"

static int damaged(struct error *error)
{
	return error_set(error, ERR_CORRUPT, "the store's tables in PostgreSQL hold what no tsuru-broker has written");
}

/* ---- the head ---- */

static const char look[] = "SELECT h.history, h.revision, h.last_group, h.epoch, p.beat, h.is_led::int::int8, "
                           "left(h.active, 64), left(h.address, 776), h.format"
                           " FROM tsuru_broker.head h, tsuru_broker.pulse p";

/* The group of a journal that has none yet is all zeros. */
static bool read_point(const struct pg_journal *journal, const PGresult *result, struct point *ret_point)
{
	*ret_point = (struct point){.revision = answer_number(journal, result, 1)};
	if (!answer_bytes(journal, result, 0, ret_point->history, POINT_ID_BYTES))
		return false;
	return answer_bytes(journal, result, 2, ret_point->group, POINT_ID_BYTES) || ret_point->revision == 0;
}

static int read_head(const struct pg_journal *journal, const PGresult *result, struct journal_head *ret_head,
                     struct error *error)
{
	struct journal_head head = {0};

	if (journal->pq.ntuples(result) != 1 || !read_point(journal, result, &head.point))
		return damaged(error);
	head.epoch = answer_number(journal, result, 3);
	head.beat = answer_number(journal, result, 4);
	head.is_led = answer_number(journal, result, 5) != 0;
	answer_text(&journal->pq, result, 0, 6, head.active, sizeof(head.active));
	answer_text(&journal->pq, result, 0, 7, head.address, sizeof(head.address));
	head.format = answer_number(journal, result, 8);
	*ret_head = head;
	return 0;
}

static int ask_head(struct pg_journal *journal, struct journal_head *ret_head, struct error *error)
{
	const struct operands none = {.count = 0};
	PGresult *result = NULL;
	int rc = pgsql_ask(journal, look, &none, timers_clock() + ANSWER_US, &result, error);

	if (rc != 0)
		return rc;
	rc = read_head(journal, result, ret_head, error);
	journal->pq.clear(result);
	return rc;
}

int reading_look(struct journal *base, struct journal_head *ret_head, struct error *error)
{
	struct pg_journal *journal = journal_of(base);
	int rc = pgsql_open(journal, timers_clock() + ANSWER_US, error);

	if (rc == 0 && !journal->is_made)
		rc = schema_open(journal, timers_clock() + ANSWER_US, error);
	return rc == 0 ? ask_head(journal, ret_head, error) : rc;
}

/* ---- groups ---- */

/* With the format as of the same moment: what a newer program has appended since the head was seen is not taken. */
static const char read_log[] =
    "SELECT l.revision, l.last_group, follows, follows_group, keyspaces, keys, revisions, contents, h.format"
    " FROM tsuru_broker.log l, tsuru_broker.head h WHERE l.revision > $1 ORDER BY l.revision LIMIT 64";

enum log_column {
	LOG_REVISION,
	LOG_GROUP,
	LOG_FOLLOWS,
	LOG_FOLLOWS_GROUP,
	LOG_KEYSPACES,
	LOG_KEYS,
	LOG_REVISIONS,
	LOG_CONTENTS,
	LOG_FORMAT
};

/* The four arrays of a row, side by side. */
struct log_row {
	struct elements keyspaces, keys, revisions, contents;
};

static bool begin_array(const struct pg_journal *journal, const PGresult *result, int row, enum log_column column,
                        enum array_type type, struct elements *ret_elements)
{
	return elements_begin(ret_elements, journal->pq.getvalue(result, row, (int)column),
	                      (size_t)journal->pq.getlength(result, row, (int)column), type);
}

static bool begin_row(const struct pg_journal *journal, const PGresult *result, int row, struct log_row *ret_row)
{
	return begin_array(journal, result, row, LOG_KEYSPACES, ARRAY_TEXT, &ret_row->keyspaces) &&
	       begin_array(journal, result, row, LOG_KEYS, ARRAY_BYTEA, &ret_row->keys) &&
	       begin_array(journal, result, row, LOG_REVISIONS, ARRAY_INT8, &ret_row->revisions) &&
	       begin_array(journal, result, row, LOG_CONTENTS, ARRAY_BYTEA, &ret_row->contents) &&
	       ret_row->keys.count == ret_row->keyspaces.count && ret_row->keys.count == ret_row->revisions.count &&
	       ret_row->keys.count == ret_row->contents.count;
}

static bool find_keyspace(const char *name, size_t length, enum keyspace *ret_keyspace)
{
	char text[32] = "";

	if (length >= sizeof(text))
		return false;
	memcpy(text, name, length);
	*ret_keyspace = store_keyspace_find(text);
	return *ret_keyspace != KEYSPACE_COUNT;
}

static bool next_change(struct log_row *row, struct key_change *ret_change)
{
	const char *name, *key, *revision, *content;
	size_t name_length, key_length, revision_length, length;

	if (!elements_next(&row->keyspaces, &name, &name_length) || !elements_next(&row->keys, &key, &key_length) ||
	    !elements_next(&row->revisions, &revision, &revision_length) ||
	    !elements_next(&row->contents, &content, &length))
		return false;
	if (name == NULL || key == NULL || revision == NULL || revision_length != 8 || key_length == 0 ||
	    key_length > STORE_KEY_MAX)
		return false;
	ret_change->key = (MDB_val){.mv_size = key_length, .mv_data = (void *)(uintptr_t)key};
	ret_change->value =
	    (struct store_value){.bytes = content, .length = length, .revision = network_decode(revision)};
	return find_keyspace(name, name_length, &ret_change->keyspace);
}

static bool read_ends(const struct pg_journal *journal, const PGresult *result, int row, const struct point *point,
                      struct group *ret_group)
{
	const struct libpq *pq = &journal->pq;

	ret_group->before = ret_group->after = *point;
	ret_group->after.revision = network_decode(pq->getvalue(result, row, LOG_REVISION));
	ret_group->before.revision = network_decode(pq->getvalue(result, row, LOG_FOLLOWS));
	memset(ret_group->before.group, 0, POINT_ID_BYTES);
	if (pq->getlength(result, row, LOG_GROUP) != POINT_ID_BYTES)
		return false;
	memcpy(ret_group->after.group, pq->getvalue(result, row, LOG_GROUP), POINT_ID_BYTES);
	if (pq->getlength(result, row, LOG_FOLLOWS_GROUP) == POINT_ID_BYTES)
		memcpy(ret_group->before.group, pq->getvalue(result, row, LOG_FOLLOWS_GROUP), POINT_ID_BYTES);
	return true;
}

static int visit_group(const struct pg_journal *journal, const PGresult *result, int i, const struct point *point,
                       journal_visit_group *visit, void *arg, struct error *error)
{
	struct key_change *changes;
	struct group group = {.count = 0};
	struct log_row row;
	size_t count;
	int rc = 0;

	if (!read_ends(journal, result, i, point, &group) || !begin_row(journal, result, i, &row))
		return damaged(error);
	count = row.keys.count;
	changes = calloc(count > 0 ? count : 1, sizeof(*changes));
	if (changes == NULL)
		return error_no_memory(error);
	for (; rc == 0 && group.count < count; group.count++)
		if (!next_change(&row, &changes[group.count]))
			rc = damaged(error);
	group.changes = changes;
	if (rc == 0)
		rc = visit(arg, &group);
	free(changes);
	return rc;
}

int reading_read(struct journal *base, const struct point *point, journal_visit_group *visit, void *arg,
                 struct error *error)
{
	struct pg_journal *journal = journal_of(base);
	struct operands operands = {.count = 0};
	PGresult *result = NULL;
	int rc = pgsql_open(journal, timers_clock() + ANSWER_US, error);

	operands_number(&operands, point->revision);
	if (rc == 0)
		rc = pgsql_ask(journal, read_log, &operands, PGSQL_SILENCE, &result, error);
	if (rc != 0)
		return rc;
	if (journal->pq.ntuples(result) > 0)
		rc = format_accept(journal->options, answer_number(journal, result, LOG_FORMAT), error);
	for (int i = 0; rc == 0 && i < journal->pq.ntuples(result); i++)
		rc = visit_group(journal, result, i, point, visit, arg, error);
	journal->pq.clear(result);
	return rc;
}

/* ---- all records ---- */

static int visit_record(const struct pg_journal *journal, const PGresult *result, journal_visit_change *visit,
                        void *arg, struct error *error)
{
	const struct libpq *pq = &journal->pq;
	struct key_change change = {
	    .key = {.mv_size = (size_t)pq->getlength(result, 0, 1), .mv_data = pq->getvalue(result, 0, 1)},
	    .value = {.bytes = pq->getvalue(result, 0, 3),
	              .length = (size_t)pq->getlength(result, 0, 3),
	              .revision = answer_number(journal, result, 2)},
	};

	if (!find_keyspace(pq->getvalue(result, 0, 0), (size_t)pq->getlength(result, 0, 0), &change.keyspace) ||
	    change.key.mv_size == 0 || change.key.mv_size > STORE_KEY_MAX)
		return damaged(error);
	return visit(arg, &change);
}

static int take_record(struct pg_journal *journal, PGresult *result, journal_visit_change *visit, void *arg,
                       struct error *error)
{
	switch (journal->pq.resultStatus(result)) {
	case PGRES_SINGLE_TUPLE:
		return visit_record(journal, result, visit, arg, error);
	case PGRES_TUPLES_OK:
		return 0;
	default:
		return answer_refusal(journal, result, error);
	}
}

/* Row by row, so that no more than one is in memory. */
int reading_records(struct pg_journal *journal, journal_visit_change *visit, void *arg, struct error *error)
{
	const struct operands none = {.count = 0};
	PGresult *result = NULL;
	int rc = pgsql_begin(journal, "SELECT keyspace, key, revision, content FROM tsuru_broker.record", &none,
	                     timers_clock() + ANSWER_US, error);

	if (rc == 0)
		journal->pq.setSingleRowMode(journal->handle);
	while (rc == 0 && (rc = pgsql_take(journal, PGSQL_SILENCE, &result, error)) == 0 && result != NULL) {
		rc = take_record(journal, result, visit, arg, error);
		journal->pq.clear(result);
	}
	return rc;
}

/* A reading that ends early leaves rows on the wire: its connection is of no use any more. */
int reading_snapshot(struct journal *base, journal_visit_change *visit, void *arg, struct point *ret_point,
                     struct error *error)
{
	struct pg_journal *journal = journal_of(base);
	struct journal_head head = {0};
	int rc = pgsql_open(journal, timers_clock() + ANSWER_US, error);

	if (rc == 0)
		rc = pgsql_run(journal, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", timers_clock() + ANSWER_US,
		               error);
	if (rc == 0)
		rc = ask_head(journal, &head, error);
	if (rc == 0)
		rc = format_accept(journal->options, head.format, error);
	if (rc == 0)
		rc = reading_records(journal, visit, arg, error);
	if (rc == 0)
		rc = pgsql_run(journal, "COMMIT", timers_clock() + ANSWER_US, error);
	if (rc != 0)
		pgsql_close(journal);
	else
		*ret_point = head.point;
	return rc;
}
