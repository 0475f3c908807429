/* What this broker tells the others that share its store, and what it hears of them: the store's thread tells and reads
 * (journal.h), the loop has a copy. Neither is in the way of a commit or a lease. */
#include <stdio.h>
#include <string.h>

#include "base/timer.h"
#include "follow.h"
#include "store/members.h"
#include "store_internal.h"

#define TELL_US  ((int64_t)3 * 1000 * 1000)
#define HURRY_US (TELL_US / 6)
/* For so long after its role has changed it tells and reads in a hurry: those of others change with it, and whoever has
 * just become the active one is to know who stands by. */
#define CHANGING_US ((int64_t)10 * 1000 * 1000)

/* ---- on the thread ---- */

static bool is_new(const struct membership *membership, enum store_role role, const char *configuration)
{
	return timers_clock() >= membership->tell_at || membership->role != role ||
	       strcmp(membership->configuration, configuration) != 0;
}

static void tell(struct store *store, enum store_role role)
{
	struct membership *membership = &store->committer.membership;
	struct journal_self self = {.role = role};
	struct point point;

	if (membership->role != role)
		membership->changing_until = timers_clock() + CHANGING_US;
	membership->tell_at = timers_clock() + (timers_clock() < membership->changing_until ? HURRY_US : TELL_US);
	membership->role = role;
	if (follow_point(store, &point) != 0)
		return;
	self.revision = point.revision;
	snprintf(self.name, sizeof(self.name), "%s", store->shared->name);
	snprintf(self.version, sizeof(self.version), "%s", store->shared->version);
	snprintf(self.configuration, sizeof(self.configuration), "%s", membership->configuration);
	store->journal->kind->tell(store->journal, &self);
}

static void hand_on(struct committer *committer, const struct store_members *members)
{
	pthread_mutex_lock(&committer->mutex);
	committer->members = *members;
	members_judge(&committer->members);
	pthread_mutex_unlock(&committer->mutex);
	committer_call_loop(committer);
}

void members_turn(struct store *store, enum store_role role)
{
	struct committer *committer = &store->committer;
	struct membership *membership = &committer->membership;
	const struct store_members *members;
	char configuration[STORE_CONFIGURATION_MAX + 1];

	pthread_mutex_lock(&committer->mutex);
	memcpy(configuration, committer->configuration, sizeof(configuration));
	pthread_mutex_unlock(&committer->mutex);
	if (is_new(membership, role, configuration)) {
		memcpy(membership->configuration, configuration, sizeof(configuration));
		tell(store, role);
	}
	members = store->journal->kind->members(store->journal);
	if (members->looks == membership->looks)
		return;
	membership->looks = members->looks;
	hand_on(committer, members);
}

/* ---- on the loop ---- */

bool members_take(struct store *store)
{
	const struct store_members *members = &store->committer.members;

	if (store->members.looks == members->looks)
		return false;
	store->members = *members;
	return true;
}

const struct store_members *store_members(const struct store *store)
{
	return &store->members;
}

void store_describe(struct store *store, const char *configuration)
{
	struct committer *committer = &store->committer;

	pthread_mutex_lock(&committer->mutex);
	snprintf(committer->configuration, sizeof(committer->configuration), "%s", configuration);
	pthread_mutex_unlock(&committer->mutex);
}
