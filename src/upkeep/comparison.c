/* Records beside tsuru's list. tsuru writes its own row of a bind before it asks the broker for one, and takes the row
 * away before it asks for the end of it: so a bind without a row is one that tsuru has given up, or is giving up just
 * now, which is what the grace is for. Of an instance it is the other way round at its creation. */
#include "upkeep/comparison.h"

#include <stdlib.h>
#include <string.h>

#include "records/records.h"

#define PART 2000 /* entries of the list that are looked at at once */

struct service_count {
	const char *service;
	size_t of[DIFFERENCE_COUNT];
};

struct comparison {
	struct catalog *catalog;
	struct listing *listing;
	struct listed *position;       /* of the look back */
	const struct listed *instance; /* that what stands at the position is bound to */
	struct difference *table;
	struct arena arena; /* of the table's entries and of counts */
	size_t kept, total;
	struct service_count *counts;
	size_t service_count;
};

const char *difference_name(enum difference_kind kind)
{
	static const char *const names[] = {
	    [DIFFERENCE_ORPHAN] = "orphaned-bind",
	    [DIFFERENCE_INSTANCE] = "instance-unknown-to-tsuru",
	    [DIFFERENCE_MISSING_INSTANCE] = "instance-without-record",
	    [DIFFERENCE_MISSING_BIND] = "bind-without-record",
	};

	return names[kind];
}

struct comparison *comparison_new(struct catalog *catalog, struct listing *listing)
{
	const struct config *config = catalog_config(catalog);
	struct comparison *comparison = calloc(1, sizeof(*comparison));

	if (comparison == NULL) {
		listing_free(listing);
		return NULL;
	}
	comparison->catalog = catalog;
	comparison->listing = listing;
	comparison->position = listing_first(listing);
	arena_init(&comparison->arena);
	comparison->counts = arena_alloc(&comparison->arena, config->service_count * sizeof(*comparison->counts));
	comparison->service_count = comparison->counts != NULL ? config->service_count : 0;
	for (size_t i = 0; i < comparison->service_count; i++)
		comparison->counts[i].service = arena_text(&comparison->arena, config->services[i].name);
	if (!arena_failed(&comparison->arena))
		return comparison;
	comparison_free(comparison);
	return NULL;
}

void comparison_free(struct comparison *comparison)
{
	if (comparison == NULL)
		return;
	HASH_CLEAR(hh, comparison->table);
	arena_release(&comparison->arena);
	listing_free(comparison->listing);
	free(comparison);
}

/* ---- differences ---- */

static struct service_count *count_of(const struct comparison *comparison, const char *service)
{
	for (size_t i = 0; i < comparison->service_count; i++) {
		if (strcmp(comparison->counts[i].service, service) == 0)
			return &comparison->counts[i];
	}
	return NULL;
}

static char *make_key(struct arena *arena, const struct difference *difference)
{
	return arena_format(arena, "%d/%s/%s/%s/%d/%s", (int)difference->kind, difference->service,
	                    difference->instance, difference->incarnation, (int)difference->bind_kind,
	                    difference->bind);
}

/* Without memory it is counted, and not kept: nothing will be done about it. */
static void keep(struct comparison *comparison, const struct difference *found)
{
	struct arena *arena = &comparison->arena;
	struct difference *difference = arena_alloc(arena, sizeof(*difference));
	const char *key = make_key(arena, found);

	if (difference == NULL || key == NULL)
		return;
	*difference = *found;
	difference->service = arena_text(arena, found->service);
	difference->instance = arena_text(arena, found->instance);
	difference->incarnation = arena_text(arena, found->incarnation);
	difference->bind = arena_text(arena, found->bind);
	if (arena_failed(arena))
		return;
	HASH_ADD_KEYPTR(hh, comparison->table, key, strlen(key), difference);
	comparison->kept += difference->hh.tbl != NULL;
}

static void add(struct comparison *comparison, const struct difference *found)
{
	struct service_count *count = count_of(comparison, found->service);

	comparison->total++;
	if (count != NULL)
		count->of[found->kind]++;
	if (comparison->kept < DIFFERENCES_MAX)
		keep(comparison, found);
}

/* ---- records ---- */

/* An old client's host is no name of tsuru's, and jobs of a tsuru that does not tell them are not known to be gone.
 * What is under way is not done yet. */
static bool is_orphan(const struct comparison *comparison, const struct listed *instance, const struct bind *bind)
{
	struct listed *listed = listing_find(comparison->listing, bind->kind == BIND_APP ? LISTED_APP : LISTED_JOB,
	                                     instance->service, instance->instance, bind->name);

	if (listed != NULL) {
		listed->known = true;
		return false;
	}
	if (bind->kind == BIND_JOB && !instance->tells_jobs)
		return false;
	return bind->state == BIND_BOUND && bind_check_name(bind->kind, bind->name, NULL) == 0;
}

static int compare_binds(struct comparison *comparison, struct listed *listed, const struct instance *instance,
                         struct error *error)
{
	struct held_bind *binds = NULL;
	struct arena arena;
	size_t count = 0;
	int rc;

