/* An entry for each address that has connections. */
#include "http/crowd.h"

#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define ADDRESS_BYTES 48

struct crowd {
	UT_hash_handle hh;
	char address[ADDRESS_BYTES];
	size_t count;
};

static struct crowd *find(struct crowd *crowd, const char *address)
{
	struct crowd *entry = NULL;

	HASH_FIND_STR(crowd, address, entry);
	return entry;
}

size_t crowd_enter(struct crowd **crowd, const char *address)
{
	struct crowd *entry = find(*crowd, address);

	if (entry != NULL)
		return ++entry->count;
	if (strlen(address) >= ADDRESS_BYTES)
		return 0;
	entry = calloc(1, sizeof(*entry));
	if (entry == NULL)
		return 0;
	strcpy(entry->address, address);
	HASH_ADD_STR(*crowd, address, entry);
	if (entry->hh.tbl == NULL) {
		free(entry);
		return 0;
	}
	return ++entry->count;
}

void crowd_leave(struct crowd **crowd, const char *address)
{
	struct crowd *entry = find(*crowd, address);

	if (entry == NULL || --entry->count > 0)
		return;
	HASH_DEL(*crowd, entry);
	free(entry);
}

void crowd_free(struct crowd **crowd)
{
	struct crowd *entry, *next;

	HASH_ITER (hh, *crowd, entry, next) {
		HASH_DEL(*crowd, entry);
		free(entry);
	}
}
