/* The url's hosts in turn. libpq goes on to the next host only where the first one takes no connection at all. One that
 * takes it and says nothing (a machine that hangs, a network that drops) or hangs up (a balancer whose server is gone)
 * would be tried for ever, though another is the primary meanwhile. So a try that fails makes the next one begin with
 * the host after. Whether a host is the primary, libpq asks it: target_session_attrs. One that takes no writes by its
 * configuration, as a former primary may be kept from them, is found out by its refusal. */
#include <string.h>

#include "internal.h"

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

static bool is_list(const char *keyword)
{
	return strcmp(keyword, "host") == 0 || strcmp(keyword, "hostaddr") == 0 || strcmp(keyword, "port") == 0;
}

/* Two connections that began at the same turn turn the hosts once. */
void hosts_turn(struct pg_journal *journal, unsigned turn)
{
	if (turn != journal->turn)
		return;
	journal->turn++;
	for (PQconninfoOption *option = journal->parsed; option->keyword != NULL; option++)
		if (option->val != NULL && is_list(option->keyword))
			turn_list(option->val);
}
