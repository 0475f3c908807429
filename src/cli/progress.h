/* How far what takes long has come: a line on the terminal that is written over; elsewhere nothing. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

struct progress_line {
	bool shown;
};

/* It is shown when wanted and standard error is a terminal. */
void progress_begin(struct progress_line *progress, bool wanted);
void progress_show(const struct progress_line *progress, const char *what, size_t count);
/* Waits a moment, before it is asked again how far it has come. */
void progress_pause(void);
/* Wipes the line. */
void progress_end(const struct progress_line *progress);

#endif
