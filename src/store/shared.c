/* The thread of a store that several brokers share: it follows the journal, becomes the active one when nobody else is,
 * and commits as long as it is.
 *
 * A standby looks at the journal's head whenever somebody has appended, and each second at the least. When the active
 * broker gives no sign of life for a lease, by this machine's monotonic clock, it claims the journal: that succeeds
 * only when nothing has moved meanwhile, and from then on no statement of the former one finds its epoch. What that one
 * had appended is read before this broker is the active one. No two clocks are compared.
 *
 * An active broker whose lease is over has been deposed, whether another has claimed the journal or not: what it holds
 * in memory may be out of date. It renews nothing any more, so that another can follow it, and stands by again once the
 * loop has ended all that it did as the active one. Neighbours: journal.h, follow.c, commit.c. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/timer.h"
#include "follow.h"
#include "owner.h"
#include "point.h"
#include "store_internal.h"

#define SECOND_US ((int64_t)1000000)

/* What the thread knows of the journal. */
struct sharing {
	struct store *store;
	struct store_standing standing;
	struct journal_head sign; /* the last that was seen */
	int64_t moved_at;         /* when it was first seen as it is */
	int64_t look_at;          /* when to look again */
	int64_t trim_at;          /* when to trim the log again, if anything has been appended */
	int64_t claim_at;         /* it handed over: not before, unless another has claimed since */
	bool is_condemned;        /* its view is damaged, which has been told */
};

/* ---- with the loop ---- */

static void tell(struct sharing *sharing)
{
	struct committer *committer = &sharing->store->committer;

	pthread_mutex_lock(&committer->mutex);
	committer->standing = sharing->standing;
	pthread_mutex_unlock(&committer->mutex);
	committer_call_loop(committer);
}

/* Until the loop calls, the others have appended, or that moment; whether they have. The lease is renewed meanwhile. */
static bool wait_in_journal(const struct store *store, int64_t until)
{
	const int fd = store->committer.call_fd;
	const bool appended = store->journal->kind->wait(store->journal, fd, until);
	uint64_t calls;

	(void)!read(fd, &calls, sizeof(calls));
	return appended;
}

/* For the gathering: the mutex is held. */
static bool wait_for_call(struct store *store, int64_t end)
{
	pthread_mutex_unlock(&store->committer.mutex);
	(void)wait_in_journal(store, end);
	pthread_mutex_lock(&store->committer.mutex);
	return timers_clock() < end;
}

/* What the loop has for the thread. */
struct wanted {
	struct batch_list group;
	bool closing, step_down, stand_by, unreadable;
	char address[STORE_ADDRESS_MAX + 1]; /* "": nothing new */
};

static void take(struct sharing *sharing, struct wanted *ret_wanted)
{
	struct committer *committer = &sharing->store->committer;

	STAILQ_INIT(&ret_wanted->group);
	pthread_mutex_lock(&committer->mutex);
	if (committer->todo_count > 0 && sharing->standing.role == STORE_ACTIVE)
		committer_gather(sharing->store, wait_for_call);
	STAILQ_CONCAT(&ret_wanted->group, &committer->todo);
	committer->group_count = committer->todo_count;
	committer->todo_count = committer->wanted = 0;
	ret_wanted->closing = committer->closing;
	ret_wanted->step_down = committer->step_down;
	ret_wanted->stand_by = committer->stand_by;
	ret_wanted->unreadable = committer->unreadable;
	committer->step_down = committer->stand_by = false;
	if (committer->address[0] != '\0')
		strcpy(ret_wanted->address, committer->address);
	committer->address[0] = '\0';
	pthread_mutex_unlock(&committer->mutex);
}

static void refuse(const struct sharing *sharing, struct batch_list *group)
{
	struct batch *batch;

	STAILQ_FOREACH(batch, group, entry)
	{
		if (batch->refused)
			continue;
		if (sharing->standing.trouble.code != 0)
			batch->error = sharing->standing.trouble;
		else
			error_set(&batch->error, ERR_UNAVAILABLE,
			          "this broker is not the active one of those that share the store");
	}
}

/* ---- standing by ---- */

static void note_trouble(struct sharing *sharing, const struct error *error)
{
	sharing->standing.trouble = *error;
	tell(sharing);
}

static bool has_moved(const struct journal_head *before, const struct journal_head *now)
{
	return before->epoch != now->epoch || before->beat != now->beat || !point_equal(&before->point, &now->point);
}

