/* The tables of sources, each in the order of the last event. */
#include "http/throttle.h"

#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct throttle_entry {
	UT_hash_handle hh;
	struct throttle_key key;
	int64_t last;   /* wrong one of a failing source, right one of a known */
	int failures;   /* in a row */
	int64_t next;   /* of a failing one: when the next attempt may be compared */
	int64_t tokens; /* of a known one: thousandths of wrong ones that are left, as of filled; or of bare ones */
	int64_t filled;
};

#define WRONG      1000 /* in a known source's tokens */
#define TOKENS_MAX ((int64_t)THROTTLE_KNOWN_BURST * WRONG)
#define BARE_MAX   ((int64_t)THROTTLE_FREE * WRONG)
#define BARE       1 /* in a key's site: of those without a password. The configuration's are even */

/* FNV-1a: sites are the configuration's, nobody chooses them to meet. */
static uint64_t hash_text(const char *text)
{
	uint64_t hash = 0xcbf29ce484222325U;

	for (; *text != '\0'; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3U;
	return hash;
}

void throttle_key(const struct network_address *client, const char *site, struct throttle_key *ret_key)
{
	struct network_address source;

	network_source(client, &source);
	memcpy(ret_key->source, source.bytes, sizeof(ret_key->source));
	ret_key->site = hash_text(site) & ~(uint64_t)BARE;
}

static struct throttle_entry *find(struct throttle_entry *table, const struct throttle_key *key)
{
	struct throttle_entry *entry = NULL;

	HASH_FIND(hh, table, key, sizeof(*key), entry);
	return entry;
}

static void drop(struct throttle_entry **table, struct throttle_entry *entry)
{
	HASH_DEL(*table, entry);
	free(entry);
}

/* The entry, moved to the end of the order; NULL when memory is out. */
static struct throttle_entry *touch(struct throttle_entry **table, const struct throttle_key *key, size_t most)
{
	struct throttle_entry *entry = find(*table, key);

	if (entry != NULL) {
		HASH_DEL(*table, entry);
	} else {
		if (HASH_COUNT(*table) >= most)
			drop(table, *table);
		entry = calloc(1, sizeof(*entry));
		if (entry == NULL)
			return NULL;
		entry->key = *key;
	}
	HASH_ADD(hh, *table, key, sizeof(*key), entry);
	if (entry->hh.tbl != NULL)
		return entry;
	free(entry);
	return NULL;
}

static void fill(struct throttle_entry *entry, int64_t now, int64_t rate, int64_t most)
{
	entry->tokens += (now - entry->filled) * rate;
	if (entry->tokens > most)
		entry->tokens = most;
	entry->filled = now;
}

static bool take_token(struct throttle_entry *entry)
{
	if (entry == NULL || entry->tokens < WRONG)
		return false;
	entry->tokens -= WRONG;
	return true;
}

/* NULL: the source is not known, or not any more. */
static struct throttle_entry *find_known(struct throttle *throttle, const struct throttle_key *key, int64_t now)
{
	struct throttle_entry *entry = find(throttle->known, key);

	if (entry == NULL)
		return NULL;
	if (now - entry->last > THROTTLE_KNOWN_TIME) {
		drop(&throttle->known, entry);
		return NULL;
	}
	fill(entry, now, THROTTLE_KNOWN_RATE, TOKENS_MAX);
	return entry;
}

static int64_t delay_of(const struct throttle_entry *entry)
{
	int64_t delay = THROTTLE_FIRST;

	for (int i = THROTTLE_FREE; i < entry->failures && delay < THROTTLE_MAX; i++)
		delay *= 2;
	return delay < THROTTLE_MAX ? delay : THROTTLE_MAX;
}

/* The time behind a further attempt; the longer, the more there were. */
static int64_t take_delay(struct throttle_entry *entry)
{
	const int64_t delay = delay_of(entry);

	if (delay < THROTTLE_MAX)
		entry->failures++;
	return delay;
}

/* ms until its next attempt may be compared. */
static int64_t wait_of(struct throttle *throttle, const struct throttle_key *key, int64_t now)
{
	const struct throttle_entry *known = find_known(throttle, key, now);
	const struct throttle_entry *entry = find(throttle->failing, key);

	if (entry == NULL || (known != NULL && known->tokens >= WRONG))
		return 0;
	if (entry->failures < THROTTLE_FREE || now - entry->last > THROTTLE_FORGET || entry->next <= now)
		return 0;
	return entry->next - now;
}

bool throttle_holds(struct throttle *throttle, const struct throttle_key *key, int64_t now)
{
	return wait_of(throttle, key, now) > 0;
}

int64_t throttle_ask(struct throttle *throttle, const struct throttle_key *key, int64_t now)
{
	struct throttle_entry *entry = find(throttle->failing, key);
	const int64_t wait = wait_of(throttle, key, now);

	if (entry == NULL || wait == 0)
		return 0;
	if (wait > THROTTLE_AHEAD)
		return -1;
	entry->next += take_delay(entry); /* as if it were wrong already */
	return wait;
}

bool throttle_failed(struct throttle *throttle, const struct throttle_key *key, int64_t now)
{
	struct throttle_entry *known = find_known(throttle, key, now);
	struct throttle_entry *entry = touch(&throttle->failing, key, THROTTLE_FAILING);

	(void)take_token(known);
	if (entry == NULL)
		return true;
	if (now - entry->last > THROTTLE_FORGET)
		entry->failures = 0;
	entry->last = now;
	if (entry->failures < THROTTLE_FREE) {
		entry->failures++;
		entry->next = entry->failures < THROTTLE_FREE ? now : now + take_delay(entry);
		return false;
	}
	/* One that had its moment has taken the time behind it already. */
	if (entry->next <= now)
		entry->next = now + take_delay(entry);
	return true;
}

bool throttle_bare(struct throttle *throttle, const struct throttle_key *key, int64_t now)
{
	struct throttle_key bare = *key;
	struct throttle_entry *entry;

	if (take_token(find_known(throttle, key, now)))
		return false;
	bare.site |= BARE;
	const bool fresh = find(throttle->failing, &bare) == NULL;
	entry = touch(&throttle->failing, &bare, THROTTLE_FAILING);
	if (entry == NULL)
		return true;
	if (fresh)
		entry->tokens = BARE_MAX;
	fill(entry, now, THROTTLE_BARE, BARE_MAX);
	return !take_token(entry);
}

/* The key that stands for all sites of a source: no site's name is known by 0. */
static struct throttle_key any_site(const struct throttle_key *key)
{
	struct throttle_key any = *key;

	any.site = 0;
	return any;
}

bool throttle_knows(struct throttle *throttle, const struct network_address *client, int64_t now)
{
	struct throttle_key key;

	throttle_key(client, "", &key);
	key = any_site(&key);
	return find_known(throttle, &key, now) != NULL;
}

static void make_known(struct throttle *throttle, const struct throttle_key *key, int64_t now)
{
	struct throttle_entry *known = find_known(throttle, key, now);

	if (known == NULL) {
		known = touch(&throttle->known, key, THROTTLE_KNOWN);
		if (known == NULL)
			return;
		known->tokens = TOKENS_MAX;
		known->filled = now;
	} else if (known->last != now) {
		known = touch(&throttle->known, key, THROTTLE_KNOWN);
	}
	if (known != NULL)
		known->last = now;
}

void throttle_passed(struct throttle *throttle, const struct throttle_key *key, int64_t now)
{
	const struct throttle_key any = any_site(key);
	struct throttle_entry *failing = find(throttle->failing, key);

	if (failing != NULL)
		drop(&throttle->failing, failing);
	make_known(throttle, key, now);
	make_known(throttle, &any, now);
}

static void drop_all(struct throttle_entry **table)
{
	while (*table != NULL)
		drop(table, *table);
}

void throttle_free(struct throttle *throttle)
{
	drop_all(&throttle->failing);
	drop_all(&throttle->known);
}
