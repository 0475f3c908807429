/* What a program's answer holds, and the sentence among its messages. */
#ifndef DRIVER_EXEC_ANSWER_H
#define DRIVER_EXEC_ANSWER_H

#include <stddef.h>

#include "base/error.h"
#include "driver/driver.h"

#define ANSWER_SENTENCE_MAX 300 /* bytes */

typedef void answer_add(void *arg, const char *name, const char *value);

/* Reads the answer (which has a NUL behind it) to an action of that kind, and gives each result to add; nothing at all
 * counts as an empty object. ERR_REFUSED says what is wrong with it; some results may have been given by then. */
int answer_read(enum call_kind kind, const char *bytes, size_t length, answer_add *add, void *arg, struct error *error);

/* The last line that is not empty, without control characters and as valid UTF-8; "" when there is none. */
void answer_sentence(const char *messages, size_t length, char ret_sentence[ANSWER_SENTENCE_MAX + 1]);

#endif
