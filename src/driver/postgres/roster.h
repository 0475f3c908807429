/* The sessions that the broker has on a server, and those that it gave up while the server was at a statement of
 * theirs: nobody but the server knows when these end. Plain records; ender.h acts on them. */
#ifndef DRIVER_POSTGRES_ROSTER_H
#define DRIVER_POSTGRES_ROSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "driver/driver.h"
#include "driver/sql.h"

#define ROSTER_TIME_SIZE 48
#define ROSTER_LEFT_MAX  256 /* given up and not ended; of more, the oldest are left to the server's limits */

struct roster;

/* One session's place; embedded in it. */
struct roster_entry {
	LIST_ENTRY(roster_entry) entry;
	struct roster *roster;        /* NULL: it is in none */
	int pid;                      /* the server's process; 0: not known yet */
	char began[ROSTER_TIME_SIZE]; /* when the process did, as the server writes it */
};

struct roster_left {
	int pid;
	int64_t since; /* monotonic ms */
};

struct roster {
	const struct driver_context *context; /* borrowed, as service */
	const struct service *service;
	char name[SESSION_NAME_SIZE]; /* what the sessions call themselves; made with the first */
	LIST_HEAD(, roster_entry) present;
	size_t count;
	struct roster_left left[ROSTER_LEFT_MAX]; /* the oldest first */
	size_t left_count;
	void (*on_left)(void *arg); /* one more is left; NULL: nobody cares */
	void *arg;
};

void roster_init(struct roster *roster, const struct driver_context *context, const struct service *service);
/* roster may be NULL: the session is not counted. */
void roster_enter(struct roster *roster, struct roster_entry *entry);
/* It is connected, to that process of the server: false when another session that is present has the same one. What is
 * at that process now was not left behind. */
bool roster_know(struct roster_entry *entry, int pid, const char *began);
/* It is closed; is_asking: the server has not answered its last query. */
void roster_leave(struct roster_entry *entry, bool is_asking);
/* The first count of those that are left have ended. */
void roster_forget(struct roster *roster, size_t count);

/* A condition on a pg_stat_activity a: it is a session of this broker and service (the one that asks is, too), and none
 * that the roster has. Strays are what such sessions are called. */
#define ROSTER_OURS "a.usename = current_user AND a.application_name = current_setting('application_name')"
void roster_add_stray(const struct roster *roster, struct sql *sql);
/* ... that it is one of those that are left. A process that took the number of one began later than that was left. */
void roster_add_left(const struct roster *roster, struct sql *sql);

#endif
