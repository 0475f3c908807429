/* Who waits for a turn at something that costs time. A source of connections has one place in the line, however many of
 * its connections wait: when its turn has come one of these goes, and its others wait behind all other sources. So
 * thousands of one address hold up another address by one of them. */
#ifndef HTTP_LINE_H
#define HTTP_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

struct connection;
struct line_part;
struct line_share;

TAILQ_HEAD(line_parts, line_part);
TAILQ_HEAD(line_shares, line_share);

/* A source's place; it stands in the line while it has parts. */
struct line_share {
	struct line_parts parts; /* the first to come first */
	TAILQ_ENTRY(line_share) link;
};

struct line {
	struct line_shares shares;
	struct line_share others; /* those of no source */
};

/* A connection's part; all zero is none. */
struct line_part {
	struct connection *connection; /* NULL: it does not wait */
	struct line_share *share;
	TAILQ_ENTRY(line_part) link;
};

void line_init(struct line *line);
void line_share_init(struct line_share *share);
bool line_is_empty(const struct line *line);
/* The connection waits from now on. share is its source's; NULL: it has none. Where none of the source waits yet, its
 * place is the first (of one that is known) or the last. */
void line_join(struct line *line, struct line_part *part, struct connection *connection, struct line_share *share,
               bool first);
/* It waits no longer, if it did. */
void line_leave(struct line *line, struct line_part *part);
/* Whose turn it is; it has left the line. NULL: nobody waits. */
struct connection *line_next(struct line *line);

#endif
