/* Forwarded requests that come again. A broker that stands by forwards a request to the active one, and sends it again,
 * with the same id, when that one died before its answer came. Nothing of it may then be done twice, and the answer is
 * the one that was lost.
 *
 * What a request was accepted for keeps its id: each operation, the instance that it made or removed, the bind that it
 * made, and the tombstone of the instance. So a copy finds what became of the first one:
 *
 *   under way        the copy joins it
 *   done             it is answered as that was; a bind has its credentials made sure of, which stay as they are
 *   failed for good  the same error
 *   refused at once, or nothing to do: nothing was written, so it is decided again
 *
 * Two copies at once: one waits until the other's commit is known (copies.h), and then finds what that left.
 *
 * A copy that comes too late is taken for a new request: when limits.history (20) other operations of the instance have
 * ended since; when the instance is gone, with all its operations, but for its create and its removal, which its
 * tombstone remembers for limits.tombstones (30 days), or until another instance of that name is removed. An operator's
 * request that names a forgotten instance by its id finds none, ERR_NOT_FOUND. */
#ifndef REQUESTS_REPEAT_H
#define REQUESTS_REPEAT_H

#include "records/records.h"
#include "requests/request.h"

enum repeat {
	REPEAT_NONE,      /* it is not known: the first of its id */
	REPEAT_OPERATION, /* *ret_operation is what it was accepted for; the last of several */
	REPEAT_DONE,
	REPEAT_FAILED, /* error says how */
};

/* What is known of the request, whose caller.repeat is not NULL. Texts live in arena. A store that cannot be read is
 * REPEAT_FAILED. */
enum repeat repeat_look(struct records *records, struct arena *arena, const struct broker_request *request,
                        struct held_operation *ret_operation, struct error *error);

#endif
