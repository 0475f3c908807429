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

struct rabbit_host {
	const char *username; /* the broker's own */
	struct client *client;
	struct rabbit_target target;
	struct sweeps sweeps;
};

/* The steps of each kind of call, in the file of its name; update and adopt are in provision.c, unbind and renew (a
 * bind under call->renew) in bind.c, restore in retire.c, check in observe.c, list in list.c, and both about marks in
 * mark.c. */
extern const struct step rabbitmq_provision_steps[];
extern const struct step rabbitmq_update_steps[];
extern const struct step rabbitmq_adopt_steps[];
extern const struct step rabbitmq_deprovision_steps[];
extern const struct step rabbitmq_bind_steps[];
extern const struct step rabbitmq_renew_steps[];
extern const struct step rabbitmq_unbind_steps[];
extern const struct step rabbitmq_check_steps[];
extern const struct step rabbitmq_observe_steps[];
extern const struct step rabbitmq_retire_steps[];
extern const struct step rabbitmq_restore_steps[];
extern const struct step rabbitmq_inspect_steps[];
extern const struct step rabbitmq_list_steps[];
extern const struct step rabbitmq_read_mark_steps[];
extern const struct step rabbitmq_write_mark_steps[];

#endif
