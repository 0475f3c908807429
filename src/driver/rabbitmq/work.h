/* The work of one call: its steps, and the one request that is under way. A step names a path, fills work->body where
 * there is something to say, asks, and goes on in the function that it gave. Any failure ends the call. */
#ifndef DRIVER_RABBITMQ_WORK_H
#define DRIVER_RABBITMQ_WORK_H

#include "answer.h"
#include "base/arena.h"
#include "base/text.h"
#include "base/timer.h"
#include "description.h"
#include "rabbitmq.h"
#include "request.h"

#define RABBITMQ_MARK "tsuru-broker-mark"

struct cJSON;
struct rabbit_work;

/* found is false for 404; answer is borrowed, NULL for one without a body. */
typedef void rabbitmq_done(struct rabbit_work *work, bool found, const struct cJSON *answer);

struct rabbit_work {
	struct driver_call *call; /* call->subject is whom a step is about */
	struct rabbit_host *host;
	struct client_exchange *exchange;
	struct timer pause;
	struct arena arena;
	const char *vhost; /* "" for check and list */

	/* the request under way */
	struct text path, body;
	rabbitmq_done *on_done;

	/* where a walk is */
	void (*on_next)(struct rabbit_work *work);
	size_t bind_index;
	void (*on_bind)(struct rabbit_work *work, const struct bind *bind);
	const char *const *names; /* what is left of a list of users; NULL ends it */
	bool ours_only;
	void (*on_name)(struct rabbit_work *work, const char *name);
	const struct rabbit_limits *limits;
	size_t limit_index;
	const char *limited;
	void (*on_limited)(struct rabbit_work *work);
	struct cJSON *permissions; /* of the vhost; owned */
};

/* What the core begins and ends a work with. */
int rabbitmq_begin(void *arg, struct error *error);
void rabbitmq_end(void *arg, bool given_up);

/* ---- requests ---- */

/* The path of the next request: "/api" and each part, encoded, up to a NULL. */
void rabbitmq_path(struct rabbit_work *work, const char *part, ...) __attribute__((sentinel));
/* Sends it with work->body, which is empty afterwards. */
void rabbitmq_ask(struct rabbit_work *work, const char *method, rabbitmq_done *on_done);
/* An on_done that goes on with the next step, whether there was anything or not. */
void rabbitmq_go_on(struct rabbit_work *work, bool found, const struct cJSON *answer);

/* ---- walks ---- */

/* Calls on_bind for each of call->binds, one when the one before has called rabbitmq_next_bind; then the next step. */
void rabbitmq_each_bind(struct rabbit_work *work, void (*on_bind)(struct rabbit_work *work, const struct bind *bind));
void rabbitmq_next_bind(struct rabbit_work *work);

/* The same for the member of each item of a list; with ours_only for those that the broker has named. */
void rabbitmq_each_name(struct rabbit_work *work, const struct cJSON *list, const char *member, bool ours_only,
                        void (*on_name)(struct rabbit_work *work, const char *name));
/* The same for a list that is in work->arena; NULL: memory is out. */
void rabbitmq_each_of(struct rabbit_work *work, const char *const *names, bool ours_only,
                      void (*on_name)(struct rabbit_work *work, const char *name));
void rabbitmq_next_name(struct rabbit_work *work);
/* Each an on_done that goes on with the bind or name that is next; the second ends call->subject's sessions before. */
void rabbitmq_go_on_walk(struct rabbit_work *work, bool found, const struct cJSON *answer);
void rabbitmq_end_sessions(struct rabbit_work *work, bool found, const struct cJSON *answer);

/* Sets the plan's limits of the vhost or the user that is named, or takes them away; then on_limited. */
void rabbitmq_set_limits(struct rabbit_work *work, const struct rabbit_limits *limits, const char *name,
                         void (*on_limited)(struct rabbit_work *work));

/* ---- steps ---- */

/* The management API is there, and the broker an administrator: a 404 means then what it says. Where call->mark is to
 * be compared, that question stands for this one. */
void rabbitmq_step_check_admin(void *arg);
/* The same for what begins by finding its vhost anyway: one request more, and only where there is a mark to compare. */
void rabbitmq_step_check_mark(void *arg);
/* The path of the server's mark, a global parameter. */
void rabbitmq_mark_path(struct rabbit_work *work);
/* Whether a vhost, as found, is the instance's and is retired or living as it should be; fails the step if not. */
bool rabbitmq_check_vhost(struct rabbit_work *work, const struct cJSON *vhost, bool retired);
/* Fails for good when the vhost is not there, retired, or another instance's. */
void rabbitmq_step_require_vhost(void *arg);
void rabbitmq_step_set_vhost_limits(void *arg);

#endif
