/* Retained instances: each is dropped when its time is over. */
#ifndef BROKER_RETENTION_H
#define BROKER_RETENTION_H

#include "broker/internal.h"

void retention_open(struct broker *broker);
void retention_close(struct broker *broker);
/* Another instance is retained: it may be the first to go. */
void retention_changed(struct broker *broker);

#endif
