/* A load as tsuru makes it: each of the clients sends one request after the other, each on a connection of its own (or,
 * with -k, on one kept connection), with Basic auth and a body. Prints what it saw as one line of JSON.
 *
 * Usage: bench_load [-c CLIENTS] [-d SECONDS] [-n REQUESTS] [-k] [-a USER:PASSWORD] [-s FIRST] [-r RANGE]
 *                   PORT METHOD PATH BODY [METHOD PATH BODY ...]
 * A client goes through its METHOD PATH BODY steps in turn. In PATH and BODY, %d is the number of the round, counted
 * over all clients from FIRST on (at random below RANGE, with -r), and %c the client's. An empty BODY sends none. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define REQUEST_MAX 4096
#define ANSWER_MAX  65536
#define STEPS_MAX   8
#define PATIENCE    ((int64_t)60 * 1000 * 1000) /* us that an answer may take */

struct step {
	const char *method, *path, *body;
	uint32_t *latencies; /* us */
	size_t count, capacity;
};

struct client {
	int fd; /* -1: none */
	int number;
	size_t step;
	long round;
	int64_t began; /* us */
	bool connecting, registered, done;
	size_t length, sent, received;
	char request[REQUEST_MAX];
	char answer[ANSWER_MAX];
};

struct load {
	int clients_wanted, port;
	double seconds;
	long requests; /* 0: until the time is over */
	bool keep;
	char credentials[512];
	long next, range;
	struct step steps[STEPS_MAX];
	size_t step_count;

