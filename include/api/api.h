/* The service API that tsuru speaks, as endpoints over HTTP: every configured service below its own path.
 * Each request asks the broker for one thing and is answered once. Neighbours: http/http.h below, cli above. */
#ifndef API_API_H
#define API_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/log.h"
#include "base/timer.h"
#include "broker/broker.h"
#include "config/config.h"
#include "http/measure.h"

struct api;
struct event_base;
struct relay_measures;

struct api_options {
	struct config *config; /* held while it is served */
	struct broker *broker;
	const struct log *log;                /* a line for each request */
	const struct http_measures *measures; /* NULL: nothing is measured */
	struct event_base *base;
	struct timers *timers;
	/* Of a broker that shares its store: requests that come while it stands by are passed on to the active one. */
	const char *name;                            /* this broker's; NULL: it shares none */
	const char *addresses;                       /* where it is reached, as it says in the store */
	struct store *store;                         /* how it stands */
	const struct keyring *keyring;               /* that brokers vouch for clients by; see api_rekey */
	const struct relay_measures *relay_measures; /* NULL: nothing is measured */
	void (*on_certificate)(void *arg);           /* another one is in the files of `tls`. NULL: nobody is told */
	void *arg;
};

/* Listens where the configuration says. What options point to is borrowed until api_close.
 * ERR_BUSY when the address is in use. */
int api_open(const struct api_options *options, struct api **ret_api, struct error *error);
/* Another configuration, in two steps: all that can fail is prepared, with the certificate's files read again
 * (ERR_INVALID for one that is not good); then it is served from the next request on. The listeners stay as they are.
 */
struct api_change;
int api_prepare(struct config *config, struct api_change **ret_change, struct error *error);
/* Takes the change. */
void api_enter(struct api *api, struct api_change *change);
/* Another keyring from here on. */
void api_rekey(struct api *api, const struct keyring *keyring);
/* This broker has become the active one or is it no more, or another one is, as store_standing tells: what waits goes
 * to where it can be answered. Accepts NULL. */
void api_standing_changed(struct api *api);
/* A change that does not come. Accepts NULL. */
void api_change_free(struct api_change *change);
/* The port of the i-th listener, as bound. */
uint16_t api_port(const struct api *api, size_t i);
/* Stops accepting; what has begun goes on. */
void api_drain(struct api *api);
/* Requests that are not answered, or whose answer is still being sent. */
size_t api_pending(const struct api *api);
/* Drops what is left. The loop may not turn between this and broker_close. Accepts NULL. */
void api_close(struct api *api);

/* A command of the services' own, which tsuru passes through below an instance. */
struct api_command {
	const char *method;
	const char *path;   /* below the instance: "/binds" */
	const char *action; /* the name of tsuru's permission: "binds.view" */
};

/* The i-th; false past the end. */
bool api_command_at(size_t i, struct api_command *ret_command);

#endif
