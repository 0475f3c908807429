/* Who gets the next place of a host. A tenant decides how long work on its own instance takes: an open transaction of
 * its app holds up the unbind of that app for as long as it likes. With one list in order of arrival, as many such
 * operations as there are places kept all others away. So:
 *
 * - An operation that meets a lock gives its place back and comes again. From then on its instance is held up, as it is
 *   after an attempt that ran into its deadline, until an attempt of it ends otherwise.
 * - The held-up have a quarter of the places at most, and at least one. On a host with fewer than four places they
 *   have a quarter of the time: after each try that was in vain the place is kept from them for a while.
 * - The fresh go first, but of the held-up that may run one goes after every FRESH_MAX fresh ones: a removal ends once
 *   nothing is in its way any more, however busy the host is.
 * - Within each of the two, teams take turns, and a team's own operations go in their order. An instance has one at a
 *   time here, the head of its lane.
 *
 * What is fresh and slow is not told from what is fresh and quick: the first attempt of each instance may hold its
 * place until it meets the driver's limit for locks, about a second, or its own deadline. */
#include "queue/places.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define SHARE     4 /* one place in so many is the held-up's */
#define FRESH_MAX 8 /* so many fresh ones go before a held-up one that could go, too */

/* What a team has waiting. */
struct turn {
	TAILQ_ENTRY(turn) entry; /* of those that have some */
	char team[TURN_NAME_MAX + 1];
	struct job_list jobs; /* in order */
	UT_hash_handle hh;
};

static void init_waiting(struct waiting *waiting)
{
	TAILQ_INIT(&waiting->turns);
	TAILQ_INIT(&waiting->nobodys);
}

void places_init(struct places *places, size_t count)
{
	*places = (struct places){.count = count};
	init_waiting(&places->fresh);
	init_waiting(&places->held_up);
}

/* ---- turns ---- */

/* The team's turn, which is made behind the others when it has none; NULL when memory is out. */
static struct turn *find_turn(struct waiting *waiting, const char *team)
{
	struct turn *turn = NULL;

	HASH_FIND_STR(waiting->teams, team, turn);
	if (turn != NULL)
		return turn;
	turn = calloc(1, sizeof(*turn));
	if (turn == NULL)
		return NULL;
	snprintf(turn->team, sizeof(turn->team), "%s", team);
	TAILQ_INIT(&turn->jobs);
	HASH_ADD_STR(waiting->teams, team, turn);
	if (turn->hh.tbl == NULL) {
		free(turn);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&waiting->turns, turn, entry);
	return turn;
}

static void end_turn(struct waiting *waiting, struct turn *turn)
{
	TAILQ_REMOVE(&waiting->turns, turn, entry);
	HASH_DEL(waiting->teams, turn);
	free(turn);
}

void places_wait(struct job *job)
{
	struct places *places = &job->host->places;
	struct waiting *waiting = job->lane->held_up ? &places->held_up : &places->fresh;

	assert(job->waiting_in == NULL);
	job->waiting_in = waiting;
	job->turn = find_turn(waiting, job->team);
	TAILQ_INSERT_TAIL(job->turn != NULL ? &job->turn->jobs : &waiting->nobodys, job, in_turn);
	waiting->count++;
}

void places_leave(struct job *job)
{
	struct waiting *waiting = job->waiting_in;

	TAILQ_REMOVE(job->turn != NULL ? &job->turn->jobs : &waiting->nobodys, job, in_turn);
	waiting->count--;
	if (job->turn != NULL && TAILQ_EMPTY(&job->turn->jobs))
		end_turn(waiting, job->turn);
	job->turn = NULL;
	job->waiting_in = NULL;
}

/* Takes the first of the team whose turn it is; the team is the last one then. */
static struct job *take_first(struct waiting *waiting)
{
	struct turn *turn = TAILQ_FIRST(&waiting->turns);
	struct job *job = TAILQ_FIRST(&waiting->nobodys);

	if (job == NULL) {
		job = TAILQ_FIRST(&turn->jobs);
		TAILQ_REMOVE(&waiting->turns, turn, entry);
		TAILQ_INSERT_TAIL(&waiting->turns, turn, entry);
	}
	places_leave(job);
	return job;
}

/* ---- places ---- */

static size_t held_up_places(const struct places *places)
{
	return places->count > SHARE ? places->count / SHARE : 1;
}

static bool is_held_ups_turn(struct places *places, int64_t now, int64_t *ret_rest)
{
	const bool fresh = places->fresh.count > 0;

	*ret_rest = 0;
	if (places->held_up.count == 0 || places->held_up_running >= held_up_places(places))
		return false;
	if (now < places->resting_until) {
		*ret_rest = places->resting_until - now;
		return false;
	}
	if (fresh && places->passed < FRESH_MAX) {
		places->passed++;
		return false;
	}
	places->passed = 0;
	return true;
}

struct job *places_next(struct places *places, int64_t now, int64_t *ret_rest)
{
	struct job *job;

	*ret_rest = 0;
	if (places->running >= places->count)
		return NULL;
	if (is_held_ups_turn(places, now, ret_rest)) {
		job = take_first(&places->held_up);
		job->held_up = true;
		places->held_up_running++;
	} else if (places->fresh.count > 0) {
		job = take_first(&places->fresh);
		job->held_up = false;
	} else {
		return NULL;
	}
	job->placed_at = now;
	places->running++;
	return job;
}

void places_free(struct job *job, bool held_up, int64_t now)
{
	struct places *places = &job->host->places;

	places->running--;
	if (!job->held_up)
		return;
	places->held_up_running--;
	if (held_up && places->count < SHARE)
		places->resting_until =
		    now + (now - job->placed_at) * (int64_t)(SHARE - places->count) / (int64_t)places->count;
}

size_t places_waiting(const struct places *places)
{
	return places->fresh.count + places->held_up.count;
}
