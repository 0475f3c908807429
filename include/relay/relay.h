/* Requests that a broker which stands by passes on to the active one of those that share its store, as they came:
 * method, target, end-to-end headers and body; and the answer back. One relay serves one listener.
 *
 * While nobody is known to be the active one, and after an attempt that brought no answer, a request is held, and sent
 * (again, with the same id) as soon as somebody is; or it is given back, when this broker has become the active one
 * itself. A request that was sent and whose active one has been followed by another is held and sent again, too, a
 * second later: what that one had answered is here by then. What is to be done once is not sent again. */
#ifndef RELAY_RELAY_H
#define RELAY_RELAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/secret.h"
#include "base/timer.h"
#include "relay/address.h"
#include "relay/measure.h"
#include "relay/request.h"
#include "relay/trust.h"

struct event_base;
struct relay;

/* Copied; what it points to is borrowed until relay_close. */
struct relay_options {
	struct event_base *base;
	struct timers *timers;
	enum relay_listener listener;          /* whose requests it passes on, to the same of the active one */
	const char *name;                      /* this broker's */
	const struct keyring *keyring;         /* that it vouches by; see relay_use */
	const struct relay_measures *measures; /* NULL: nothing is measured */
};

/* trust is the relay's from here, also when this fails. */
int relay_open(const struct relay_options *options, struct relay_trust *trust, struct relay **ret_relay,
               struct error *error);
/* Drops what is held and under way in silence. Accepts NULL. */
void relay_close(struct relay *relay);
/* Others in their place. NULL stays as it is. trust is the relay's from here. */
void relay_use(struct relay *relay, const struct keyring *keyring, struct relay_trust *trust);

/* Who is the active one. */
struct relay_active {
	bool is_self;
	const char *name;
	const char *address; /* "http://host:port" or https; "": it cannot be reached, or there is none */
	uint64_t epoch;      /* when it became that: another number, another one, also of the same name */
};

/* Copied. What is held is sent, or given back; on_done may be called inside. */
void relay_set_active(struct relay *relay, const struct relay_active *active);

/* How many it has that have not ended, also of clients that have gone; 0 of NULL. */
size_t relay_count(const struct relay *relay);
/* 0: on_done will fire. ERR_NO_MEMORY: it will not. */
int relay_pass(struct relay *relay, const struct relay_request *request, relay_done *on_done, void *arg,
               struct error *error);

#endif