static void note_head(struct sharing *sharing, const struct journal_head *head)
{
	struct store_standing *standing = &sharing->standing;

	if (sharing->moved_at == 0 || has_moved(&sharing->sign, head))
		sharing->moved_at = timers_clock();
	sharing->sign = *head;
	if (standing->epoch != head->epoch)
		sharing->claim_at = 0;
	standing->epoch = head->epoch;
	strcpy(standing->active, head->is_led ? head->active : "");
	strcpy(standing->address, head->is_led ? head->address : "");
	error_clear(&standing->trouble);
	error_clear(&standing->outdated);
	(void)format_accept(sharing->store->shared, head->format, &standing->outdated);
}

static bool may_claim(const struct sharing *sharing)
{
	const int64_t lease = sharing->store->shared->lease * 1000;

	if (sharing->standing.outdated.code != 0 || sharing->is_condemned || timers_clock() < sharing->claim_at)
		return false;
	return !sharing->sign.is_led || timers_clock() - sharing->moved_at >= lease;
}

/* Who reads records of a newer format might lose what it does not know of them: it only knows who is active, as one
 * does whose view is damaged. */
static int look(struct sharing *sharing, struct error *error)
{
	struct journal *journal = sharing->store->journal;
	const int64_t asked_at = timers_clock();
	struct journal_head head;
	bool lost = false;
	int rc = journal->kind->look(journal, &head, error);

	if (rc != 0)
		return rc;
	note_head(sharing, &head);
	if (sharing->standing.outdated.code != 0 || sharing->is_condemned)
		return 0;
	rc = follow_to(sharing->store, &head.point, &lost, error);
	sharing->standing.losses += lost;
	if (rc == 0)
		sharing->standing.seen_at = asked_at / 1000;
	return rc;
}

/* Once it is claimed nobody else appends: what the next look shows is all. */
static int become_active(struct sharing *sharing, struct error *error)
{
	struct journal *journal = sharing->store->journal;
	int rc = journal->kind->claim(journal, &sharing->sign, error);

	if (rc == ERR_STALE)
		return 0;
	if (rc == 0)
		rc = look(sharing, error);
	if (rc == 0)
		sharing->standing.role = STORE_ACTIVE;
	else
		journal->kind->leave(journal);
	return rc;
}

static void stand_by(struct sharing *sharing)
{
	struct error error = {0};
	int rc;

	if (timers_clock() < sharing->look_at)
		return;
	rc = look(sharing, &error);
	if (rc == 0 && may_claim(sharing))
		rc = become_active(sharing, &error);
	if (rc != 0)
		sharing->moved_at = 0; /* it may have moved unseen */
	sharing->look_at = timers_clock() + SECOND_US;
	if (rc != 0)
		note_trouble(sharing, &error);
	else
		tell(sharing);
}

/* ---- being the active one ---- */

/* The others may follow once the loop has ended all that it did, which it says by store_stand_by. */
static void end_lease(struct sharing *sharing)
{
	struct journal *journal = sharing->store->journal;

	sharing->standing.role = STORE_DEPOSED;
	sharing->standing.active[0] = sharing->standing.address[0] = '\0';
	sharing->standing.trouble = *journal->kind->trouble(journal);
	journal->kind->forsake(journal);
	tell(sharing);
}

/* While it is leased, nobody else has appended: its view has all that there is. */
static void check_lease(struct sharing *sharing)
{
	const struct store *store = sharing->store;
	const int64_t until = store->journal->kind->leased_until(store->journal);

	if (until > 0)
		sharing->standing.seen_at = until / 1000 - store->shared->lease;
	if (timers_clock() >= until)
		end_lease(sharing);
}

/* A log that is not trimmed now is trimmed later. */
static void trim_log(struct sharing *sharing)
{
	if (sharing->standing.role != STORE_ACTIVE || timers_clock() < sharing->trim_at)
		return;
	sharing->store->journal->kind->trim(sharing->store->journal, NULL);
	sharing->trim_at = timers_clock() + SECOND_US;
}

static void serve(struct sharing *sharing, struct batch_list *group)
{
	if (STAILQ_EMPTY(group))
		return;
	if (sharing->standing.role == STORE_ACTIVE) {
		commit_group(sharing->store, group);
		committer_learn(&sharing->store->committer);
	} else {
		refuse(sharing, group);
	}
	committer_give_back(sharing->store, group);
	trim_log(sharing);
}

