/* The limit for durable writes: one page after the other onto the end of a file, each with its own fdatasync.
 * Usage: bench_disk DIRECTORY SECONDS. Prints one line of JSON. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096

static double now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	static const char page[PAGE];
	char path[4096];
	double begin, end;
	long count = 0;
	int fd;

	if (argc != 3) {
		fprintf(stderr, "usage: bench_disk DIRECTORY SECONDS\n");
		return 2;
	}
	snprintf(path, sizeof(path), "%s/pages", argv[1]);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	begin = now();
	end = begin + atof(argv[2]);
	while (now() < end) {
		if (write(fd, page, sizeof(page)) != sizeof(page) || fdatasync(fd) != 0) {
			perror(path);
			return 1;
		}
		count++;
	}
	printf("{\"requests\": %ld, \"seconds\": %.6f}\n", count, now() - begin);
	return 0;
}
