/* A list of those that are counted, in the order in which they became so. */
#include "http/heads.h"

#include "http/connection.h"
#include "http/internal.h"

void heads_init(struct heads *heads)
{
	TAILQ_INIT(&heads->list);
	heads->bytes = 0;
}

void heads_leave(struct connection *connection)
{
	struct heads *heads = &connection->server->heads;

	if (connection->heads.bytes == 0)
		return;
	TAILQ_REMOVE(&heads->list, connection, heads.link);
	heads->bytes -= connection->heads.bytes;
	connection->heads.bytes = 0;
}

static size_t measure(const struct connection *connection)
{
	size_t bytes = connection->held.length;

	if (connection->state != CONNECTION_HEAD && connection->state != CONNECTION_BODY)
		return 0;
	if (connection->request != NULL)
		bytes += connection->request->head_length;
	return bytes > HEADS_SMALL ? bytes : 0;
}

void heads_note(struct connection *connection)
{
	struct heads *heads = &connection->server->heads;
	const size_t bytes = measure(connection);

	if (bytes == 0) {
		heads_leave(connection);
		return;
	}
	if (connection->heads.bytes == 0)
		TAILQ_INSERT_TAIL(&heads->list, connection, heads.link);
	heads->bytes += bytes - connection->heads.bytes;
	connection->heads.bytes = bytes;
}

struct connection *heads_surplus(const struct connection *newest)
{
	const struct heads *heads = &newest->server->heads;
	struct connection *oldest = TAILQ_FIRST(&heads->list);

	if (heads->bytes <= HEADS_MAX || oldest == newest)
		return NULL;
	heads_leave(oldest);
	return oldest;
}
