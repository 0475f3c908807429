/* Questions about files that an operator names. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdbool.h>

/* Whether path is there and is no regular file: a library that opens it would wait for a writer (a FIFO) or read
 * without an end (a device). Links are followed. */
bool file_is_special(const char *path);

#endif
