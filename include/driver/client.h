/* HTTP requests to a server's own API, on the loop: libcurl's multi interface. For drivers whose servers speak HTTP.
 * Nothing blocks; names are resolved by libcurl beside the loop. Redirects are not followed. */
#ifndef DRIVER_CLIENT_H
#define DRIVER_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "config/key.h"
#include "driver/driver.h"

#define CLIENT_ANSWER_MAX ((size_t)8 * 1024 * 1024) /* bytes of one answer's body */

struct client; /* one server with its credentials, and the connections kept to it */
struct client_exchange;

struct client_options {
	const char *url; /* http:// or https://, with or without a base path; no user, query or fragment */
	const char *username, *password; /* Basic; NULL: none */
	const char *token;               /* Bearer; NULL: none */
	const char *ca_file;             /* the certificates that https trusts; NULL: the system's */
	size_t connections;              /* at once; further requests wait for one */
	int64_t connect_timeout;         /* ms */
};

/* A check for tables of keys: whether value is a url as above; never shows a password. */
int client_check_url(const char *name, const char *value, struct error *error);

/* Everything in options is copied. ERR_INVALID for a URL or a file of certificates that is not good. */
int client_new(const struct driver_context *context, const struct client_options *options, struct client **ret_client,
               struct error *error);
/* No exchange is under way. Accepts NULL. */
void client_free(struct client *client);
/* How many connections it has now, used and kept. */
size_t client_connections(const struct client *client);

/* Takes the next bytes of an answer's body as they come. False: they are of no use, the exchange ends with ERR_ANSWER.
 */
typedef bool client_take(void *arg, const char *bytes, size_t length);

/* What is asked. Copied by client_start. */
struct client_request {
	const char *method;         /* "PUT" */
	const char *path;           /* behind the base path, encoded, with its query: "/api/vhosts/a%2Fb" */
	const char *body;           /* JSON; NULL: none */
	const struct pair *headers; /* more headers */
	size_t header_count;
	int64_t timeout; /* ms for the whole exchange */
	/* Gets the body of an answer 200, which is not kept then and may be of any size; NULL: it is kept. */
	client_take *take;
};

struct client_answer {
	int status;       /* 200 */
	const char *body; /* NUL-terminated; "" for none; no more values of JSON than JSON_VALUES_MAX (base/json.h) */
	size_t length;
	const char *type;    /* of its content, as the server says it; "" for none */
	int64_t retry_after; /* ms that the server asks to wait (Retry-After); 0: it says nothing */
};

/* code 0 and an answer, whatever its status; or ERR_UNAVAILABLE, ERR_TIMEOUT, ERR_ANSWER, ERR_NO_MEMORY with a
 * sentence that holds no credentials, and answer NULL. All borrowed. The exchange is gone afterwards. */
typedef void client_done(void *arg, int code, const struct error *error, const struct client_answer *answer);

/* Begins it; on_done fires once, from the loop, never inside this call. NULL: memory is out, on_done will not fire. */
struct client_exchange *client_start(struct client *client, const struct client_request *request, client_done *on_done,
                                     void *arg);
/* Gives it up in silence; its connection is closed. Accepts NULL. */
void client_cancel(struct client_exchange *exchange);

#endif