	int epoll;
	struct client *clients;
	int64_t end;
	long started, failed, statuses[600];
	int running;
};

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void die(const char *what)
{
	fprintf(stderr, "bench_load: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ---- what is sent ---- */

static void expand(const char *template, const struct client *client, char *ret_text, size_t size)
{
	size_t length = 0;

	for (const char *at = template; *at != '\0' && length + 24 < size; at++) {
		if (at[0] == '%' && (at[1] == 'd' || at[1] == 'c')) {
			const long number = at[1] == 'd' ? client->round : client->number;

			length += (size_t)snprintf(ret_text + length, size - length, "%ld", number);
			at++;
		} else {
			ret_text[length++] = *at;
		}
	}
	ret_text[length] = '\0';
}

static void write_request(const struct load *load, struct client *client)
{
	const struct step *step = &load->steps[client->step];
	char path[512], body[1024], content[128] = "";

	expand(step->path, client, path, sizeof(path));
	expand(step->body, client, body, sizeof(body));
	if (body[0] != '\0')
		snprintf(content, sizeof(content),
		         "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %zu\r\n", strlen(body));
	client->length = (size_t)snprintf(client->request, sizeof(client->request),
	                                  "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAuthorization: Basic %s\r\nAccept: "
	                                  "application/json\r\n%s%s\r\n%s",
	                                  step->method, path, load->port, load->credentials, content,
	                                  load->keep ? "" : "Connection: close\r\n", body);
}

/* ---- a client's turn ---- */

static void drop(struct client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	client->fd = -1;
	client->registered = false;
}

static void begin_request(struct load *load, struct client *client);

static void note(struct load *load, struct client *client, int status)
{
	struct step *step = &load->steps[client->step];

	load->statuses[status]++;
	if (step->count == step->capacity) {
		step->capacity = step->capacity > 0 ? step->capacity * 2 : 4096;
		step->latencies = realloc(step->latencies, step->capacity * sizeof(*step->latencies));
		if (step->latencies == NULL)
			die("memory");
	}
	step->latencies[step->count++] = (uint32_t)(now_us() - client->began);
}

static bool is_over(const struct load *load)
{
	return load->requests > 0 ? load->started >= load->requests : now_us() >= load->end;
}

static void next_request(struct load *load, struct client *client)
{
	client->step = (client->step + 1) % load->step_count;
	if (client->step == 0 && is_over(load)) {
		drop(client);
		client->done = true;
		load->running--;
		return;
	}
	begin_request(load, client);
}

static void fail(struct load *load, struct client *client)
{
	load->failed++;
	drop(client);
	next_request(load, client);
}

static void connect_client(const struct load *load, struct client *client)
{
	const struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_port = htons((uint16_t)load->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const int one = 1;

	client->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (client->fd < 0)
		die("socket");
	setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(client->fd, (const struct sockaddr *)&address, sizeof(address)) != 0 && errno != EINPROGRESS)
		die("connect");
}

static void watch(const struct load *load, struct client *client, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = client};

	if (epoll_ctl(load->epoll, client->registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, client->fd, &event) != 0)
		die("epoll_ctl");
	client->registered = true;
}

static void begin_request(struct load *load, struct client *client)
{
	if (client->step == 0)
		client->round = load->range > 0 ? (long)randombytes_uniform((uint32_t)load->range) : load->next++;
	write_request(load, client);
	load->started++;
	client->sent = client->received = 0;
	client->began = now_us();
	if (client->fd < 0)
		connect_client(load, client);
	watch(load, client, EPOLLOUT);
}

static void send_more(struct load *load, struct client *client)
{
	const ssize_t count =
	    send(client->fd, client->request + client->sent, client->length - client->sent, MSG_NOSIGNAL);

	if (count < 0 && errno == EAGAIN)
		return;
	if (count < 0) {
		fail(load, client);
		return;
	}
	client->sent += (size_t)count;
	if (client->sent == client->length)
		watch(load, client, EPOLLIN);
}

/* How long the whole answer is, from its head; 0: not known yet. */
static size_t answer_length(const struct client *client)
{
	const char *end = strstr(client->answer, "\r\n\r\n");
	const char *length = strcasestr(client->answer, "\r\nContent-Length:");

	if (end == NULL)
		return 0;
	return (size_t)(end + 4 - client->answer) +
	       (length != NULL && length < end ? strtoul(length + 17, NULL, 10) : 0);
}

static void take_answer(struct load *load, struct client *client)
{
	const int status = atoi(client->answer + strlen("HTTP/1.1 "));

	if (status < 100 || status > 599) {
		fail(load, client);
		return;
	}
	note(load, client, status);
	if (!load->keep)
		drop(client);
	next_request(load, client);
}

/* On a connection of its own, an answer ends with it: so the server's part of the closing counts, too. */
static void receive_more(struct load *load, struct client *client)
{
	const ssize_t count = recv(client->fd, client->answer + client->received, ANSWER_MAX - 1 - client->received, 0);
	size_t length;

	if (count < 0 && errno == EAGAIN)
		return;
	if (count < 0) {
		fail(load, client);
		return;
	}
	client->received += (size_t)count;
	client->answer[client->received] = '\0';
	length = answer_length(client);
	if (count == 0 && (length == 0 || client->received < length))
		fail(load, client);
	else if (load->keep ? length > 0 && client->received >= length : count == 0)
		take_answer(load, client);
}

/* ---- the whole ---- */

static void drop_late(struct load *load)
{
	for (int i = 0; i < load->clients_wanted; i++) {
		struct client *client = &load->clients[i];

		if (!client->done && now_us() - client->began > PATIENCE)
			fail(load, client);
	}
}

static void run(struct load *load)
{
	struct epoll_event events[256];

	while (load->running > 0) {
		const int count = epoll_wait(load->epoll, events, 256, 1000);

		for (int i = 0; i < count; i++) {
			struct client *client = events[i].data.ptr;

			if (client->sent < client->length)
				send_more(load, client);
			else
				receive_more(load, client);
		}
		if (count == 0)
			drop_late(load);
	}
}

static int compare(const void *left, const void *right)
{
	const uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return a < b ? -1 : a > b;
}

static uint32_t percentile(const struct step *step, double share)
{
	return step->count > 0 ? step->latencies[(size_t)((double)(step->count - 1) * share)] : 0;
}

static void print(struct load *load, double seconds)
{
	const char *comma = "";
	size_t count = 0;

	for (size_t i = 0; i < load->step_count; i++)
		count += load->steps[i].count;
	printf("{\"requests\": %zu, \"failed\": %ld, \"seconds\": %.6f, \"next\": %ld, \"statuses\": {", count,
	       load->failed, seconds, load->next);
	for (int i = 0; i < 600; i++) {
		if (load->statuses[i] > 0) {
			printf("%s\"%d\": %ld", comma, i, load->statuses[i]);
			comma = ", ";
		}
	}
	printf("}, \"steps\": [");
	for (size_t i = 0; i < load->step_count; i++) {
		struct step *step = &load->steps[i];

		if (step->count > 0)
			qsort(step->latencies, step->count, sizeof(*step->latencies), compare);
		printf("%s{\"count\": %zu, \"p50_us\": %u, \"p90_us\": %u, \"p99_us\": %u, \"max_us\": %u}",
		       i > 0 ? ", " : "", step->count, percentile(step, 0.5), percentile(step, 0.9),
		       percentile(step, 0.99), percentile(step, 1));
	}
	printf("]}\n");
}

static void set_credentials(struct load *load, const char *credentials)
{
	if (sodium_base64_encoded_len(strlen(credentials), sodium_base64_VARIANT_ORIGINAL) > sizeof(load->credentials))
		die("credentials are too long");
	sodium_bin2base64(load->credentials, sizeof(load->credentials), (const unsigned char *)credentials,
	                  strlen(credentials), sodium_base64_VARIANT_ORIGINAL);
}

static void usage(void)
{
	fprintf(stderr, "usage: bench_load [-c CLIENTS] [-d SECONDS] [-n REQUESTS] [-k] [-a USER:PASSWORD] [-s FIRST] "
	                "[-r RANGE] PORT METHOD PATH BODY [METHOD PATH BODY ...]\n");
	exit(2);
}

static void parse_options(struct load *load, int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "c:d:n:ka:s:r:")) != -1) {
		switch (option) {
		case 'c':
			load->clients_wanted = atoi(optarg);
			break;
		case 'd':
			load->seconds = atof(optarg);
			break;
		case 'n':
			load->requests = atol(optarg);
			break;
		case 'k':
			load->keep = true;
			break;
		case 'a':
			set_credentials(load, optarg);
			break;
		case 's':
			load->next = atol(optarg);
			break;
		case 'r':
			load->range = atol(optarg);
			break;
		default:
			usage();
		}
	}
	if (argc - optind < 4 || (argc - optind - 1) % 3 != 0 || (argc - optind - 1) / 3 > STEPS_MAX ||
	    load->clients_wanted < 1)
		usage();
	load->port = atoi(argv[optind]);
	for (int i = optind + 1; i + 2 < argc; i += 3)
		load->steps[load->step_count++] =
		    (struct step){.method = argv[i], .path = argv[i + 1], .body = argv[i + 2]};
}

int main(int argc, char **argv)
{
	struct load load = {.clients_wanted = 1, .seconds = 1};
	int64_t begin;

	parse_options(&load, argc, argv);
	load.clients = calloc((size_t)load.clients_wanted, sizeof(*load.clients));
	load.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (load.clients == NULL || load.epoll < 0 || sodium_init() < 0)
		die("starting");
	begin = now_us();
	load.end = begin + (int64_t)(load.seconds * 1e6);
	load.running = load.clients_wanted;
	for (int i = 0; i < load.clients_wanted; i++) {
		load.clients[i].fd = -1;
		load.clients[i].number = i;
		begin_request(&load, &load.clients[i]);
	}
	run(&load);
	print(&load, (double)(now_us() - begin) / 1e6);
	return 0;
}
