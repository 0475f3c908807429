/* The line of progress. Neighbours: ctl_do.c, ctl_long.c and transfer.c, which have something to tell. */
#include "cli/progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define POLL_INTERVAL 300 /* ms */

void progress_begin(struct progress_line *progress, bool wanted)
{
	progress->shown = wanted && isatty(STDERR_FILENO);
}

void progress_show(const struct progress_line *progress, const char *what, size_t count)
{
	if (progress->shown)
		fprintf(stderr, "\r\033[K%s: %zu ", what, count);
}

void progress_end(const struct progress_line *progress)
{
	if (progress->shown)
		fputs("\r\033[K", stderr);
}

void progress_pause(void)
{
	const struct timespec moment = {.tv_nsec = POLL_INTERVAL * 1000000L};

	nanosleep(&moment, NULL);
}
