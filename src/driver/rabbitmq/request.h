/* Requests: their bodies, and what they ask for: the rights of logins, the limits of plans.
 * Source: RabbitMQ's management HTTP API, https://www.rabbitmq.com/docs/management */
#ifndef DRIVER_RABBITMQ_REQUEST_H
#define DRIVER_RABBITMQ_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"
#include "driver/client.h"
#include "model/model.h"

#define LIMITS_COUNT 2

/* How a user's password is kept: the salt, and the hash over both. */
#define RABBITMQ_SALT_BYTES 4
#define RABBITMQ_HASHING    "rabbit_password_hashing_sha256"

/* How the description of a vhost begins that the broker has made, and what comes before the incarnation at its end. */
#define VHOST_OF_BROKER "tsuru: "
#define VHOST_INSTANCE  ", instance "

/* Regular expressions over the names of queues and exchanges. */
struct rights {
	const char *configure, *write, *read;
};

struct limit {
	const char *key;  /* in a plan */
	const char *name; /* on the server */
};

struct rabbit_limits {
	const char *path; /* the first part of theirs in the API */
	struct limit items[LIMITS_COUNT];
};

extern const struct rabbit_limits rabbitmq_vhost_limits, rabbitmq_user_limits;

/* client_start; body NULL or empty: none. */
struct client_exchange *rabbitmq_send(struct client *client, const char *method, const struct text *path,
                                      const struct text *body, int64_t timeout, client_done *on_done, void *arg);

const struct rights *rabbitmq_rights(bool read_only);

/* A new vhost; the description tells people and later calls whose it is. */
void rabbitmq_write_vhost(const struct instance *instance, struct text *ret_body);
/* A user without tags, so without the management API. It holds a salted hash of the password, never the password. */
void rabbitmq_write_user(const char *password, struct text *ret_body);
void rabbitmq_write_rights(bool read_only, struct text *ret_body);

#endif
