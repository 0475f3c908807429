/* The broker as a whole: its rooms are built in order, given another configuration, and taken down without losing what
 * is pending. Whoever asks for something asks one of the rooms that it hands out. */
#ifndef BROKER_BROKER_H
#define BROKER_BROKER_H

#include "base/log.h"
#include "base/metrics.h"
#include "base/secret.h"
#include "base/timer.h"
#include "config/config.h"
#include "driver/driver.h"
#include "store/store.h"

struct broker;
struct requests;
struct upkeep;
struct view;

struct broker_options {
	struct config *config; /* held while it is in use */
	struct store *store;
	struct keyring *keyring;
	struct timers *timers;
	const struct driver_context *context;
	const struct log *log;
	struct metrics *metrics; /* NULL: nothing is measured */
};

/* Opens every service's driver and takes up the operations that are pending in the store. All of options is borrowed.
 */
int broker_open(const struct broker_options *options, struct broker **ret_broker, struct error *error);
/* Where the store is shared, and this broker stands by, it is opened without looking at what is pending: it does
 * nothing until it begins, once it is the active one. Not for a broker that has begun. */
int broker_begin(struct broker *broker, struct error *error);
/* Not the active one any more: cancels what runs, answers ERR_UNAVAILABLE to all who wait, and is as one that has not
 * begun, with the configuration and the drivers that it has. What is pending is in the store for whoever is the active
 * one. Blocks until the store has given back what was handed over. An error, of a driver that cannot be opened anew,
 * leaves a broker for broker_close alone. */
int broker_resign(struct broker *broker, struct error *error);
/* To be called every few seconds, whether it has begun or not: it remembers the mark of the active one, for the case
 * that the store's database loses it and this broker becomes the next, and while it has not begun it sees which servers
 * are drained. Of a store that is shared only. */
void broker_look_at_store(struct broker *broker);
/* 0 once it has begun; otherwise ERR_UNAVAILABLE, with a sentence that names the active one. */
int broker_has_begun(const struct broker *broker, struct error *error);
/* Another configuration, in two steps, so that a program can put it in force in all its parts or in none. data_dir and
 * listeners are not the broker's: the caller sees to them. */
struct broker_next {
	struct config *config;   /* held while it is in use */
	struct keyring *keyring; /* borrowed from broker_enter on, instead of the one before; NULL: that one stays */
};
struct broker_change;
/* Opens what next needs. ERR_CORRUPT when none of the keyring's keys is the store's, ERR_REFUSED when a service has
 * instances that another driver made. The last of a program's preparations: which driver serves what is written down
 * here. */
int broker_prepare(struct broker *broker, const struct broker_next *next, struct broker_change **ret_change,
                   struct error *error);
/* Takes the change, and works by it from now on; what has begun ends under the configuration that it began with. */
void broker_enter(struct broker *broker, struct broker_change *change);
/* A change that does not come. Accepts NULL. */
void broker_change_free(struct broker_change *change);
/* Cancels what runs (it stays pending in the store), drops waiters in silence, closes the drivers. Accepts NULL. */
void broker_close(struct broker *broker);

/* The rooms that are asked for something, for as long as the broker is open: requests/requests.h and
 * requests/operator.h, upkeep/drift.h, upkeep/inspect.h, upkeep/reconcile.h and upkeep/rekey.h, view/view.h and
 * view/list.h. */
struct requests *broker_requests(struct broker *broker);
struct upkeep *broker_upkeep(struct broker *broker);
const struct view *broker_view(const struct broker *broker);

#endif
