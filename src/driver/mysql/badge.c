/* Badges, numbered. There are more numbers than a pool has sessions, as one that is replaced after a reload, or is
 * still ending on the server, keeps its own. */
#include "badge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "query.h"
#include "session.h"

#define BADGE_BYTES 14
#define PREFIX      "tsuru-broker "

static size_t count_badges(const struct mysql_work *work)
{
	return 2 * (size_t)options_number(&work->call->server->options, "connections") + 8;
}

static void name_badge(const struct mysql_work *work, size_t number, char ret_name[BADGE_SIZE])
{
	const char *seal = work->call->backend->context->seal;
	char digits[24];
	const char *const parts[] = {"mysql session", seal != NULL ? seal : "", work->call->backend->service->name,
	                             digits};

	snprintf(digits, sizeof(digits), "%zu", number);
	memcpy(ret_name, PREFIX, sizeof(PREFIX));
	secret_hash_hex(ret_name + strlen(PREFIX), BADGE_BYTES, parts, sizeof(parts) / sizeof(*parts));
}

/* ---- taking one ---- */

static void on_badge(struct mysql_work *work, MYSQL_RES *rows)
{
	MYSQL_ROW row = mysql_fetch_row(rows);
	char name[BADGE_SIZE];

	if (row[0] != NULL) {
		name_badge(work, (size_t)strtoul(row[0], NULL, 10), name);
		maria_session_set_badge(lease_session(&work->lease), name);
	}
	call_next(work->call);
}

/* COALESCE stops at the first that is given. */
void maria_badge_session(struct mysql_work *work)
{
	const size_t count = count_badges(work);
	struct sql *sql = maria_sql(work);
	char name[BADGE_SIZE];

	if (maria_session_badge(lease_session(&work->lease))[0] != '\0') {
		call_next(work->call);
		return;
	}
	sql_add(sql, "SELECT COALESCE(");
	for (size_t i = 0; i < count; i++) {
		name_badge(work, i, name);
		sql_add(sql, "IF(GET_LOCK(%l, 0) = 1, %d, NULL), ", name, (int64_t)i);
	}
	sql_add(sql, "NULL)");
	maria_query(work, on_badge);
}

/* ---- counting them ---- */

struct badge_search {
	unsigned long id;
	bool found;
};

static void compare_id(void *session, void *arg)
{
	struct badge_search *search = arg;

	search->found |= maria_session_id(session) == search->id;
}

static bool is_own_session(const struct mysql_work *work, unsigned long id)
{
	struct badge_search search = {.id = id};

	pool_visit(work->host->pool, compare_id, &search);
	return search.found;
}

static void on_sessions(struct mysql_work *work, MYSQL_RES *rows)
{
	enum { ID, LASTING };
	size_t count = 0, strays = 0;
	MYSQL_ROW row;

	for (; (row = mysql_fetch_row(rows)) != NULL; count++)
		if (strcmp(row[LASTING], "1") == 0 && !is_own_session(work, strtoul(row[ID], NULL, 10)))
			strays++;
	call_tell(work->call, CHECK_SESSIONS, "%zu", count);
	call_tell(work->call, CHECK_STRAYS, "%zu", strays);
	call_next(work->call);
}

void maria_step_count_sessions(void *arg)
{
	struct mysql_work *work = arg;
	const size_t count = count_badges(work);
	struct sql *sql = maria_sql(work);
	char name[BADGE_SIZE];

	sql_add(sql, "SELECT p.ID, p.TIME >= %s FROM (SELECT NULL AS id", CHECK_STRAY_SECONDS);
	for (size_t i = 0; i < count; i++) {
		name_badge(work, i, name);
		sql_add(sql, " UNION ALL SELECT IS_USED_LOCK(%l)", name);
	}
	sql_add(sql, ") b JOIN information_schema.PROCESSLIST p ON p.ID = b.id");
	maria_query(work, on_sessions);
}
