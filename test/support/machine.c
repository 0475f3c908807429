/* A machine that fails on command, preloaded into the program (LD_PRELOAD): its disk and its wall clock. What fails is
 * said by a file that both sides map, named by MACHINE: see machine.py, its other side. Opens for writing fail below
 * MACHINE_DATA only; the other calls are the store's alone. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define NSEC 1000000000
#define META (2 * 4096) /* bytes: LMDB's two pages in front, of which the last write of a commit is one */

/* In machine.py's order. */
struct control {
	_Atomic int64_t sync_error, write_error, meta_error, open_error; /* an errno; 0: none */
	_Atomic int64_t clock_ms;                                        /* added to the wall clock */
	_Atomic int64_t failed;                                          /* how many calls were failed */
};

static struct control none;
static struct control *control = &none;

__attribute__((constructor)) static void map_control(void)
{
	const char *path = getenv("MACHINE");
	const int fd = path != NULL ? (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC) : -1;
	void *map = fd >= 0 ? mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;

	if (map == MAP_FAILED)
		abort();
	close(fd);
	control = map;
}

static int fails(_Atomic int64_t *error)
{
	const int code = (int)atomic_load(error);

	if (code == 0)
		return 0;
	atomic_fetch_add(&control->failed, 1);
	errno = code;
	return code;
}

/* ---- the disk ---- */

int fsync(int fd)
{
	return fails(&control->sync_error) ? -1 : (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	return fails(&control->sync_error) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int msync(void *address, size_t length, int flags)
{
	return fails(&control->sync_error) ? -1 : (int)syscall(SYS_msync, address, length, flags);
}

static int is_data(int fd)
{
	const char *data = getenv("MACHINE_DATA");
	char link[32], path[4096];
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, path, sizeof(path) - 1);
	return data != NULL && length >= (ssize_t)strlen(data) && memcmp(path, data, strlen(data)) == 0;
}

/* Asks for the path only when there is something to fail: the log is written by the same call. */
static int write_fails(int fd)
{
	return atomic_load(&control->write_error) != 0 && is_data(fd) && fails(&control->write_error);
}

ssize_t write(int fd, const void *bytes, size_t length)
{
	return write_fails(fd) ? -1 : syscall(SYS_write, fd, bytes, length);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
	return write_fails(fd) ? -1 : syscall(SYS_writev, fd, parts, count);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset)
{
	if (offset < META ? fails(&control->meta_error) : write_fails(fd))
		return -1;
	return syscall(SYS_pwrite64, fd, bytes, length, offset);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset)
{
	return pwrite(fd, bytes, length, offset);
}

int posix_fallocate(int fd, off_t offset, off_t length)
{
	const int code = fails(&control->write_error);

	if (code != 0)
		return code;
	return syscall(SYS_fallocate, fd, 0, offset, length) == 0 ? 0 : errno;
}

/* ---- opening for writing ---- */

static int is_refused(const char *path, int flags)
{
	const char *data = getenv("MACHINE_DATA");

	return (flags & (O_WRONLY | O_RDWR | O_CREAT)) != 0 && data != NULL && strncmp(path, data, strlen(data)) == 0 &&
	       fails(&control->open_error);
}

static int open_at(const char *path, int flags, va_list arguments)
{
	const unsigned mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, unsigned) : 0;

	return is_refused(path, flags) ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int open(const char *path, int flags, ...)
{
	va_list arguments;
	int fd;

	va_start(arguments, flags);
	fd = open_at(path, flags, arguments);
	va_end(arguments);
	return fd;
}

int open64(const char *path, int flags, ...)
{
	va_list arguments;
	int fd;

	va_start(arguments, flags);
	fd = open_at(path, flags | O_LARGEFILE, arguments);
	va_end(arguments);
	return fd;
}

/* ---- the wall clock ---- */

int clock_gettime(clockid_t id, struct timespec *ret_now)
{
	int64_t ms;

	if (syscall(SYS_clock_gettime, id, ret_now) != 0)
		return -1;
	if (id != CLOCK_REALTIME && id != CLOCK_REALTIME_COARSE)
		return 0;
	ms = atomic_load(&control->clock_ms);
	ret_now->tv_sec += ms / 1000;
	ret_now->tv_nsec += ms % 1000 * 1000000;
	if (ret_now->tv_nsec >= NSEC || ret_now->tv_nsec < 0) {
		const int sign = ret_now->tv_nsec < 0 ? -1 : 1;

		ret_now->tv_sec += sign;
		ret_now->tv_nsec -= (long)sign * NSEC;
	}
	return 0;
}

int gettimeofday(struct timeval *ret_now, void *zone)
{
	struct timespec now;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &now);
	*ret_now = (struct timeval){.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
	return 0;
}

time_t time(time_t *ret_now)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (ret_now != NULL)
		*ret_now = now.tv_sec;
	return now.tv_sec;
}
