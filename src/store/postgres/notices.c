/* What a session tells beside its answers. One thing counts: whoever cancels a commit that waits for its synchronous
 * standby (pg_cancel_backend, a timeout) ends the wait and not the commit. The client is answered success, with a
 * warning, and a failover may lose what it was told is durable. The warning has no SQLSTATE of its own and its text is
 * in the server's language; what tells it is the function that it comes from (syncrep.c, since PostgreSQL 9.1). */
#include <string.h>

#include "internal.h"

static void on_notice(void *arg, const PGresult *notice)
{
	struct notices *notices = arg;
	const char *function = notices->pq->resultErrorField(notice, PG_DIAG_SOURCE_FUNCTION);

	if (function != NULL && strcmp(function, "SyncRepWaitForLSN") == 0)
		notices->is_unconfirmed = true;
}

void notices_take(struct notices *notices, const struct libpq *pq, PGconn *handle)
{
	*notices = (struct notices){.pq = pq};
	pq->setNoticeReceiver(handle, on_notice, notices);
}
