/* Memory that goes back to the system: a timer compares what is resident with what is in use. */
#include "cli/trim.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <unistd.h>

/* Resident bytes of our own, without those of files. */
static size_t own_bytes(void)
{
	unsigned long resident, shared;
	char text[128], *at = text;
	ssize_t length;
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	length = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (length <= 0)
		return 0;
	text[length] = '\0';
	(void)strtoul(at, &at, 10); /* all that is mapped */
	resident = strtoul(at, &at, 10);
	shared = strtoul(at, &at, 10);
	return resident > shared ? (resident - shared) * (size_t)sysconf(_SC_PAGESIZE) : 0;
}

static size_t unused_bytes(void)
{
	const struct mallinfo2 heap = mallinfo2();
	const size_t own = own_bytes(), used = heap.uordblks + heap.hblkhd;

	return own > used ? own - used : 0;
}

static void on_beat(void *arg)
{
	struct trim *trim = arg;
	const size_t unused = unused_bytes();

	if (unused < trim->kept)
		trim->kept = unused;
	if (unused > trim->kept + TRIM_SLACK) {
		malloc_trim(0);
		trim->kept = unused_bytes();
	}
	(void)timer_start(trim->timers, &trim->timer, TRIM_BEAT); /* its slot in the heap was just freed */
}

int trim_start(struct trim *trim, struct timers *timers, struct error *error)
{
	*trim = (struct trim){.timers = timers};
	timer_init(&trim->timer, on_beat, trim);
	return timer_start(timers, &trim->timer, TRIM_BEAT) != 0 ? error_no_memory(error) : 0;
}

void trim_stop(struct trim *trim)
{
	if (trim->timers != NULL)
		timer_stop(trim->timers, &trim->timer);
}
