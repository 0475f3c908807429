/* The mark of the store that a server belongs to: the comment on the broker's own database there. */
#ifndef DRIVER_POSTGRES_MARK_H
#define DRIVER_POSTGRES_MARK_H

/* The comment on the database of the session, for a query. */
#define MARK_COMMENT                                                                                                   \
	"(SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database())"

/* The mark in a comment; NULL: it holds none. Borrowed from it. */
const char *mark_of_comment(const char *comment);

#endif
