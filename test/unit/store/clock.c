#include "clock.h"

#include <stdatomic.h>
#include <time.h>

static _Atomic int64_t suspended; /* microseconds */

/* The linker sends the program's calls here. */
int __wrap_clock_gettime(clockid_t id, struct timespec *time);
int __real_clock_gettime(clockid_t id, struct timespec *time);

int __wrap_clock_gettime(clockid_t id, struct timespec *time)
{
	const int code = __real_clock_gettime(id, time);
	const int64_t us = suspended;

	if (code != 0 || id != CLOCK_BOOTTIME)
		return code;
	time->tv_nsec += (long)(us % 1000000) * 1000;
	time->tv_sec += (time_t)(us / 1000000) + time->tv_nsec / 1000000000;
	time->tv_nsec %= 1000000000;
	return 0;
}

void clock_suspend(int64_t us)
{
	suspended += us;
}
