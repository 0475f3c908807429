/* Asks the running broker for an answer, whatever it is: a listener whose loop turns. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "cli/address.h"
#include "cli/command.h"
#include "cli/load.h"

#define PING_TIMEOUT 3000 /* ms, for all of it */

static const char question[] = "GET / HTTP/1.1\r\nHost: ping\r\nConnection: close\r\n\r\n";
static const char answer[] = "HTTP/1.";

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static int wait_for(int fd, short events, int64_t deadline, struct error *error)
{
	struct pollfd wait = {.fd = fd, .events = events};
	int64_t left = deadline - now();
	int ready = left > 0 ? poll(&wait, 1, (int)left) : 0;

	if (ready < 0)
		return error_set(error, ERR_UNAVAILABLE, "%s", strerror(errno));
	if (ready == 0)
		return error_set(error, ERR_TIMEOUT, "no answer within %d ms", PING_TIMEOUT);
	return 0;
}

static int connect_by(int fd, const struct addrinfo *address, int64_t deadline, struct error *error)
{
	int failure = 0;
	socklen_t size = sizeof(failure);
	int rc;

	if (connect(fd, address->ai_addr, address->ai_addrlen) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return error_set(error, ERR_UNAVAILABLE, "%s", strerror(errno));
	rc = wait_for(fd, POLLOUT, deadline, error);
	if (rc != 0)
		return rc;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size) != 0)
		failure = errno;
	return failure != 0 ? error_set(error, ERR_UNAVAILABLE, "%s", strerror(failure)) : 0;
}

/* Reads as much as says that this is HTTP. */
static int read_answer(int fd, int64_t deadline, struct error *error)
{
	char bytes[sizeof(answer) - 1];
	size_t length = 0;

	while (length < sizeof(bytes)) {
		ssize_t count;
		int rc = wait_for(fd, POLLIN, deadline, error);

		if (rc != 0)
			return rc;
		count = recv(fd, bytes + length, sizeof(bytes) - length, 0);
		if (count <= 0)
			return error_set(error, ERR_UNAVAILABLE, "the connection was closed without an answer");
		length += (size_t)count;
	}
	if (memcmp(bytes, answer, sizeof(bytes)) != 0)
		return error_set(error, ERR_UNAVAILABLE, "the answer is not HTTP");
	return 0;
}

static int ask(const struct addrinfo *address, struct error *error)
{
	int64_t deadline = now() + PING_TIMEOUT;
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int rc;

	if (fd < 0)
		return error_set(error, ERR_INTERNAL, "%s", strerror(errno));
	rc = connect_by(fd, address, deadline, error);
	if (rc == 0 && send(fd, question, sizeof(question) - 1, MSG_NOSIGNAL) != (ssize_t)sizeof(question) - 1)
		rc = error_set(error, ERR_UNAVAILABLE, "the request cannot be sent");
	if (rc == 0)
		rc = read_answer(fd, deadline, error);
	close(fd);
	return rc;
}

static int ping(const struct listener *listener, struct error *error)
{
	const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
	struct addrinfo *address = NULL;
	char port[8];
	int rc;

	snprintf(port, sizeof(port), "%u", (unsigned)listener->port);
	if (getaddrinfo(address_reachable(listener->host), port, &hints, &address) != 0)
		return error_set(error, ERR_INVALID, "this is not an address");
	rc = ask(address, error);
	freeaddrinfo(address);
	return rc;
}

int run_ping(const struct invocation *invocation)
{
	struct config *config = NULL;
	struct error error;
	int rc;

	if (load_config(invocation, &config) != 0)
		return EXIT_FAILED;
	rc = ping(&config->listen, &error);
	if (rc != 0)
		fprintf(invocation->err, "tsuru-broker: the broker at %s does not answer: %s\n", config->listen.text,
		        error.text);
	config_free(config);
	return rc == 0 ? EXIT_GOOD : EXIT_FAILED;
}
