/* A request on its way through an endpoint, from its first check to its one reply. */
#ifndef API_EXCHANGE_H
#define API_EXCHANGE_H

#include "base/log.h"
#include "base/secret.h"
#include "broker/broker.h"
#include "http/http.h"
#include "relay/passing.h"
#include "requests/requests.h"
#include "view/view.h"

/* What every exchange needs: the handlers' arg. */
struct exchange_tools {
	struct broker *broker;
	const struct log *log; /* a line for each request */
	struct secret_ids ids; /* of requests that bring none */
	struct standby standby;
};

/* Lives in the request's arena, and so until the reply. */
struct exchange {
	struct exchange_tools *tools;
	struct http_request *http;
	const struct endpoint *endpoint;
	const struct service *service;
	struct broker_request ask; /* service, caller, and the instance of the path are filled in */
	struct error error;        /* the reason, when a check failed */
	struct passing passing;    /* where this broker stands by */
};

/* Fills exchange->ask, or exchange->error. */
typedef int exchange_reader(struct exchange *exchange);
/* A view of the broker that appends JSON. */
typedef int exchange_view(const struct view *view, const struct service *service, const char *instance,
                          struct text *ret_json, struct error *error);

/* What a route reads, what it asks, and what it answers: `serves` of its row. Of ask, view and answer it has one. */
struct endpoint {
	void (*bodiless)(struct exchange *exchange); /* replies to a request that has no body; NULL: as to any other */
	exchange_reader *read;                       /* NULL: the path says all */
	const struct asked *ask;                     /* its end is answered with the members below, or with its error */
	const struct asked *ask_for_unit;            /* instead, when read found a unit */
	int status;
	const char *json;                          /* NULL: no body */
	bool environment;                          /* the body is what a bind gives, unless a unit was asked for */
	exchange_view *view;                       /* answered at once with 200 */
	void (*answer)(struct exchange *exchange); /* replies by itself, at once */
	const char *permission; /* of the command that tsuru passes through to it: "binds.view"; NULL: it is none */
};

/* The handler of all rows; arg is the exchange_tools. */
void exchange_serve(void *arg, struct http_request *http);

/* For an endpoint's answer: replies with exchange->error; with JSON and 200, unless it failed. */
void exchange_refuse(struct exchange *exchange);
void exchange_show(struct exchange *exchange, const struct text *json);

#endif
