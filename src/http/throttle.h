/* How fast passwords may be guessed, by source and site: an IPv4 address or an IPv6 /64, and the service.
 *
 * The delay is in time, not in an answer: after THROTTLE_FREE wrong logins in a row, the next attempt of that source at
 * that site is not even compared before its time has come, on whatever connection it comes, so many connections guess
 * no faster than one. Attempts that come too early get the next free moments, as long as these are near; the others are
 * not compared at all. That leaves one guess in THROTTLE_MAX.
 *
 * This would let a stranger who shares an address with tsuru (a proxy, a node behind NAT) keep tsuru out. So a source
 * that has logged in well at the site within THROTTLE_KNOWN_TIME is known, and its attempts are compared at once, the
 * right ones answered at once. No rule can do both for two clients of one address, whom nothing but the password tells
 * apart: where a right password is always let in at once, guesses are compared at once, too. The bound for a known
 * source is therefore a wide one: THROTTLE_KNOWN_RATE wrong ones a second (a bucket of THROTTLE_KNOWN_BURST); over it
 * the source is treated as any other until the bucket fills, but for connections that have logged in themselves, which
 * nobody can share. A password of 16 random characters (95 bits) takes longer than there is time at that rate, and
 * proxies are told apart by trusted_proxies.
 *
 * Requests that show no password are no guesses, but each costs an answer. Browsers and curl send one to be told of the
 * realm, so an address has some of them a second answered at once; others wait as wrong ones do. They are counted
 * apart: whoever does without a password slows down nobody who shows one.
 *
 * Both tables are bounded. Strangers fill only that of failures: who is known is displaced by others who know a
 * password. */
#ifndef HTTP_THROTTLE_H
#define HTTP_THROTTLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/network.h"

#define THROTTLE_FREE        10                          /* wrong ones in a row that are compared at once */
#define THROTTLE_FIRST       100                         /* ms to the next; it doubles with each further one */
#define THROTTLE_MAX         2000                        /* ms */
#define THROTTLE_AHEAD       (5 * THROTTLE_MAX)          /* ms: an attempt waits for its moment no longer */
#define THROTTLE_FORGET      600000                      /* ms after the last wrong one */
#define THROTTLE_FAILING     16384                       /* remembered; the one that failed longest ago goes */
#define THROTTLE_BARE        10                          /* of an address without a password, in a second */
#define THROTTLE_KNOWN       8192                        /* remembered; the one that logged in longest ago goes */
#define THROTTLE_KNOWN_TIME  ((int64_t)24 * 3600 * 1000) /* ms after the last right one */
#define THROTTLE_KNOWN_RATE  1000                        /* wrong ones of a known source in a second */
#define THROTTLE_KNOWN_BURST 10000                       /* of them at once */

struct throttle_entry;

/* All zero is an empty one. */
struct throttle {
	struct throttle_entry *failing, *known;
};

/* Who tries what. Requests that show no password come to the same key: nothing of them is compared, and they slow down
 * nobody but themselves. */
struct throttle_key {
	unsigned char source[16];
	uint64_t site;
};

void throttle_key(const struct network_address *client, const char *site, struct throttle_key *ret_key);
/* Whether throttle_ask would answer other than 0; nothing is taken. */
bool throttle_holds(struct throttle *throttle, const struct throttle_key *key, int64_t now);
/* When an attempt may be compared: 0: now; > 0: after so many ms, which are then taken; -1: not at all. */
int64_t throttle_ask(struct throttle *throttle, const struct throttle_key *key, int64_t now);
/* An attempt was compared and is wrong; true: the source has had its free ones. */
bool throttle_failed(struct throttle *throttle, const struct throttle_key *key, int64_t now);
/* One came that shows no password; true: its answer is not for now. THROTTLE_FREE are at once, and then THROTTLE_BARE
 * in a second. */
bool throttle_bare(struct throttle *throttle, const struct throttle_key *key, int64_t now);
/* Whether somebody has logged in from the address, at whatever site. */
bool throttle_knows(struct throttle *throttle, const struct network_address *client, int64_t now);
void throttle_passed(struct throttle *throttle, const struct throttle_key *key, int64_t now);
void throttle_free(struct throttle *throttle);

#endif
