/* A login by libpq's own steps. The keywords are copies, since the thread may need them for longer than the session
 * lives. */
#include "login.h"

#include <stdbool.h>
#include <stdlib.h>

#define KEYWORDS_MAX (TARGET_OPTIONS_MAX + 9) /* of one connection, and the NULL after them */
#define NO_FILE      "/nonexistent"

struct pg_entry {
	struct libpq pq;
	struct arena arena; /* the keywords; holds the password */
	const char *names[KEYWORDS_MAX], *values[KEYWORDS_MAX];
	size_t count;
	PGconn *connection; /* NULL: not begun */
};

static void add_keyword(struct pg_entry *entry, const char *name, const char *value)
{
	entry->names[entry->count] = arena_text(&entry->arena, name);
	entry->values[entry->count] = arena_text(&entry->arena, value);
	entry->count++;
}

/* Where a keyword comes twice, libpq takes the later. */
static void add_keywords(struct pg_entry *entry, const struct pg_target *target, const struct pg_place *place,
                         const char *address, const char *database, const struct target_login *login, bool plain)
{
	add_keyword(entry, "host", place->host);
	add_keyword(entry, "port", place->port);
	add_keyword(entry, "dbname", database);
	if (address[0] != '\0')
		add_keyword(entry, "hostaddr", address);
	for (size_t i = 0; i < target->option_count; i++)
		add_keyword(entry, target->keywords[i], target->values[i]);
	if (!plain)
		add_keyword(entry, "options", target_settings(target, login)->options);
	if (target_login_is_other(login)) {
		add_keyword(entry, "user", login->user);
		add_keyword(entry, "password", login->password);
		add_keyword(entry, "sslcert", NO_FILE);
	}
	add_keyword(entry, NULL, NULL);
}

static void drop_notice(void *arg, const char *message)
{
	(void)arg;
	(void)message;
}

static bool begin_login(struct pg_entry *entry)
{
	entry->connection = entry->pq.connectStartParams(entry->names, entry->values, 0);
	if (entry->connection == NULL)
		return false;
	entry->pq.setNoticeProcessor(entry->connection, drop_notice, NULL);
	entry->pq.setErrorVerbosity(entry->connection, PQERRORS_VERBOSE);
	return entry->pq.status(entry->connection) != CONNECTION_BAD;
}

static enum login_next step_login(void *work, int *ret_fd)
{
	struct pg_entry *entry = work;
	PostgresPollingStatusType polled = PGRES_POLLING_WRITING;

	if (entry->connection != NULL)
		polled = entry->pq.connectPoll(entry->connection);
	else if (!begin_login(entry))
		polled = PGRES_POLLING_FAILED;
	if (entry->connection != NULL)
		*ret_fd = entry->pq.socket(entry->connection);
	switch (polled) {
	case PGRES_POLLING_OK:
		return LOGIN_DONE;
	case PGRES_POLLING_READING:
		return LOGIN_READS;
	case PGRES_POLLING_WRITING:
		return LOGIN_WRITES;
	default:
		return LOGIN_FAILED;
	}
}

static void free_entry(void *work)
{
	struct pg_entry *entry = work;

	entry->pq.finish(entry->connection);
	arena_wipe(&entry->arena);
	free(entry);
}

const struct login_kind postgres_login_kind = {.step = step_login, .free = free_entry};

struct pg_entry *entry_new(const struct pg_target *target, const struct pg_place *place, const char *address,
                           const char *database, const struct target_login *login, bool plain)
{
	struct pg_entry *entry = calloc(1, sizeof(*entry));

	if (entry == NULL)
		return NULL;
	entry->pq = target->pq;
	arena_init(&entry->arena);
	add_keywords(entry, target, place, address, database, login, plain);
	if (!arena_failed(&entry->arena))
		return entry;
	free_entry(entry);
	return NULL;
}

PGconn *entry_take(struct pg_entry *entry)
{
	PGconn *connection = entry->connection;

	entry->connection = NULL;
	free_entry(entry);
	return connection;
}