	arena_init(&arena);
	rc = records_read_binds(comparison->catalog->records, &arena, instance->incarnation, &binds, &count, error);
	for (size_t i = 0; rc == 0 && i < count; i++) {
		const struct bind *bind = &binds[i].record;
		const struct difference orphan = {
		    .kind = DIFFERENCE_ORPHAN,
		    .service = instance->service,
		    .instance = instance->name,
		    .incarnation = instance->incarnation,
		    .bind_kind = bind->kind,
		    .bind = bind->name,
		    .updated_at = bind->updated_at,
		};

		if (is_orphan(comparison, listed, bind))
			add(comparison, &orphan);
	}
	arena_release(&arena);
	listed->compared = rc == 0;
	return rc;
}

/* For tsuru it is there: neither removed, nor on its way. */
static bool is_there(const struct instance *instance)
{
	return instance->state == INSTANCE_CREATING || instance->state == INSTANCE_READY ||
	       instance->state == INSTANCE_FAILED;
}

/* tsuru's row of an instance comes after the broker's, once its create is answered. */
static bool is_new(const struct comparison *comparison, const struct instance *instance)
{
	const struct tsuru *tsuru = catalog_config(comparison->catalog)->tsuru;

	return timers_wall(comparison->catalog->timers) - instance->created_at < tsuru->grace;
}

static void add_instance(struct comparison *comparison, const struct instance *instance)
{
	const struct difference found = {
	    .kind = DIFFERENCE_INSTANCE,
	    .service = instance->service,
	    .instance = instance->name,
	    .incarnation = instance->incarnation,
	    .bind = "",
	};

	if (is_there(instance) && !is_new(comparison, instance))
		add(comparison, &found);
}

bool comparison_add(struct comparison *comparison, const struct instance *instance, struct error *error)
{
	const struct listing *listing = comparison->listing;
	struct listed *listed;

	if (catalog_offering(comparison->catalog, instance->service) == NULL || instance->state == INSTANCE_RETAINED)
		return true;
	if (is_there(instance) && listing_find(listing, LISTED_SERVICE, instance->service, "", "") == NULL) {
		error_set(error, ERR_ANSWER,
		          "tsuru's list of instances lacks the service \"%s\", which has some; may the token read it?",
		          instance->service);
		return false;
	}
	listed = listing_find(listing, LISTED_INSTANCE, instance->service, instance->name, "");
	if (listed == NULL) {
		add_instance(comparison, instance);
		return true;
	}
	listed->known = true;
	return instance->state != INSTANCE_READY || compare_binds(comparison, listed, instance, error) == 0;
}

/* ---- the list ---- */

static void look_at(struct comparison *comparison, const struct listed *listed)
{
	struct difference missing = {.kind = DIFFERENCE_MISSING_INSTANCE,
	                             .service = listed->service,
	                             .instance = listed->instance,
	                             .incarnation = "",
	                             .bind = listed->name};

	if (listed->kind == LISTED_INSTANCE)
		comparison->instance = listed;
	if (listed->known || listed->kind == LISTED_SERVICE)
		return;
	if (listed->kind != LISTED_INSTANCE) {
		if (!comparison->instance->compared)
			return;
		missing.kind = DIFFERENCE_MISSING_BIND;
		missing.bind_kind = listed->kind == LISTED_APP ? BIND_APP : BIND_JOB;
	}
	add(comparison, &missing);
}

bool comparison_look_back(struct comparison *comparison)
{
	for (size_t i = 0; i < PART && comparison->position != NULL; i++) {
		look_at(comparison, comparison->position);
		comparison->position = comparison->position->hh.next;
	}
	return comparison->position == NULL;
}

/* ---- the whole ---- */

/* A bind that changed meanwhile was wanted meanwhile. */
static const struct difference *find_before(const struct comparison *before, const struct difference *difference)
{
	struct difference *found = NULL;

	if (before != NULL)
		HASH_FIND(hh, before->table, difference->hh.key, difference->hh.keylen, found);
	return found != NULL && found->updated_at == difference->updated_at ? found : NULL;
}

void comparison_settle(struct comparison *comparison, const struct comparison *before)
{
	const struct timers *timers = comparison->catalog->timers;

	for (struct difference *one = comparison->table; one != NULL; one = one->hh.next) {
		const struct difference *earlier = find_before(before, one);

		one->since = earlier != NULL ? earlier->since : timers_now(timers);
		one->since_wall = earlier != NULL ? earlier->since_wall : timers_wall(timers);
	}
	listing_free(comparison->listing);
	comparison->listing = NULL;
}

const struct difference *comparison_first(const struct comparison *comparison)
{
	return comparison->table;
}

size_t comparison_count(const struct comparison *comparison, const char *service, enum difference_kind kind)
{
	const struct service_count *count = count_of(comparison, service);

	return count != NULL ? count->of[kind] : 0;
}

size_t comparison_total(const struct comparison *comparison)
{
	return comparison->total;
}

bool comparison_is_due(const struct comparison *comparison, const struct difference *orphan, int64_t grace)
{
	const struct timers *timers = comparison->catalog->timers;

	return orphan->kind == DIFFERENCE_ORPHAN && timers_now(timers) - orphan->since >= grace &&
	       timers_wall(timers) - orphan->updated_at >= grace;
}
