/* The crowd, as two lists for each stranger: that of all strangers, and that of its source. Those that have to leave
 * stand in a list of their own. */
#include "http/crowd.h"

#include <stdlib.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct crowd_source {
	UT_hash_handle hh;
	struct network_address address;
	struct crowd_list strangers; /* the oldest first */
	size_t stranger_count, count;
	struct line_share shares[CROWD_LINES];
};

static struct crowd_source *source_of(struct crowd *crowd, const struct network_address *address)
{
	struct crowd_source *source = NULL;
	struct network_address key;

	network_source(address, &key);
	HASH_FIND(hh, crowd->sources, &key, sizeof(key), source);
	if (source != NULL)
		return source;
	source = calloc(1, sizeof(*source));
	if (source == NULL)
		return NULL;
	source->address = key;
	TAILQ_INIT(&source->strangers);
	for (size_t i = 0; i < CROWD_LINES; i++)
		line_share_init(&source->shares[i]);
	HASH_ADD(hh, crowd->sources, address, sizeof(key), source);
	if (source->hh.tbl != NULL)
		return source;
	free(source);
	return NULL;
}

static void join_strangers(struct crowd *crowd, struct crowd_place *place)
{
	place->kind = CROWD_STRANGER;
	TAILQ_INSERT_TAIL(&crowd->strangers, place, link);
	crowd->stranger_count++;
	if (place->source == NULL)
		return;
	TAILQ_INSERT_TAIL(&place->source->strangers, place, source_link);
	place->source->stranger_count++;
}

static void leave_strangers(struct crowd *crowd, struct crowd_place *place)
{
	place->kind = CROWD_KNOWN;
	TAILQ_REMOVE(&crowd->strangers, place, link);
	crowd->stranger_count--;
	if (place->source == NULL)
		return;
	TAILQ_REMOVE(&place->source->strangers, place, source_link);
	place->source->stranger_count--;
}

void crowd_init(struct crowd *crowd)
{
	*crowd = (struct crowd){0};
	TAILQ_INIT(&crowd->strangers);
	TAILQ_INIT(&crowd->leaving);
}

void crowd_enter(struct crowd *crowd, struct crowd_place *place, const struct network_address *source)
{
	place->source = source != NULL ? source_of(crowd, source) : NULL;
	if (place->source != NULL)
		place->source->count++;
	join_strangers(crowd, place);
}

void crowd_trust(struct crowd *crowd, struct crowd_place *place)
{
	if (place->kind == CROWD_STRANGER)
		leave_strangers(crowd, place);
	if (place->kind != CROWD_LEAVING)
		return;
	place->kind = CROWD_KNOWN;
	TAILQ_REMOVE(&crowd->leaving, place, link);
	crowd->leaving_count--;
}

void crowd_distrust(struct crowd *crowd, struct crowd_place *place)
{
	if (place->kind == CROWD_KNOWN)
		join_strangers(crowd, place);
}

static void send_away(struct crowd *crowd, struct crowd_place *place)
{
	leave_strangers(crowd, place);
	place->kind = CROWD_LEAVING;
	TAILQ_INSERT_TAIL(&crowd->leaving, place, link);
	crowd->leaving_count++;
}

void crowd_leave(struct crowd *crowd, struct crowd_place *place)
{
	struct crowd_source *source = place->source;

	crowd_trust(crowd, place);
	place->source = NULL;
	if (source == NULL || --source->count > 0)
		return;
	HASH_DEL(crowd->sources, source);
	free(source);
}

struct line_share *crowd_share(const struct crowd_place *place, enum crowd_line line)
{
	return place->source != NULL ? &place->source->shares[line] : NULL;
}

static struct connection *first_of(const struct crowd_list *list)
{
	return TAILQ_EMPTY(list) ? NULL : TAILQ_FIRST(list)->connection;
}

static bool is_over(size_t count, int64_t limit)
{
	return limit > 0 && (int64_t)count > limit;
}

void crowd_settle(struct crowd *crowd, const struct crowd_place *newest, const struct http_limits *limits)
{
	struct crowd_source *source = newest->source;

	while (source != NULL && is_over(source->stranger_count, limits->strangers_per_address))
		send_away(crowd, TAILQ_FIRST(&source->strangers));
	while (is_over(crowd->stranger_count, limits->strangers))
		send_away(crowd, TAILQ_FIRST(&crowd->strangers));
}

struct connection *crowd_surplus(const struct crowd *crowd, const struct crowd_place *newest,
                                 const struct http_limits *limits, size_t total)
{
	const struct crowd_source *source = newest->source;

	if (source != NULL && is_over(source->count, limits->connections_per_address))
		return first_of(&source->strangers);
	return is_over(total, limits->connections) ? crowd_first(crowd) : NULL;
}

struct connection *crowd_first(const struct crowd *crowd)
{
	return first_of(TAILQ_EMPTY(&crowd->leaving) ? &crowd->strangers : &crowd->leaving);
}
