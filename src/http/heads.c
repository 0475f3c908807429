/* Requests that are not whole and hold more than a small head, in a list in the order in which they began to. */
#include "http/heads.h"

void heads_init(struct heads *heads)
{
	TAILQ_INIT(&heads->list);
	heads->bytes = 0;
}

void heads_leave(struct heads *heads, struct heads_part *part)
{
	if (part->bytes == 0)
		return;
	TAILQ_REMOVE(&heads->list, part, link);
	heads->bytes -= part->bytes;
	part->bytes = 0;
}

void heads_note(struct heads *heads, struct heads_part *part, size_t bytes)
{
	if (bytes <= HEADS_SMALL) {
		heads_leave(heads, part);
		return;
	}
	if (part->bytes == 0)
		TAILQ_INSERT_TAIL(&heads->list, part, link);
	heads->bytes += bytes - part->bytes;
	part->bytes = bytes;
}

struct connection *heads_surplus(struct heads *heads, const struct heads_part *newest)
{
	struct heads_part *oldest = TAILQ_FIRST(&heads->list);

	if (heads->bytes <= HEADS_MAX || oldest == newest)
		return NULL;
	heads_leave(heads, oldest);
	return oldest->connection;
}
