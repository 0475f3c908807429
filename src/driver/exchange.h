/* One request and its answer, as an easy handle of libcurl's. client.c has it run. */
#ifndef DRIVER_EXCHANGE_H
#define DRIVER_EXCHANGE_H

#include "base/text.h"
#include "driver/client.h"
#include "driver/multi.h"

/* Who is asked, and by what right. */
struct client_peer {
	char *url; /* without a slash at its end */
	char *username, *password, *token;
	struct text authorities; /* PEM; empty: the system's */
	int64_t connect_timeout;
};

struct client_exchange {
	struct multi_run run; /* the first member */
	struct client *client;
	const struct libcurl *curl;
	struct curl_slist *headers;
	struct text body;
	size_t values; /* of JSON that body has at most */
	size_t heads;  /* bytes of headers, also of interim answers and behind the body: libcurl keeps them all */
	bool has_head; /* up to the empty line */
	char reason[CURL_ERROR_SIZE];
	client_take *take;
	client_done *on_done;
	void *arg;
};

/* Ready to be run. curl is borrowed until it is freed, peer until this returns. NULL: memory is out. */
struct client_exchange *exchange_new(const struct libcurl *curl, const struct client_peer *peer,
                                     const struct client_request *request, client_done *on_done, void *arg);
/* Tells how it ended. */
void exchange_tell(struct client_exchange *exchange, CURLcode result);
/* Of one that is not run any more. */
void exchange_free(struct client_exchange *exchange);

#endif