/* What the loop wants of this broker's role. */
static void obey(struct sharing *sharing, const struct wanted *wanted)
{
	struct store *store = sharing->store;

	if (sharing->standing.role == STORE_ACTIVE && (wanted->step_down || store->committer.failed)) {
		sharing->claim_at = timers_clock() + store->shared->lease * 1000;
		end_lease(sharing);
	}
	if (sharing->standing.role == STORE_DEPOSED && wanted->stand_by) {
		store->journal->kind->leave(store->journal);
		sharing->standing.role = STORE_STANDBY;
		sharing->moved_at = sharing->look_at = 0;
		tell(sharing);
	}
}

/* A view that cannot be read or written stays so: the loop ends the program, and the next start makes it afresh. Until
 * then the loop alone reads it, as far as it can. */
static void check_view(struct sharing *sharing)
{
	struct store *store = sharing->store;
	struct committer *committer = &store->committer;

	if (!committer->failed || sharing->is_condemned)
		return;
	sharing->is_condemned = true;
	owner_condemn_view(store->directory);
	if (sharing->standing.trouble.code != ERR_INTERNAL)
		error_set(&sharing->standing.trouble, ERR_INTERNAL,
		          "the view in \"%s\" is damaged, or cannot be written", store->directory);
	pthread_mutex_lock(&committer->mutex);
	committer->broken = true;
	pthread_mutex_unlock(&committer->mutex);
	tell(sharing);
}

/* What could not be said is said again. */
static void say(const struct sharing *sharing, struct wanted *wanted)
{
	struct journal *journal = sharing->store->journal;

	if (wanted->address[0] != '\0' && journal->kind->say(journal, wanted->address, NULL) == 0)
		wanted->address[0] = '\0';
}

static void wait_for_more(struct sharing *sharing)
{
	int64_t until = timers_clock() + SECOND_US / 4;

	if (sharing->standing.role == STORE_STANDBY && sharing->look_at < until)
		until = sharing->look_at;
	if (wait_in_journal(sharing->store, until))
		sharing->look_at = 0;
}

void shared_run(struct store *store)
{
	struct sharing sharing = {.store = store, .standing = {.role = STORE_STANDBY}};
	struct wanted wanted = {.address = ""};

	while (!wanted.closing) {
		if (sharing.standing.role == STORE_STANDBY)
			stand_by(&sharing);
		else if (sharing.standing.role == STORE_ACTIVE)
			check_lease(&sharing);
		check_view(&sharing);
		if (!sharing.is_condemned)
			members_turn(store, sharing.standing.role);
		wait_for_more(&sharing);
		take(&sharing, &wanted);
		store->committer.failed |= wanted.unreadable;
		serve(&sharing, &wanted.group);
		obey(&sharing, &wanted);
		say(&sharing, &wanted);
	}
	if (sharing.standing.role != STORE_STANDBY)
		store->journal->kind->leave(store->journal);
}

/* ---- on the loop ---- */

int64_t store_leased_until(struct store *store)
{
	return store->shared != NULL ? store->journal->kind->leased_until(store->journal) : INT64_MAX;
}

static void want(struct store *store, bool *wish)
{
	if (store->shared == NULL)
		return;
	pthread_mutex_lock(&store->committer.mutex);
	*wish = true;
	committer_call_thread(&store->committer);
	pthread_mutex_unlock(&store->committer.mutex);
}

/* What was handed over in this turn is committed before. */
void store_step_down(struct store *store)
{
	committer_hand_over(store);
	want(store, &store->committer.step_down);
}

void store_forsake(struct store *store)
{
	if (store->shared != NULL)
		store->journal->kind->forsake(store->journal);
	store_step_down(store);
}

void store_stand_by(struct store *store)
{
	want(store, &store->committer.stand_by);
}

void store_say_address(struct store *store, const char *address)
{
	struct committer *committer = &store->committer;

	if (store->shared == NULL)
		return;
	pthread_mutex_lock(&committer->mutex);
	snprintf(committer->address, sizeof(committer->address), "%s", address);
	committer_call_thread(committer);
	pthread_mutex_unlock(&committer->mutex);
}

int shared_open(struct store *store, struct error *error)
{
	if (store->shared == NULL)
		return 0;
	store->standing.role = store->committer.standing.role = STORE_STANDBY;
	store->committer.call_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (store->committer.call_fd < 0)
		return error_set(error, ERR_INTERNAL, "the store in \"%s\" cannot make an eventfd: %s",
		                 store->directory, strerror(errno));
	return journal_postgres.open(store->shared, &store->journal, error);
}

void shared_close(struct store *store)
{
	if (store->journal != NULL)
		store->journal->kind->close(store->journal);
	if (store->committer.call_fd >= 0)
		close(store->committer.call_fd);
}
