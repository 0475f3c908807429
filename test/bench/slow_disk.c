/* An LD_PRELOAD shim: every sync takes SLOW_DISK_US microseconds longer, as on a disk across a network. A write to a
 * file that was opened with O_DSYNC is a sync, too: LMDB writes its meta pages so. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int slow_fsync(int fd) __asm__("fsync");
int slow_fdatasync(int fd) __asm__("fdatasync");
ssize_t slow_pwrite(int fd, const void *bytes, size_t length, off_t offset) __asm__("pwrite");
ssize_t slow_pwrite64(int fd, const void *bytes, size_t length, off_t offset) __asm__("pwrite64");

static void wait_for_disk(void)
{
	const char *us = getenv("SLOW_DISK_US");
	const long delay = us != NULL ? atol(us) : 0;
	const struct timespec pause = {.tv_sec = delay / 1000000, .tv_nsec = delay % 1000000 * 1000};

	clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
}

int slow_fsync(int fd)
{
	int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");

	wait_for_disk();
	return real(fd);
}

int slow_fdatasync(int fd)
{
	int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");

	wait_for_disk();
	return real(fd);
}

ssize_t slow_pwrite(int fd, const void *bytes, size_t length, off_t offset)
{
	ssize_t (*real)(int, const void *, size_t, off_t) =
	    (ssize_t(*)(int, const void *, size_t, off_t))dlsym(RTLD_NEXT, "pwrite");

	if ((fcntl(fd, F_GETFL) & O_DSYNC) != 0)
		wait_for_disk();
	return real(fd, bytes, length, offset);
}

ssize_t slow_pwrite64(int fd, const void *bytes, size_t length, off_t offset)
{
	return slow_pwrite(fd, bytes, length, offset);
}
