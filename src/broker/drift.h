/* The drift pass: every instance is looked at in turn, slowly, and then every server for what nobody knows of. */
#ifndef BROKER_DRIFT_H
#define BROKER_DRIFT_H

#include "broker/internal.h"

void drift_open(struct broker *broker);
/* Cancels and frees all. */
void drift_close(struct broker *broker);
/* The configuration is another: its interval counts from now on. */
void drift_reload(struct broker *broker);
/* A server came back, maybe without what it had: a pass begins now, or anew behind the one under way. Nothing is done
 * where passes are off (verify_interval: 0). */
void drift_hurry(void *arg);
/* What servers of the service have that nobody knows of. */
size_t drift_count_strays(const struct broker *broker, const char *service);

#endif
