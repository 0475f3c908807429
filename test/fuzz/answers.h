/* Answers as they came over a connection, read as strictly as they have to be written. */
#ifndef FUZZ_ANSWERS_H
#define FUZZ_ANSWERS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

#define ANSWERS_MAX 512

struct answers {
	size_t count;
	int statuses[ANSWERS_MAX]; /* interim ones (100) are left out */
};

/* Aborts when bytes are anything else than a row of whole answers: a status line, headers that are words with a colon,
 * Content-Length with just as many bytes behind (a HEAD's answer has none), and nothing behind one that closes. */
void answers_read(struct answers *answers, const struct text *bytes);
/* Whether they are as many, with the same statuses; otherwise both are shown. */
bool answers_equal(const struct answers *one, const struct answers *other);

#endif
