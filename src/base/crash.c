/* Passing a crash point: it is written to the log of points, and the program ends if it is the one that was asked for.
 * Built only with CRASH_POINTS, for tests. */
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
		abort(); /* the test would miss points */
	close(fd);
}

/* How often the point has to be passed by wanted, "NAME" or "NAME:N"; 0: it is another one. Names hold colons, too. */
static unsigned long wanted_times(const char *wanted, const char *name)
{
	const size_t length = strlen(name);

	if (strncmp(wanted, name, length) != 0)
		return 0;
	return wanted[length] == '\0' ? 1 : wanted[length] == ':' ? strtoul(wanted + length + 1, NULL, 10) : 0;
}

void crash_pass(const char *format, ...)
{
	static unsigned long passed; /* the wanted point, so far: a point has no context that could hold it */
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
