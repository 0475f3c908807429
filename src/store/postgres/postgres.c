/* The journal of a PostgreSQL database: the schema "tsuru_broker", with the head (one row: how far it goes, and which
 * broker is the active one), its pulse (one row: the active one's sign of life), the records as they are, and the log
 * of the last groups, for those that follow. Beside them stands what each broker tells of itself. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/secret.h"
#include "internal.h"

static int refuse_url(struct error *error)
{
	return error_set(error, ERR_INVALID,
	                 "it is not a url like postgres://user@host:5432/database, its parts percent-encoded");
}

static bool has_option(const struct pg_journal *journal, size_t count, const char *keyword)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(journal->keywords[i], keyword) == 0)
			return true;
	return false;
}

static void set_option(struct pg_journal *journal, size_t *count, const char *keyword, const char *value)
{
	if (value == NULL || *count == OPTIONS_MAX || has_option(journal, *count, keyword))
		return;
	journal->keywords[*count] = keyword;
	journal->values[*count] = value;
	(*count)++;
}

/* The url's come first; what it does not say is ours. A dead peer is noticed within a lease. */
static void set_options(struct pg_journal *journal)
{
	size_t count = 0;

	journal->hosts.are_names = hosts_are_names(journal);
	if (journal->hosts.are_names) {
		hosts_init(journal);
		count = LOOKUP_LISTS;
	}
	snprintf(journal->timeout_ms, sizeof(journal->timeout_ms), "%lld", (long long)journal->options->lease / 2);
	if (journal->options->password != NULL)
		set_option(journal, &count, "password", journal->options->password);
	for (const PQconninfoOption *option = journal->parsed; option->keyword != NULL; option++)
		set_option(journal, &count, option->keyword, option->val);
	set_option(journal, &count, "application_name", "tsuru-broker");
	set_option(journal, &count, "client_encoding", "UTF8");
	set_option(journal, &count, "target_session_attrs", "primary"); /* whatever its role's transactions are */
	set_option(journal, &count, "connect_timeout", "3");
	set_option(journal, &count, "keepalives_idle", "5");
	set_option(journal, &count, "keepalives_interval", "2");
	set_option(journal, &count, "keepalives_count", "3");
	set_option(journal, &count, "tcp_user_timeout", journal->timeout_ms);
	set_option(journal, &count, "gssencmode", "disable");
	set_option(journal, &count, "passfile", "/nonexistent");
}

static void postgres_close(struct journal *base)
{
	struct pg_journal *journal = journal_of(base);

	teller_close(journal);
	pgsql_close(journal);
	for (enum aside_id id = 0; id < ASIDE_COUNT; id++)
		aside_close(journal, id);
	hosts_release(journal);
	if (journal->parsed != NULL)
		journal->pq.conninfoFree(journal->parsed);
	if (journal->wake_fd >= 0)
		close(journal->wake_fd);
	free(journal);
}

static int load(struct pg_journal *journal, struct error *error)
{
	const int rc = libpq_load(&journal->pq, error);

	if (rc != 0)
		return rc;
	journal->parsed = libpq_parse(&journal->pq, journal->options->url);
	return journal->parsed != NULL ? 0 : refuse_url(error);
}

static int postgres_open(const struct store_shared *options, struct journal **ret_journal, struct error *error)
{
	struct pg_journal *journal = calloc(1, sizeof(*journal));
	int rc;

	if (journal == NULL)
		return error_no_memory(error);
	journal->base.kind = &journal_postgres;
	journal->options = options;
	snprintf(journal->address, sizeof(journal->address), "%s", options->address);
	secret_random(journal->telling.id, sizeof(journal->telling.id));
	rc = load(journal, error);
	if (rc != 0) {
		free(journal);
		return rc;
	}
	set_options(journal);
	journal->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (journal->wake_fd < 0) {
		rc = error_set(error, ERR_INTERNAL, "an eventfd cannot be made: %s", strerror(errno));
		postgres_close(&journal->base);
		return rc;
	}
	*ret_journal = &journal->base;
	return 0;
}

static bool take_notices(struct pg_journal *journal)
{
	bool any = false;
	PGnotify *notice;

	if (journal->handle == NULL)
		return false;
	if (journal->pq.consumeInput(journal->handle) == 0) {
		pgsql_close(journal);
		return true;
	}
	while ((notice = journal->pq.notifies(journal->handle)) != NULL) {
		journal->pq.freemem(notice);
		any = true;
	}
	return any;
}

/* The connection and fd both wake it; the loop's call is seen when the caller looks for its work. */
static bool postgres_wait(struct journal *base, int fd, int64_t until)
{
	struct pg_journal *journal = journal_of(base);

	pgsql_wait(journal, fd, until);
	return take_notices(journal);
}

static void postgres_forsake(struct journal *base)
{
	keeper_forsake(journal_of(base));
}

static int64_t postgres_leased_until(const struct journal *base)
{
	const struct pg_journal *journal = (const struct pg_journal *)base;

	return journal->leased_until;
}

static const struct error *postgres_trouble(const struct journal *base)
{
	return &((const struct pg_journal *)base)->keeper_trouble;
}

const struct journal_kind journal_postgres = {
    .open = postgres_open,
    .close = postgres_close,
    .wait = postgres_wait,
    .look = reading_look,
    .read = reading_read,
    .snapshot = reading_snapshot,
    .check = checking_check,
    .claim = writing_claim,
    .say = writing_say,
    .leased_until = postgres_leased_until,
    .trouble = postgres_trouble,
    .forsake = postgres_forsake,
    .append = writing_append,
    .trim = writing_trim,
    .leave = writing_leave,
    .tell = teller_tell,
    .members = teller_members,
};
