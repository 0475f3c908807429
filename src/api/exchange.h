/* A request on its way through an endpoint, from its first check to its one reply. */
#ifndef API_EXCHANGE_H
#define API_EXCHANGE_H

#include "base/log.h"
#include "base/secret.h"
#include "broker/broker.h"
#include "http/http.h"

/* What every exchange needs: the handlers' arg. */
struct exchange_tools {
	struct broker *broker;
	const struct log *log; /* a line for each request */
	struct secret_ids ids; /* of requests that bring none */
};

/* Lives in the request's arena, and so until the reply. */
struct exchange {
	struct broker *broker;
	struct http_request *http;
	const struct service *service;
	struct broker_request ask; /* service, caller, and the instance of the path are filled in */
	struct error error;        /* the reason, when a check failed */
};

/* What every handler begins with. NULL: it was replied to already. */
struct exchange *exchange_begin(void *arg, struct http_request *http);

/* Replies: each ends the exchange. */
void exchange_refuse(struct exchange *exchange); /* with exchange->error */
/* With the broker's error, or with status and json (NULL: no body). */
void exchange_finish(struct exchange *exchange, const struct broker_reply *reply, int status, const char *json);

/* A view of the broker that appends JSON. */
typedef int exchange_view(struct broker *broker, const struct service *service, const char *instance,
                          struct text *ret_json, struct error *error);
/* Replies 200 with what the view says. */
void exchange_show(void *arg, struct http_request *http, exchange_view *view);

#endif
