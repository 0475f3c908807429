/* The way to a connection: each address of each place of a target is tried, one after another, until a login to one has
 * gone through. */
#ifndef DRIVER_POSTGRES_DIAL_H
#define DRIVER_POSTGRES_DIAL_H

#include <stdbool.h>
#include <stddef.h>

#include "driver/driver.h"
#include "driver/resolver.h"
#include "target.h"

#define DIAL_ADDRESS_MAX 64 /* bytes of an address as a text, and a NUL */

/* From the loop, once; it may stop the dial. The connection is the receiver's to finish; NULL: no address gave one, and
 * error says why the last did not. */
typedef void dial_done(void *arg, const struct error *error, PGconn *connection);

struct dial {
	const struct driver_context *context; /* borrowed, as target and login */
	const struct pg_target *target;
	const struct target_login *login; /* NULL: the url's user */
	char *database;
	dial_done *on_done;
	void *arg;
	struct timer timer;                                   /* the start, then the limit of one address */
	size_t place;                                         /* of target->places, the one that is tried */
	struct resolution *resolution;                        /* of its name; NULL: none is under way */
	char addresses[RESOLVER_ADDRESSES][DIAL_ADDRESS_MAX]; /* of the place; "" for a unix socket */
	size_t address, address_count;
	struct login *logging_in; /* NULL: none */
	bool plain;               /* the connection asks for no options */
	bool denied;              /* an address said that the login's password is wrong */
	struct error error;       /* the last address's */
};

/* database is copied. 0, or ERR_NO_MEMORY: there is nothing to stop. */
int dial_start(struct dial *dial, const struct driver_context *context, const struct pg_target *target,
               const char *database, const struct target_login *login, dial_done *on_done, void *arg);
/* Gives it up in silence, in any state, and releases it. */
void dial_stop(struct dial *dial);

#endif
