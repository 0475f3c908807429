/* Sessions that outlive their password. RabbitMQ looks at a password when a client logs in, and lets it take its time
 * (10 s by `handshake_timeout`) to name its vhost; only then is it among the sessions that can be ended. So a while
 * after a login was changed or dropped, those of its sessions that began before are looked for once more. */
#ifndef DRIVER_RABBITMQ_SWEEP_H
#define DRIVER_RABBITMQ_SWEEP_H

#include <sys/queue.h>

#include "driver/client.h"
#include "driver/driver.h"

struct sweep;

LIST_HEAD(sweeps, sweep);

/* Plans one for a login whose sessions of before now are to end. What is planned is lost with the process, and when
 * memory is out. */
void rabbitmq_sweep_plan(struct sweeps *sweeps, const struct driver_context *context, struct client *client,
                         const char *vhost, const char *login);
/* Gives all of them up; before their client is freed. */
void rabbitmq_sweep_release(struct sweeps *sweeps);

#endif
