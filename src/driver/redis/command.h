/* Commands to be sent at once: words gathered into commands, commands into the bytes of a batch. Neighbours: link.c
 * sends them, acl.c makes those about users. */
#ifndef DRIVER_REDIS_COMMAND_H
#define DRIVER_REDIS_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/text.h"

#define BATCH_MAX (128 * 1024 * 1024) /* bytes */

struct redis_batch {
	struct text bytes;
	size_t count; /* commands, so answers to expect */
	bool failed;  /* memory ran out */

	/* the command that is being built */
	struct arena arena;
	const char **words;
	size_t *lengths;
	size_t word_count, word_capacity;
};

void batch_init(struct redis_batch *batch);
/* Wipes what it held. */
void batch_release(struct redis_batch *batch);
/* Empties it. */
void batch_reset(struct redis_batch *batch);

/* One command of words, ended by NULL. */
void batch_command(struct redis_batch *batch, ...) __attribute__((sentinel));

/* A command of any length: words, then the end. text is borrowed until the end; a formatted word is not. */
void batch_word(struct redis_batch *batch, const char *text);
void batch_bytes(struct redis_batch *batch, const char *bytes, size_t length);
void batch_format(struct redis_batch *batch, const char *format, ...) __attribute__((format(printf, 2, 3)));
void batch_end(struct redis_batch *batch);

#endif
