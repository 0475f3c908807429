/* What apps are told of a server: where AMQP is spoken, which the management API's url says only in part.
 * Neighbours: rabbitmq.c has the keys, bind.c tells an app. */
#ifndef DRIVER_RABBITMQ_TARGET_H
#define DRIVER_RABBITMQ_TARGET_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"
#include "config/key.h"

struct rabbit_target {
	const char *host; /* a name or an address, without brackets */
	const char *port;
	bool tls;
	struct arena arena;
};

/* On success the target is the caller's, to be released. */
int rabbitmq_target_init(struct rabbit_target *target, const struct options *options, struct error *error);
void rabbitmq_target_release(struct rabbit_target *target);

/* The check of the key `amqp_host`: a name or an address, without a port and without brackets. */
int rabbitmq_target_check_host(const char *name, const char *value, struct error *error);
/* The url for an app, every part percent-encoded. */
void rabbitmq_target_app_url(const struct rabbit_target *target, const char *vhost, const char *user,
                             const char *password, struct text *ret_url);

#endif
