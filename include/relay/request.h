/* What is passed on, and how that may end. */
#ifndef RELAY_REQUEST_H
#define RELAY_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "http/http.h"

#define RELAY_ANSWER_MAX ((size_t)16 * 1024 * 1024) /* bytes of an answer's body */

/* In a 503 of a broker that was taken for the active one, and stands by: the request is held, and sent again. */
#define RELAY_STANDBY_HEADER "X-Tsuru-Broker-Standby"

enum relay_outcome {
	RELAY_ANSWERED, /* by the active one */
	RELAY_OWN,      /* this broker is the active one: it was given back, and may have been sent before */
	RELAY_LATE,     /* its time is over, without an answer */
	RELAY_FAILED,   /* the answer cannot be used; it is not sent again */
	RELAY_BROKEN,   /* it is once, and whoever it was sent to has not answered, and does not any more */
	RELAY_LEFT,     /* its client has gone before it was sent to anybody */
	RELAY_OUTCOMES
};

/* All is borrowed for the call. */
struct relay_end {
	enum relay_outcome outcome;
	const char *active;               /* to whom it was sent last; NULL: to nobody */
	bool was_sent;                    /* to it or to one before: somebody may have begun with it */
	const struct http_passed *answer; /* RELAY_ANSWERED */
	const struct error *error;        /* why not: RELAY_LATE (code 0: there was nobody), RELAY_FAILED, _BROKEN */
};

/* Fires once, from the loop, never inside relay_pass. It is for the callback to reply. */
typedef void relay_done(void *arg, const struct relay_end *end);

struct relay_request {
	struct http_request *http; /* not replied to before on_done */
	const char *id;            /* its own, one to VOUCHER_ID_MAX bytes; borrowed until on_done */
	int64_t wait;              /* ms of all the time in which nobody has it */
	int64_t answer_within;     /* ms that the active one may take; then it is late */
	bool is_brief;             /* `wait` is for all of it, an answer included */
	bool is_once;              /* sent to one, who may have begun with it, it is not sent again */
};

#endif
