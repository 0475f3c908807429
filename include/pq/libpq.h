/* libpq, loaded when it is needed first (base/library.h): pq->finish is PQfinish. For the driver and the store. */
#ifndef PQ_LIBPQ_H
#define PQ_LIBPQ_H

#include <libpq-fe.h>

#include "base/error.h"

#define LIBPQ_FUNCTIONS(X)                                                                                             \
	X(backendPID)                                                                                                  \
	X(clear)                                                                                                       \
	X(connectPoll)                                                                                                 \
	X(connectStartParams)                                                                                          \
	X(conninfoFree)                                                                                                \
	X(conninfoParse)                                                                                               \
	X(consumeInput)                                                                                                \
	X(errorMessage)                                                                                                \
	X(escapeIdentifier)                                                                                            \
	X(escapeLiteral)                                                                                               \
	X(finish)                                                                                                      \
	X(flush)                                                                                                       \
	X(freemem)                                                                                                     \
	X(getResult)                                                                                                   \
	X(getlength)                                                                                                   \
	X(getvalue)                                                                                                    \
	X(isBusy)                                                                                                      \
	X(notifies)                                                                                                    \
	X(ntuples)                                                                                                     \
	X(parameterStatus)                                                                                             \
	X(resultErrorField)                                                                                            \
	X(resultStatus)                                                                                                \
	X(sendPrepare)                                                                                                 \
	X(sendQuery)                                                                                                   \
	X(sendQueryPrepared)                                                                                           \
	X(sendQueryParams)                                                                                             \
	X(serverVersion)                                                                                               \
	X(setErrorVerbosity)                                                                                           \
	X(setNoticeProcessor)                                                                                          \
	X(setNoticeReceiver)                                                                                           \
	X(setSingleRowMode)                                                                                            \
	X(setnonblocking)                                                                                              \
	X(socket)                                                                                                      \
	X(status)                                                                                                      \
	X(transactionStatus)

#define LIBPQ_MEMBER(name) __typeof__ (&PQ##name)(name);
struct libpq {
	LIBPQ_FUNCTIONS(LIBPQ_MEMBER)
};
#undef LIBPQ_MEMBER

/* A connection and the library that it is of. */
struct pg_connection {
	const struct libpq *pq;
	PGconn *handle; /* NULL: none */
};

int libpq_load(struct libpq *ret_pq, struct error *error);
/* What a postgres:// or postgresql:// url says; the caller's, for conninfoFree. NULL when it is none. libpq's own
 * message is not given: it quotes the url. */
PQconninfoOption *libpq_parse(const struct libpq *pq, const char *url);

#endif
