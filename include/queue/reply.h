/* What whoever waits for an operation is told. */
#ifndef QUEUE_REPLY_H
#define QUEUE_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "config/key.h"

struct broker_reply {
	int code;                       /* 0 or an error code */
	const char *text;               /* of the error; "" for 0 */
	bool pending;                   /* accepted and durable, the work still goes on */
	const struct pair *environment; /* bind */
	size_t environment_count;
};

#endif
