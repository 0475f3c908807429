/* How long a program takes from its start to its first answer. Usage: bench_start PORT REQUEST-LINE CREDENTIALS COMMAND
 * ... Starts COMMAND, asks 127.0.0.1:PORT until it answers 200 or 204, prints the microseconds and the process's id,
 * and leaves it running. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sodium.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_US 600000000

extern char **environ;

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* 1: answered well; 0: nobody listens yet; -1: another answer. */
static int ask(int port, const char *request)
{
	const struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char answer[64] = "";
	int outcome = 0;

	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0) {
		outcome = -1;
		if (send(fd, request, strlen(request), MSG_NOSIGNAL) > 0 &&
		    recv(fd, answer, sizeof(answer) - 1, 0) > 0 && strncmp(answer, "HTTP/1.1 20", 11) == 0)
			outcome = 1;
	}
	close(fd);
	return outcome;
}

int main(int argc, char **argv)
{
	const struct timespec pause = {.tv_nsec = 50000};
	char request[1024], credentials[256];
	int64_t begin;
	posix_spawn_file_actions_t actions;
	int outcome;
	pid_t pid;

	if (argc < 5 || sodium_init() < 0) {
		fprintf(stderr, "usage: bench_start PORT REQUEST-LINE CREDENTIALS COMMAND ...\n");
		return 2;
	}
	sodium_bin2base64(credentials, sizeof(credentials), (const unsigned char *)argv[3], strlen(argv[3]),
	                  sodium_base64_VARIANT_ORIGINAL);
	snprintf(request, sizeof(request),
	         "%s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Basic %s\r\nConnection: close\r\n\r\n", argv[2],
	         credentials);
	/* Who reads our output must not wait for the program's end. */
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
	begin = now_us();
	if (posix_spawn(&pid, argv[4], &actions, NULL, argv + 4, environ) != 0) {
		perror(argv[4]);
		return 1;
	}
	while ((outcome = ask(atoi(argv[1]), request)) == 0) {
		if (waitpid(pid, NULL, WNOHANG) != 0 || now_us() - begin > PATIENCE_US) {
			fprintf(stderr, "%s does not answer\n", argv[4]);
			return 1;
		}
		clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
	}
	printf("{\"us\": %lld, \"pid\": %d}\n", (long long)(now_us() - begin), (int)pid);
	return outcome == 1 ? 0 : 1;
}
