/* Places that are taken between a decision and the outcome of its commit. */
#include "broker/quota.h"

#include <stdlib.h>
#include <string.h>

struct reservation {
	int64_t count;
	UT_hash_handle hh;
	char counter[];
};

static struct reservation *find(const struct broker *broker, const char *counter)
{
	struct reservation *reservation = NULL;

	HASH_FIND_STR(broker->reservations, counter, reservation);
	return reservation;
}

int64_t quota_used(const struct broker *broker, const char *counter)
{
	const struct reservation *reservation = find(broker, counter);

	return store_counter(broker->store, counter) + (reservation != NULL ? reservation->count : 0);
}

static struct reservation *find_or_add(struct broker *broker, const char *counter)
{
	struct reservation *reservation = find(broker, counter);
	const size_t length = strlen(counter);

	if (reservation != NULL)
		return reservation;
	reservation = calloc(1, sizeof(*reservation) + length + 1);
	if (reservation == NULL)
		return NULL;
	memcpy(reservation->counter, counter, length);
	HASH_ADD_STR(broker->reservations, counter, reservation);
	if (reservation->hh.tbl != NULL)
		return reservation;
	free(reservation);
	return NULL;
}

int quota_take(struct intent *intent, const char *counter, int64_t limit, const char *what, enum intent_next *ret_next,
               struct error *error)
{
	const int64_t used = quota_used(intent->broker, counter);
	struct reservation *reservation = find(intent->broker, counter);
	struct taken *taken;

	if (limit > 0 && used >= limit) {
		if (reservation == NULL || store_counter(intent->broker->store, counter) >= limit)
			return error_set(error, ERR_FORBIDDEN, "%s: %lld of %lld instances are taken", what,
			                 (long long)used, (long long)limit);
		*ret_next = INTENT_AGAIN;
		return ERR_BUSY;
	}
	taken = arena_alloc(&intent->arena, sizeof(*taken));
	reservation = find_or_add(intent->broker, counter);
	if (taken == NULL || reservation == NULL)
		return error_no_memory(error);
	reservation->count++;
	*taken = (struct taken){.next = intent->taken, .reservation = reservation};
	intent->taken = taken;
	return 0;
}

void quota_give_back(struct intent *intent)
{
	for (const struct taken *taken = intent->taken; taken != NULL; taken = taken->next) {
		struct reservation *reservation = taken->reservation;

		if (--reservation->count > 0)
			continue;
		HASH_DEL(intent->broker->reservations, reservation);
		free(reservation);
	}
	intent->taken = NULL;
}
