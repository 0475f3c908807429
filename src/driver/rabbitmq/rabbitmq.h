/* The rabbitmq driver: vhosts on RabbitMQ 3.10 and later, by its management API. An instance is a vhost, a bind a user
 * with rights in that vhost only. */
#ifndef DRIVER_RABBITMQ_RABBITMQ_H
#define DRIVER_RABBITMQ_RABBITMQ_H

#include <stdbool.h>
#include <stddef.h>

#include "driver/client.h"
#include "driver/driver.h"
#include "sweep.h"
#include "target.h"

struct host {
	const struct server *server;
	const char *username; /* the broker's own */
	struct client *client;
	struct target target;
	struct sweeps sweeps;
};

struct rabbitmq {
	const struct driver_context *context;
	const struct service *service;
	size_t host_count;   /* opened */
	struct host hosts[]; /* one for each of the service's servers, in their order */
};

/* The slots of the vtable, each in the file of its name; update and adopt are in provision.c, unbind in bind.c, restore
 * in retire.c, check in observe.c, list in list.c, and both about marks in mark.c. */
void rabbitmq_provision(void *state, struct driver_call *call);
void rabbitmq_update(void *state, struct driver_call *call);
void rabbitmq_adopt(void *state, struct driver_call *call);
void rabbitmq_deprovision(void *state, struct driver_call *call);
void rabbitmq_bind(void *state, struct driver_call *call);
void rabbitmq_unbind(void *state, struct driver_call *call);
void rabbitmq_check(void *state, struct driver_call *call);
void rabbitmq_observe(void *state, struct driver_call *call);
void rabbitmq_retire(void *state, struct driver_call *call);
void rabbitmq_restore(void *state, struct driver_call *call);
void rabbitmq_inspect(void *state, struct driver_call *call);
void rabbitmq_list(void *state, struct driver_call *call);
void rabbitmq_read_mark(void *state, struct driver_call *call);
void rabbitmq_write_mark(void *state, struct driver_call *call);

#endif
