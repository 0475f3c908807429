/* A broker on a temporary store, a clock that stands still and the scripted driver. Nothing here sleeps: settle() runs
 * everything that can happen at this moment, and time passes only by pass(). */
#ifndef TEST_BROKER_HARNESS_H
#define TEST_BROKER_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "broker/broker.h"
#include "driver/scripted/scripted.h"
#include "requests/requests.h"
#include "view/view.h"

#define WALL 1800000000000 /* ms: where the tests' clock begins */

/* What a request was answered. */
struct answer {
	bool came;
	int code;
	bool pending;
	char text[ERROR_TEXT_MAX];
	char user[BACKEND_NAME_MAX + 1]; /* SCRIPTED_USER */
	char password[PASSWORD_LENGTH + 1];
	size_t variables;
};

struct world {
	char directory[64];
	struct config *config;
	struct event_base *base;
	struct timers *timers;
	struct driver_context context;
	struct keyring *keyring;
	struct store *store;
	struct broker *broker;
	int64_t passed; /* of the manual clock; a restart goes on from there */
};

/* A request under way. */
struct ask {
	struct broker_request request;
	struct answer answer;
};

int world_setup(void **state);
int world_teardown(void **state);
/* As after kill -9 and a start: all that is only in memory is gone. The pretend server's world stays. */
void restart(struct world *world);

/* The two halves of it, for what happens to the store's file between them. */
void stop_world(struct world *world);
void start_world(struct world *world);

/* The same with a text of the configuration replaced by another, as after an edit of the file. */
void restart_edited(struct world *world, const char *text, const char *other);

/* The same with the configuration read again by the running broker. */
void reload_edited(struct world *world, const char *text, const char *other);

/* The incarnation of the instance that has the name now. */
const char *incarnation_of(struct world *world, const char *instance);

/* Runs everything that can run now. */
void settle(struct world *world);
/* Lets time pass, in small steps. */
void pass(struct world *world, int64_t ms);

/* Begins a request; fields are name, value pairs up to NULL: "instance", "plan", "team", "event", "app", "job", "host",
 * "unit", "parameters", "user", "pool", "cluster", "action"; "repeat", the id of a forwarded request; of a bind
 * "hosts", a JSON list, and "runs_in", the app's pool; of its end by an operator "updated", ms. */
void begin(struct world *world, struct ask *ask, const struct asked *what, ...);
/* The same, waits until it is answered (time passes if it must, at most ten minutes), and gives the answer. */
struct answer request(struct world *world, const struct asked *what, ...);

/* What the broker shows. */
enum status_kind status_of(struct world *world, const char *instance);
/* Info, binds or operations as text, in a buffer that lives until the next call. */
const char *describe(struct world *world, const char *instance);
const char *operations(struct world *world, const char *instance);
const char *binds(struct world *world, const char *instance);
/* The scripted server's state, for scripted_ calls. */
void *scripted(struct world *world);

#endif
