/* What the operators' endpoints share. */
#ifndef ADMIN_INTERNAL_H
#define ADMIN_INTERNAL_H

#include "admin/admin.h"
#include "base/secret.h"
#include "http/http.h"
#include "relay/passing.h"
#include "requests/operator.h"
#include "view/list.h"

#define ANSWER_MAX (64 << 20) /* bytes */

/* An answer that needs no password, as it was made last. */
struct open_answer {
	struct text text;
	int status; /* 0: none was made */
};

struct admin_server {
	struct admin_options options;
	struct http_server *server;
	struct standby standby;
	struct config *listening; /* held: whose address is listened on */
	struct http_address address;
	struct secret_ids ids; /* of requests */
	struct open_answer ready, metrics;
	int64_t open_time;   /* microseconds that making such answers may take, as of open_filled */
	int64_t open_filled; /* monotonic ms */
};

/* A request on its way; lives in its arena. */
struct admin_call {
	struct admin_server *admin;
	struct http_request *http;
	const struct admin_endpoint *endpoint;
	struct broker_request ask; /* caller is filled in */
	struct error error;
	struct passing passing; /* where this broker stands by */
	bool is_forced;
};

static inline struct requests *requests_of(const struct admin_call *call)
{
	return broker_requests(call->admin->options.broker);
}

/* Fills call->ask, or does what is done at once; or fills call->error. */
typedef int admin_step(struct admin_call *call);
/* Each appends JSON: of all, of a page, of the instance that the path's {id} names. */
typedef int admin_view(const struct view *view, struct text *ret_json, struct error *error);
typedef int admin_list(const struct view *view, const struct list_filter *filter, struct text *ret_json,
                       struct error *error);
typedef int admin_item(const struct view *view, const char *incarnation, struct text *ret_json, struct error *error);

/* What a route reads or does, what it asks, and what it answers: `serves` of its row. The first of ask, answer, view,
 * list and item that it has says the answer; with none it is {"done":true}, or {"pending":true} for a 202. */
struct admin_endpoint {
	admin_step *read;
	admin_step *act;
	const struct asked *ask;
	void (*answer)(struct admin_call *call); /* replies by itself, now or later */
	admin_view *view;
	admin_list *list;
	admin_item *item;
	int status;        /* 0: 200 */
	bool is_of_active; /* it reads what only the active broker has, in memory */
	bool is_own;       /* it is about this process: where it stands by, it does it all the same */
	bool is_once;      /* where it was passed on and nobody knows whether it was done, it is not passed on again */
};

/* The handler of all rows that have an admin_endpoint. */
void call_serve(void *arg, struct http_request *http);
/* Replies with call->error. */
void call_refuse(struct admin_call *call);
/* What was asked for has ended with code, and text; true: it failed, and is replied to, or passed on. */
bool call_has_failed(struct admin_call *call, int code, const char *text);
/* Replies that it is done. */
void call_answer_done(struct admin_call *call);
/* Has the active one answer it; call->error says why this broker does not. */
void call_pass_on(struct admin_call *call);

/* Writes such an answer and gives its status. */
typedef int open_make(const struct admin_server *admin, struct text *text);
/* Makes it anew, unless too much time went to such answers lately; false: memory is out. */
bool open_answer_renew(struct admin_server *admin, struct open_answer *answer, open_make *make);
void open_answer_release(struct open_answer *answer);

/* The table of routes; ends with a NULL method. Each handler's arg is the admin_server. */
extern const struct http_route admin_routes[];

/* Readers. The instance that the path names, whose service is configured. */
int read_instance(struct admin_call *call);
/* That, with the name that it comes back under, which may be given. */
int read_restored(struct admin_call *call);
/* The instance, and why it is to be forgotten; its service may be gone. */
int read_forgotten(struct admin_call *call);
int read_adoption(struct admin_call *call);
/* The instance, and whether it is to be removed even if it is protected. */
int read_removal(struct admin_call *call);
/* Whether it is to be done whatever speaks against it. */
int read_force(struct admin_call *call);
/* The instance, and which bind of it. */
int read_bind(struct admin_call *call);

/* Done at once. */
int act_hurry(struct admin_call *call);
int act_claim(struct admin_call *call);
int act_verify(struct admin_call *call);
int act_reconcile(struct admin_call *call);
int act_reconcile_apply(struct admin_call *call);
int act_step_down(struct admin_call *call);
int act_reload(struct admin_call *call);
int act_rekey(struct admin_call *call);

/* Handlers. */
void admin_health(void *arg, struct http_request *http);
void admin_ready(void *arg, struct http_request *http);
void admin_active(void *arg, struct http_request *http);
void admin_metrics(void *arg, struct http_request *http);
void answer_inspection(struct admin_call *call);
void answer_cancel(struct admin_call *call);
void answer_drain(struct admin_call *call);
void answer_undrain(struct admin_call *call);

#endif
