/* What a service's instances and binds live through: requests are checked against the store and accepted (record and
 * operation in one durable batch), operations run in order per instance on their driver, results become durable, and
 * whoever waits is answered. The sequences of docs/tsuru.md are decided here. */
#ifndef BROKER_BROKER_H
#define BROKER_BROKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/secret.h"
#include "base/text.h"
#include "base/timer.h"
#include "config/config.h"
#include "driver/driver.h"
#include "model/model.h"
#include "requests/request.h"
#include "store/store.h"

struct broker;

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

typedef void broker_verb(struct broker *broker, const struct broker_request *request, broker_done *on_done, void *arg);
broker_verb broker_create, broker_update, broker_remove, broker_bind, broker_unbind, broker_allow_unit,
    broker_deny_unit;
/* New passwords; answers as soon as the work is durable. */
broker_verb broker_rotate;
/* An action that the instance's driver offers; answers as soon as it is durable. */
broker_verb broker_act;
/* Runs what waits to be tried again now, and takes up a failed create or update anew; answers once that is durable. */
broker_verb broker_retry;

/* ---- for operators; the instance is given by its incarnation, service may be NULL where it says so ---- */

/* Drops a retained instance now. */
broker_verb broker_purge;
/* Brings a retained instance back with its content and logins, under its name or, when given, under instance. */
broker_verb broker_restore;
/* Makes resource, which exists on server, an instance of the team with the plan. */
broker_verb broker_adopt;
/* Drops every record of the instance and leaves its server alone. service may be NULL. */
broker_verb broker_forget;

/* ---- views: at once, from the store and the cache, never waiting for a server ---- */

enum status_kind {
	STATUS_UP,
	STATUS_PENDING,
	STATUS_DOWN, /* text says why */
	STATUS_TEXT, /* up, with a text worth showing */
};

struct status {
	enum status_kind kind;
	char text[ERROR_TEXT_MAX];
};

int broker_status(struct broker *broker, const struct service *service, const char *instance, struct status *ret_status,
                  struct error *error);

/* Info, binds and operations as JSON appended to ret_json: [{"label","value"}...], [{...}...], [{...}...]. */
int broker_describe(struct broker *broker, const struct service *service, const char *instance, struct text *ret_json,
                    struct error *error);
int broker_list_binds(struct broker *broker, const struct service *service, const char *instance, struct text *ret_json,
                      struct error *error);
int broker_list_operations(struct broker *broker, const struct service *service, const char *instance,
                           struct text *ret_json, struct error *error);

struct broker_statistics {
	size_t pending; /* operations that have not finished */
	size_t running; /* of them, with a call under way */
	size_t waiting; /* requests that wait for an operation */
};

void broker_statistics(const struct broker *broker, struct broker_statistics *ret_statistics);

#endif
