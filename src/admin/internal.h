/* What the operators' endpoints share. */
#ifndef ADMIN_INTERNAL_H
#define ADMIN_INTERNAL_H

#include "admin/admin.h"
#include "base/secret.h"
#include "http/http.h"

#define ANSWER_MAX (64 << 20) /* bytes */

/* An answer that needs no password, as it was made last. */
struct open_answer {
	struct text text;
	int status; /* 0: none was made */
};

struct admin_server {
	struct admin_options options;
	struct http_server *server;
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
	struct broker_request ask; /* caller is filled in */
	struct error error;
};

typedef void admin_verb(struct broker *broker, const struct broker_request *request, broker_done *on_done, void *arg);

/* What every handler begins with; NULL: it was replied to already. */
struct admin_call *call_begin(void *arg, struct http_request *http);
/* Replies: with the error, or with JSON and 200. */
void call_refuse(struct admin_call *call);
void call_answer(struct admin_call *call, struct text *json);
/* Replies 200 with {"done": true}, 202 with {"pending": true}, or with the broker's error. arg is the call. */
void call_on_reply(void *arg, const struct broker_reply *reply);
/* Asks the broker for the verb on the instance that the path's {id} names. */
void call_ask(struct admin_call *call, admin_verb *verb);

/* Writes such an answer and gives its status. */
typedef int open_make(const struct admin_server *admin, struct text *text);
/* Makes it anew, unless too much time went to such answers lately; false: memory is out. */
bool open_answer_renew(struct admin_server *admin, struct open_answer *answer, open_make *make);
void open_answer_release(struct open_answer *answer);

/* The table of routes; ends with a NULL method. Each handler's arg is the admin_server. */
extern const struct http_route admin_routes[];

void admin_health(void *arg, struct http_request *http);
void admin_ready(void *arg, struct http_request *http);
void admin_metrics(void *arg, struct http_request *http);
void admin_services(void *arg, struct http_request *http);
void admin_instances(void *arg, struct http_request *http);
void admin_instance(void *arg, struct http_request *http);
void admin_adopt(void *arg, struct http_request *http);
void admin_undelete(void *arg, struct http_request *http);
void admin_purge(void *arg, struct http_request *http);
void admin_forget(void *arg, struct http_request *http);
void admin_retry_instance(void *arg, struct http_request *http);
void admin_operations(void *arg, struct http_request *http);
void admin_retry_operation(void *arg, struct http_request *http);
void admin_cancel(void *arg, struct http_request *http);
void admin_claim(void *arg, struct http_request *http);
void admin_drain(void *arg, struct http_request *http);
void admin_undrain(void *arg, struct http_request *http);
void admin_audit(void *arg, struct http_request *http);
void admin_reload_program(void *arg, struct http_request *http);
void admin_verify(void *arg, struct http_request *http);
void admin_verify_instance(void *arg, struct http_request *http);
void admin_drift(void *arg, struct http_request *http);
void admin_rekey(void *arg, struct http_request *http);
void admin_rekey_state(void *arg, struct http_request *http);

#endif
