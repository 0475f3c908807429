/* The url's hosts: their addresses, and whose turn it is.
 *
 * libpq looks names up by the system's resolver, in the call that connects: while that hangs nothing is renewed, and
 * the loop may wait for the thread. So it is given addresses, which a thread of their own has looked up (lookup.c),
 * anew for each connection of the one that blocks. Where the resolver does not answer, the addresses of the last time
 * are good enough: a database that fails over is found while the name server, which fell with it, is not.
 *
 * libpq goes on to the next host only where the first one takes no connection at all. One that takes it and says
 * nothing (a machine that hangs, a network that drops) or hangs up (a balancer whose server is gone) would be tried for
 * ever, though another is the primary meanwhile. So a try that fails makes the next one begin with the host after.
 * Whether a host is the primary, libpq asks it: target_session_attrs. One that takes no writes by its configuration, as
 * a former primary may be kept from them, is found out by its refusal. */
#include <string.h>

#include "base/timer.h"
#include "internal.h"

#define FRESH_US    SECOND_US        /* from a question on, its answer holds for other connections, too */
#define PATIENCE_US (500 * MILLI_US) /* for an answer, where an earlier one is known */

static const char *const keywords[LOOKUP_LISTS] = {
    [LOOKUP_HOSTS] = "host", [LOOKUP_ADDRESSES] = "hostaddr", [LOOKUP_PORTS] = "port"};

/* "" for what it does not say. */
static const char *option_of(const struct pg_journal *journal, enum lookup_list list)
{
	for (const PQconninfoOption *option = journal->parsed; option->keyword != NULL; option++)
		if (strcmp(option->keyword, keywords[list]) == 0 && option->val != NULL)
			return option->val;
	return "";
}

bool hosts_are_names(const struct pg_journal *journal)
{
	return option_of(journal, LOOKUP_ADDRESSES)[0] == '\0' && lookup_is_needed(option_of(journal, LOOKUP_HOSTS));
}

void hosts_init(struct pg_journal *journal)
{
	for (size_t i = 0; i < LOOKUP_LISTS; i++) {
		text_init(&journal->hosts.lists[i], LOOKUP_LIST_MAX);
		journal->keywords[i] = keywords[i];
		journal->values[i] = "";
	}
}

void hosts_release(struct pg_journal *journal)
{
	lookup_end(journal->hosts.lookup);
	for (size_t i = 0; i < LOOKUP_LISTS; i++)
		text_release(&journal->hosts.lists[i]);
}

/* ---- turning ---- */

/* "a,b,c" becomes "b,c,a", in place. */
static void turn_list(char *list)
{
	const size_t length = strlen(list), first = strcspn(list, ",");
	size_t rest;

	if (first == length)
		return;
	for (size_t i = 0; i < first; i++) {
		const char moved = list[0];

		memmove(list, list + 1, length - 1);
		list[length - 1] = moved;
	}
	rest = length - first - 1;
	memmove(list, list + 1, rest);
	list[rest] = ',';
}

static unsigned count_entries(const char *list)
{
	unsigned count = 1;

	for (; *list != '\0'; list++)
		count += *list == ',';
	return count;
}

static bool is_list(const char *keyword)
{
	for (size_t i = 0; i < LOOKUP_LISTS; i++)
		if (strcmp(keyword, keywords[i]) == 0)
			return true;
	return false;
}

static void turn_found(struct hosts *hosts)
{
	for (size_t i = 0; i < LOOKUP_LISTS; i++)
		turn_list(hosts->lists[i].bytes);
}

static void turn_parsed(const struct pg_journal *journal)
{
	for (PQconninfoOption *option = journal->parsed; option->keyword != NULL; option++)
		if (option->val != NULL && is_list(option->keyword))
			turn_list(option->val);
}

/* Two connections that began at the same turn turn the hosts once. */
void hosts_turn(struct pg_journal *journal, unsigned turn)
{
	if (turn != journal->turn)
		return;
	journal->turn++;
	if (!journal->hosts.are_names)
		turn_parsed(journal);
	else if (journal->hosts.are_known)
		turn_found(&journal->hosts);
}

/* ---- looking up ---- */

/* A name that is not there any more may have left its address to another machine. */
static void take(struct pg_journal *journal)
{
	struct hosts *hosts = &journal->hosts;
	const int rc = lookup_take(hosts->lookup, hosts->lists, &hosts->trouble);

	lookup_end(hosts->lookup);
	hosts->lookup = NULL;
	hosts->told_at = hosts->asked_at;
	if (rc == ERR_NOT_FOUND)
		hosts->are_known = false;
	if (rc != 0)
		return;
	hosts->are_known = true;
	for (size_t i = 0; i < LOOKUP_LISTS; i++)
		journal->values[i] = text_string(&hosts->lists[i]);
	for (unsigned i = journal->turn % count_entries(journal->values[LOOKUP_HOSTS]); i > 0; i--)
		turn_found(hosts);
}

static void ask(struct pg_journal *journal)
{
	struct hosts *hosts = &journal->hosts;

	hosts->asked_at = timers_clock();
	hosts->lookup = lookup_start(option_of(journal, LOOKUP_HOSTS), option_of(journal, LOOKUP_PORTS));
	if (!hosts->are_known)
		error_set(&hosts->trouble, ERR_UNAVAILABLE, "the resolver does not answer");
}

/* Takes the answer that has come, and asks where the last one is not of a moment ago. */
static void look(struct pg_journal *journal)
{
	struct hosts *hosts = &journal->hosts;

	if (hosts->lookup != NULL && lookup_is_over(hosts->lookup))
		take(journal);
	if (hosts->lookup == NULL && timers_clock() >= hosts->told_at + FRESH_US)
		ask(journal);
}

bool hosts_are_found(struct pg_journal *journal)
{
	const struct hosts *hosts = &journal->hosts;

	if (!hosts->are_names)
		return true;
	look(journal);
	return hosts->are_known && (hosts->lookup == NULL || timers_clock() >= hosts->asked_at + PATIENCE_US);
}
