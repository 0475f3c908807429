/* The operators' listener: health, readiness, metrics, and a JSON API over all that the broker keeps. It has an address
 * and credentials of its own. docs/operations.md describes the API. */
#ifndef ADMIN_ADMIN_H
#define ADMIN_ADMIN_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/timer.h"
#include "broker/broker.h"
#include "config/config.h"
#include "http/measure.h"

struct admin_server;
struct event_base;
struct relay_measures;

/* What only the program as a whole can say and do. */
struct admin_program {
	void *arg; /* for all of them */
	const char *version;
	int64_t began; /* monotonic ms: its start */
	/* Reads the configuration again; on failure nothing has changed, and error has the first reason. */
	int (*reload)(void *arg, struct error *error);
	/* Why the configuration's file, as it was read last, is not in force; NULL: it is. */
	const char *(*configuration_error)(void *arg);
};

struct admin_options {
	struct config *config; /* its admin is set; held */
	struct broker *broker;
	struct store *store;
	struct metrics *metrics;
	const struct http_measures *measures;
	const struct log *log;
	struct event_base *base;
	struct timers *timers;
	/* Of a broker that shares its store: operators' calls that come while it stands by are passed on to the active
	 * one. */
	const char *name;                            /* this broker's; NULL: it shares none */
	const char *addresses;                       /* where it is reached, as it says in the store */
	const struct keyring *keyring;               /* that brokers vouch for clients by; see admin_rekey */
	const struct relay_measures *relay_measures; /* NULL: nothing is measured */
	struct admin_program program;
};

/* Listens where the configuration's admin says. options are copied, what they point to is borrowed. */
int admin_open(const struct admin_options *options, struct admin_server **ret_admin, struct error *error);
/* Other credentials and limits, in two steps: all that can fail is prepared, then they count from the next request on.
 * The listener stays, so config->admin has its address. */
struct admin_change;
int admin_prepare(struct config *config, struct admin_change **ret_change, struct error *error);
/* Takes the change. */
void admin_enter(struct admin_server *admin, struct admin_change *change);
/* A change that does not come. Accepts NULL. */
void admin_change_free(struct admin_change *change);
/* Another keyring from here on. Accepts NULL. */
void admin_rekey(struct admin_server *admin, const struct keyring *keyring);
/* Another certificate is in the files of the configuration's tls: it is shown to brokers that demand one. Accepts NULL.
 */
void admin_renew_trust(struct admin_server *admin, const struct config *config);
/* See api_standing_changed. Accepts NULL. */
void admin_standing_changed(struct admin_server *admin);
/* See api_pending; 0 of NULL. */
size_t admin_pending(const struct admin_server *admin);
uint16_t admin_port(const struct admin_server *admin);
/* Drops what is left. The loop may not turn between this and broker_close. Accepts NULL. */
void admin_close(struct admin_server *admin);

#endif
