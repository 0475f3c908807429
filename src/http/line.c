/* The line: a list of sources, each with a list of its connections. */
#include "http/line.h"

void line_share_init(struct line_share *share)
{
	TAILQ_INIT(&share->parts);
}

void line_init(struct line *line)
{
	TAILQ_INIT(&line->shares);
	line_share_init(&line->others);
}

bool line_is_empty(const struct line *line)
{
	return TAILQ_EMPTY(&line->shares);
}

void line_join(struct line *line, struct line_part *part, struct connection *connection, struct line_share *share,
               bool first)
{
	part->connection = connection;
	part->share = share != NULL ? share : &line->others;
	if (TAILQ_EMPTY(&part->share->parts) && first)
		TAILQ_INSERT_HEAD(&line->shares, part->share, link);
	else if (TAILQ_EMPTY(&part->share->parts))
		TAILQ_INSERT_TAIL(&line->shares, part->share, link);
	TAILQ_INSERT_TAIL(&part->share->parts, part, link);
}

void line_leave(struct line *line, struct line_part *part)
{
	struct line_share *share = part->share;

	if (part->connection == NULL)
		return;
	TAILQ_REMOVE(&share->parts, part, link);
	if (TAILQ_EMPTY(&share->parts))
		TAILQ_REMOVE(&line->shares, share, link);
	*part = (struct line_part){0};
}

struct connection *line_next(struct line *line)
{
	struct line_share *share = TAILQ_FIRST(&line->shares);
	struct connection *connection;

	if (share == NULL)
		return NULL;
	TAILQ_REMOVE(&line->shares, share, link);
	TAILQ_INSERT_TAIL(&line->shares, share, link);
	connection = TAILQ_FIRST(&share->parts)->connection;
	line_leave(line, TAILQ_FIRST(&share->parts));
	return connection;
}
