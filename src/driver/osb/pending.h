/* What is under way at the upstream, by the id of the instance or binding: operations that last_operation tells about,
 * and orphans that have to go before their id is used again. In memory: after a restart requests are sent again, which
 * the upstream answers alike. */
#ifndef DRIVER_OSB_PENDING_H
#define DRIVER_OSB_PENDING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "id.h"
#include "outcome.h"

struct pending {
	LIST_ENTRY(pending) entry;
	char id[ID_SIZE];
	bool orphan;        /* a request to make it may have had an effect */
	bool polled;        /* an operation is under way: */
	enum osb_verb verb; /* what it does */
	char *operation;    /* owned; NULL: it has no name */
	int64_t since;      /* monotonic ms */
	int64_t due;        /* monotonic ms: when to ask about it next */
};

LIST_HEAD(pendings, pending);

void pendings_release(struct pendings *pendings);
/* NULL: nothing is known of it. */
struct pending *pending_find(const struct pendings *pendings, const char *id);
/* Lack of memory leaves the orphan to what follows a final failure: its removal. */
void pending_note_orphan(struct pendings *pendings, const char *id);
/* The upstream took it up. NULL: memory is out. */
struct pending *pending_note_operation(struct pendings *pendings, const char *id, enum osb_verb verb,
                                       const char *operation, int64_t now);
/* Its operation has ended; what is an orphan still is one. */
void pending_end_operation(struct pendings *pendings, const char *id);
void pending_forget(struct pendings *pendings, const char *id);

#endif
