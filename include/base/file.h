/* Files and directories that an operator names. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdbool.h>

#include "base/error.h"

/* Whether path is there and is no regular file: a library that opens it would wait for a writer (a FIFO) or read
 * without an end (a device). Links are followed. */
bool file_is_special(const char *path);
/* Makes the names of the files in a directory durable. */
int file_sync_directory(const char *path, struct error *error);

#endif
