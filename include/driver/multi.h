/* libcurl's multi interface on the loop: an event for each of its sockets, one timer for its time-outs. What drivers
 * ask of servers by HTTP runs on it (driver/client.h), and what brokers that share a store ask of each other. */
#ifndef DRIVER_MULTI_H
#define DRIVER_MULTI_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"
#include "base/timer.h"
#include "driver/libcurl.h"

struct event_base;
struct multi;

/* An easy handle that is run. Embedded in its owner's. */
struct multi_run {
	CURL *easy;
	/* Called once, from the loop, never inside multi_start: it is not run any more. */
	void (*on_end)(struct multi_run *run, CURLcode result);
};

struct multi_options {
	struct event_base *base;
	struct timers *timers;
	size_t connections; /* at once; what comes beyond them waits for one. 0: no limit */
	size_t kept;        /* connections that are kept for later; 0: libcurl's own choice */
	/* A peer that is gone without a word is noticed after about 15 s: by probes while an answer is waited for, and
	 * by what it does not acknowledge. */
	bool probes;
};

/* options are copied, what they point to is borrowed until multi_free. Loads libcurl. */
int multi_new(const struct multi_options *options, struct multi **ret_multi, struct error *error);
/* Nothing is run. Accepts NULL. */
void multi_free(struct multi *multi);
const struct libcurl *multi_curl(const struct multi *multi);
/* How many connections it has now, used and kept. */
size_t multi_connections(const struct multi *multi);

/* What every exchange keeps to: HTTP/1.1 over http or https alone, no proxy of the environment, no signals, and no wait
 * for a name's look-up when it is given up. */
void multi_set_rules(const struct libcurl *curl, CURL *easy);
/* What https may agree on (driver/tls.h), and the certificates in PEM that it trusts, copied; empty: the system's. */
bool multi_set_tls(const struct libcurl *curl, CURL *easy, const struct text *authorities);
/* Sets the option to the text, which is copied; an empty one is not set. */
bool multi_set_blob(const struct libcurl *curl, CURL *easy, CURLoption option, const struct text *pem);

/* Has run->easy, which is set up but for its sockets, run; ERR_NO_MEMORY, and on_end will not be called. */
int multi_start(struct multi *multi, struct multi_run *run);
/* Gives it up in silence; its connection is closed. */
void multi_stop(struct multi *multi, struct multi_run *run);

/* The file's content, certificates in PEM of at most 4 MiB, into ret_pem, which is initialized with that limit or a
 * lower one. ERR_INVALID. */
#define MULTI_PEM_MAX ((size_t)4 * 1024 * 1024)
int multi_read_certificates(const char *path, struct text *ret_pem, struct error *error);
/* Likewise a key. */
int multi_read_key(const char *path, struct text *ret_pem, struct error *error);

#endif
