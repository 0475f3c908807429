/* Crash points: each one that is passed is written to the log of points, and the program ends at the one that the test
 * asked for. Built only with CRASH_POINTS, for tests. */
#include "base/crash.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME_SIZE 100

static void note(const char *path, const char *name)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	if (fd < 0 || dprintf(fd, "%s\n", name) < 0)
		abort(); /* without its log the test would miss points */
	close(fd);
}

/* At which pass of the point the program ends, if wanted is "NAME" (the first) or "NAME:N"; 0 when wanted is another
 * point. Names hold colons, too. */
static unsigned long wanted_times(const char *wanted, const char *name)
{
	const size_t length = strlen(name);

	if (strncmp(wanted, name, length) != 0)
		return 0;
	return wanted[length] == '\0' ? 1 : wanted[length] == ':' ? strtoul(wanted + length + 1, NULL, 10) : 0;
}

void crash_pass(const char *format, ...)
{
	static unsigned long passed; /* of the wanted point, so far; a crash point has no context to hold it */
	const char *log = getenv("CRASH_LOG"), *wanted = getenv("CRASH_POINT");
	unsigned long times;
	char name[NAME_SIZE];
	va_list arguments;

	if (log == NULL && wanted == NULL)
		return;
	va_start(arguments, format);
	vsnprintf(name, sizeof(name), format, arguments);
	va_end(arguments);
	if (log != NULL)
		note(log, name);
	times = wanted != NULL ? wanted_times(wanted, name) : 0;
	if (times > 0 && ++passed == times)
		_exit(CRASH_STATUS);
}
