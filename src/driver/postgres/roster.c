/* The list of sessions, and the numbers of those that were given up. */
#include "roster.h"

#include <stdio.h>
#include <string.h>

void roster_init(struct roster *roster, const struct driver_context *context, const struct service *service)
{
	*roster = (struct roster){.context = context, .service = service};
	LIST_INIT(&roster->present);
}

/* The store's id is there once sessions are opened, not before. */
void roster_enter(struct roster *roster, struct roster_entry *entry)
{
	*entry = (struct roster_entry){.roster = roster};
	if (roster == NULL)
		return;
	if (roster->name[0] == '\0')
		driver_name_session(roster->context, roster->service, roster->name);
	LIST_INSERT_HEAD(&roster->present, entry, entry);
	roster->count++;
}

static bool is_present(const struct roster *roster, int pid, const char *began)
{
	const struct roster_entry *one;

	LIST_FOREACH(one, &roster->present, entry)
	if (one->pid == pid && strcmp(one->began, began) == 0)
		return true;
	return false;
}

/* Its place stays, since the ender counts them; no process has the number 0. */
static void spare_left(struct roster *roster, int pid)
{
	for (size_t i = 0; i < roster->left_count; i++)
		if (roster->left[i].pid == pid)
			roster->left[i].pid = 0;
}

bool roster_know(struct roster_entry *entry, int pid, const char *began)
{
	if (entry->roster != NULL && is_present(entry->roster, pid, began))
		return false;
	entry->pid = pid;
	snprintf(entry->began, sizeof(entry->began), "%s", began);
	if (entry->roster != NULL)
		spare_left(entry->roster, pid);
	return true;
}

void roster_forget(struct roster *roster, size_t count)
{
	roster->left_count -= count;
	memmove(roster->left, roster->left + count, roster->left_count * sizeof(roster->left[0]));
}

static void note_left(struct roster *roster, int pid)
{
	if (roster->left_count == ROSTER_LEFT_MAX)
		roster_forget(roster, 1);
	roster->left[roster->left_count++] =
	    (struct roster_left){.pid = pid, .since = timers_now(roster->context->timers)};
	if (roster->on_left != NULL)
		roster->on_left(roster->arg);
}

void roster_leave(struct roster_entry *entry, bool is_asking)
{
	struct roster *roster = entry->roster;

	if (roster == NULL)
		return;
	LIST_REMOVE(entry, entry);
	entry->roster = NULL;
	roster->count--;
	if (is_asking && entry->pid != 0)
		note_left(roster, entry->pid);
}

/* ---- conditions ---- */

void roster_add_stray(const struct roster *roster, struct sql *sql)
{
	const struct roster_entry *one;

	sql_add(sql, ROSTER_OURS " AND a.pid <> ALL ('{0");
	LIST_FOREACH(one, &roster->present, entry)
	sql_add(sql, ",%d", (int64_t)one->pid);
	sql_add(sql, "}')");
}

void roster_add_left(const struct roster *roster, struct sql *sql)
{
	const int64_t now = timers_now(roster->context->timers);

	sql_add(sql, ROSTER_OURS " AND (false");
	for (size_t i = 0; i < roster->left_count; i++)
		sql_add(sql, " OR a.pid = %d AND a.backend_start < now() - %d * interval '1 ms'",
		        (int64_t)roster->left[i].pid, now - roster->left[i].since);
	sql_add(sql, ")");
}
