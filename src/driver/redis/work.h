/* The work of one call: its steps, its seat, and a link to one node of the server after another.
 *
 * A step fills work->batch and sends it by redis_work_each to every node (or every master), or goes node by node itself
 * with redis_work_open and redis_work_send. Any failure ends the call. */
#ifndef DRIVER_REDIS_WORK_H
#define DRIVER_REDIS_WORK_H

#include "acl.h"
#include "base/arena.h"
#include "command.h"
#include "driver/driver.h"
#include "link.h"
#include "pool.h"
#include "redis.h"
#include "reply.h"

#define MARK_USER    "tsuru-broker-mark"
#define MARK_CHANNEL "&mark:"
#define PROBE        "tsuru-broker-probe:" /* how the names begin of users that inspect makes and drops at once */

#define NAME_BYTES (BACKEND_NAME_MAX + 32)

struct redis_work;

/* What the answers to a batch mean: 0, or a failure that ends the work. */
typedef int work_answers(struct redis_work *work, redisReply *const *replies, size_t count, struct error *error);

struct names {
	const char **items;
	size_t count, capacity;
};

struct redis_work {
	struct driver_call *call;
	struct redis_host *host;
	struct seat seat;
	struct arena arena;
	struct nodes nodes; /* of the server, masters among them */
	size_t node;        /* which is worked on */
	size_t place;       /* of the url's hosts or the sentinels: which is tried */
	struct link *link;  /* to it; NULL: none */
	struct redis_batch batch;
	bool masters_only;
	work_answers *on_answers;
	void (*on_open)(struct redis_work *work);
	const char *resource, *login;
	char prefix[NAME_BYTES], template[NAME_BYTES], retired[NAME_BYTES], probe[NAME_BYTES];
	struct acl acl;
	bool found;                /* a step's own note */
	bool marked;               /* read_mark: every master has a mark */
	bool finished;             /* deprovision: no key is left to be found on the node */
	char run[RUN_BYTES];       /* the same: the node's run_id; "": unknown */
	char cursor[CURSOR_BYTES]; /* the same: where the batch under way goes on */
	struct names users;        /* list */
	bool *logins;              /* for each of call->binds: update, retire: it is there; inspect: it was told of */
};

/* What the core begins and ends a work with. */
int redis_work_begin(void *arg, struct error *error);
void redis_work_end(void *arg, bool given_up);

/* Sends work->batch to every node (every master), gives each one's answers to on_answers (NULL: none may be an error),
 * and goes on with the next step. An empty batch goes on at once. */
void redis_work_each(struct redis_work *work, bool masters_only, work_answers *on_answers);
/* A link to work->nodes.items[work->node], then on_open. */
void redis_work_open(struct redis_work *work, void (*on_open)(struct redis_work *work));
/* Sends work->batch over work->link; on_answers has to go on by itself when it returns 0. */
void redis_work_send(struct redis_work *work, work_answers *on_answers);
/* Gives the link back. */
void redis_work_close(struct redis_work *work);
/* Fails on the first answer that is an error. */
int redis_work_check(struct redis_work *work, redisReply *const *replies, size_t count, struct error *error);

/* ---- the mark ---- */

void redis_add_mark_question(struct redis_batch *batch);
/* In the answer to it; NULL: none. */
const char *redis_mark_of(const redisReply *user);

/* ---- steps that tables share ---- */

void redis_step_take_seat(void *arg);
void redis_step_find_nodes(void *arg);
/* In calls that shut a login: ends the scripts that hold the nodes. */
void redis_step_stop_scripts(void *arg);
/* The same commands, added to the batch. */
void redis_add_stop(struct redis_work *work);
/* Masters have to be masters, and to carry call->mark. */
void redis_step_check_role(void *arg);
/* Whether the instance is there, in work->found. */
void redis_step_look(void *arg);
/* The same; fails for good when it lives and call->retired says otherwise, or the other way round. */
void redis_step_look_at_doomed(void *arg);
/* Notes in work->logins which of call->binds are there. */
void redis_step_look_for_logins(void *arg);
/* Fails for good when the instance is not on the server, or retired. */
void redis_step_require_instance(void *arg);
/* Users are kept over restarts where the server has a file for them. */
void redis_step_save_users(void *arg);

#define WORK_BEGINS                                                                                                    \
	{"take_a_seat", redis_step_take_seat}, {"find_its_nodes", redis_step_find_nodes},                              \
	    {"stop_its_scripts", redis_step_stop_scripts},                                                             \
	{                                                                                                              \
		"check_its_role", redis_step_check_role                                                                \
	}

#endif
