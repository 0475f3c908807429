/* The table of addresses, in order of their last failure. */
#include "http/throttle.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define KEY_BYTES 16

struct throttle {
	UT_hash_handle hh;
	unsigned char key[KEY_BYTES];
	int failures;
	int64_t last;
};

/* IPv4 whole, the network of IPv6, anything else by its begin. */
static void make_key(const char *address, unsigned char *ret_key)
{
	struct in6_addr v6;
	const size_t length = strlen(address);

	memset(ret_key, 0, KEY_BYTES);
	if (inet_pton(AF_INET6, address, &v6) == 1)
		memcpy(ret_key, &v6, KEY_BYTES / 2);
	else
		memcpy(ret_key, address, length < KEY_BYTES ? length : KEY_BYTES);
}

static void drop(struct throttle **throttle, struct throttle *entry)
{
	HASH_DEL(*throttle, entry);
	free(entry);
}

/* The entry, moved to the end of the order; NULL when memory is out. */
static struct throttle *touch(struct throttle **throttle, const unsigned char *key)
{
	struct throttle *entry = NULL;

	HASH_FIND(hh, *throttle, key, KEY_BYTES, entry);
	if (entry != NULL) {
		HASH_DEL(*throttle, entry);
	} else {
		if (HASH_COUNT(*throttle) >= THROTTLE_ADDRESSES)
			drop(throttle, *throttle);
		entry = calloc(1, sizeof(*entry));
		if (entry == NULL)
			return NULL;
		memcpy(entry->key, key, KEY_BYTES);
	}
	HASH_ADD(hh, *throttle, key, KEY_BYTES, entry);
	if (entry->hh.tbl != NULL)
		return entry;
	free(entry);
	return NULL;
}

int64_t throttle_failed(struct throttle **throttle, const char *address, int64_t now)
{
	unsigned char key[KEY_BYTES];
	struct throttle *entry;
	int64_t delay = THROTTLE_FIRST;

	make_key(address, key);
	entry = touch(throttle, key);
	if (entry == NULL)
		return 0;
	if (now - entry->last > THROTTLE_FORGET)
		entry->failures = 0;
	entry->last = now;
	if (entry->failures < THROTTLE_FREE) {
		entry->failures++;
		return 0;
	}
	for (int i = THROTTLE_FREE; i < entry->failures && delay < THROTTLE_MAX; i++)
		delay *= 2;
	if (delay < THROTTLE_MAX)
		entry->failures++;
	return delay < THROTTLE_MAX ? delay : THROTTLE_MAX;
}

void throttle_passed(struct throttle **throttle, const char *address)
{
	unsigned char key[KEY_BYTES];
	struct throttle *entry = NULL;

	if (*throttle == NULL)
		return;
	make_key(address, key);
	HASH_FIND(hh, *throttle, key, KEY_BYTES, entry);
	if (entry != NULL)
		drop(throttle, entry);
}

void throttle_free(struct throttle **throttle)
{
	while (*throttle != NULL)
		drop(throttle, *throttle);
}
