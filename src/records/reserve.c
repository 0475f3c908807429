/* The table holds the counters that have reservations; a counter leaves it with its last one. */
#include "records/reserve.h"

#include <stdlib.h>
#include <string.h>

/* Lack of memory while adding to a table clears the handle instead of ending the program. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "records/internal.h"

struct reservation {
	int64_t count;
	UT_hash_handle hh;
	char counter[];
};

static struct reservation *find(const struct records *records, const char *counter)
{
	struct reservation *reservation = NULL;

	HASH_FIND_STR(records->reservations, counter, reservation);
	return reservation;
}

int64_t reserve_count(const struct records *records, enum counter counter, const struct instance *like,
                      int64_t *ret_reserved)
{
	const struct reservation *reservation = NULL;
	int64_t stored = 0, reserved = 0;
	struct text name;

	text_init(&name, STORE_KEY_MAX);
	records_counter_name(&name, counter, like);
	if (!name.failed) {
		stored = store_counter(records->store, text_string(&name));
		reservation = find(records, text_string(&name));
		reserved = reservation != NULL ? reservation->count : 0;
	}
	text_release(&name);
	if (ret_reserved != NULL)
		*ret_reserved = reserved;
	return stored + reserved;
}

static struct reservation *find_or_add(struct records *records, const char *counter)
{
	struct reservation *reservation = find(records, counter);
	const size_t length = strlen(counter);

	if (reservation != NULL)
		return reservation;
	reservation = calloc(1, sizeof(*reservation) + length + 1);
	if (reservation == NULL)
		return NULL;
	memcpy(reservation->counter, counter, length);
	HASH_ADD_STR(records->reservations, counter, reservation);
	if (reservation->hh.tbl != NULL)
		return reservation;
	free(reservation);
	return NULL;
}

int reserve_take(struct records *records, struct arena *arena, enum counter counter, const struct instance *like,
                 struct taken **taken, struct error *error)
{
	struct taken *first = arena_alloc(arena, sizeof(*first));
	struct reservation *reservation = NULL;
	struct text name;

	text_init(&name, STORE_KEY_MAX);
	records_counter_name(&name, counter, like);
	if (first != NULL && !name.failed)
		reservation = find_or_add(records, text_string(&name));
	text_release(&name);
	if (reservation == NULL)
		return error_no_memory(error);
	reservation->count++;
	*first = (struct taken){.next = *taken, .reservation = reservation};
	*taken = first;
	return 0;
}

void reserve_give_back(struct records *records, struct taken **taken)
{
	for (; *taken != NULL; *taken = (*taken)->next) {
		struct reservation *reservation = (*taken)->reservation;

		if (--reservation->count > 0)
			continue;
		HASH_DEL(records->reservations, reservation);
		free(reservation);
	}
}
