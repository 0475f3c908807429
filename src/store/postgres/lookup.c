#include "lookup.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"

#define HOST_MAX      256 /* bytes with the NUL */
#define ADDRESSES_MAX 8   /* of one name */

struct lookup {
	struct text asked[LOOKUP_LISTS]; /* hosts and ports */
	struct text found[LOOKUP_LISTS];
	size_t count;         /* of entries in what was found */
	struct error trouble; /* of the last host without an address */
	atomic_bool is_over;
	atomic_bool is_left; /* by one of the two sides: the other one frees it */
};

static void release(struct lookup *lookup)
{
	for (size_t i = 0; i < LOOKUP_LISTS; i++) {
		text_release(&lookup->asked[i]);
		text_release(&lookup->found[i]);
	}
	free(lookup);
}

static void leave(struct lookup *lookup)
{
	if (atomic_exchange(&lookup->is_left, true))
		release(lookup);
}

/* The next of a list, cut where it is too long; false at its end. */
static bool next_entry(const char **rest, char *ret_entry)
{
	const char *begin = *rest;
	size_t length, kept;

	if (begin == NULL)
		return false;
	length = strcspn(begin, ",");
	kept = length < HOST_MAX ? length : HOST_MAX - 1;
	memcpy(ret_entry, begin, kept);
	ret_entry[kept] = '\0';
	*rest = begin[length] == ',' ? begin + length + 1 : NULL;
	return true;
}

/* Neither an address nor a socket's directory. */
static bool is_name(const char *host)
{
	unsigned char address[sizeof(struct in6_addr)];

	return host[0] != '\0' && host[0] != '/' && host[0] != '@' && inet_pton(AF_INET, host, address) != 1 &&
	       inet_pton(AF_INET6, host, address) != 1;
}

bool lookup_is_needed(const char *hosts)
{
	char host[HOST_MAX];

	while (next_entry(&hosts, host))
		if (is_name(host))
			return true;
	return false;
}

/* ---- on the thread ---- */

static void add_entry(struct lookup *lookup, const char *host, const char *address, const char *port)
{
	const char *const entry[LOOKUP_LISTS] = {
	    [LOOKUP_HOSTS] = host, [LOOKUP_ADDRESSES] = address, [LOOKUP_PORTS] = port};

	for (size_t i = 0; i < LOOKUP_LISTS; i++) {
		text_add(&lookup->found[i], lookup->count > 0 ? "," : "");
		text_add(&lookup->found[i], entry[i]);
	}
	lookup->count++;
}

static void note_trouble(struct lookup *lookup, const char *host, int code)
{
	const bool is_known = code == EAI_NONAME || code == EAI_NODATA;

	error_set(&lookup->trouble, is_known ? ERR_NOT_FOUND : ERR_UNAVAILABLE, "\"%s\": %s", host, gai_strerror(code));
}

static void look_up(struct lookup *lookup, const char *host, const char *port)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *first = NULL;
	int code = getaddrinfo(host, NULL, &hints, &first), count = 0;

	for (const struct addrinfo *each = first; each != NULL && count < ADDRESSES_MAX; each = each->ai_next) {
		char address[NI_MAXHOST];

		code = getnameinfo(each->ai_addr, each->ai_addrlen, address, sizeof(address), NULL, 0, NI_NUMERICHOST);
		if (code != 0)
			break;
		add_entry(lookup, host, address, port);
		count++;
	}
	if (first != NULL)
		freeaddrinfo(first);
	if (code != 0)
		note_trouble(lookup, host, code);
}

static void *run(void *arg)
{
	struct lookup *lookup = arg;
	const char *hosts = text_string(&lookup->asked[LOOKUP_HOSTS]),
	           *ports = text_string(&lookup->asked[LOOKUP_PORTS]);
	char host[HOST_MAX], port[HOST_MAX] = "";

	while (next_entry(&hosts, host)) {
		(void)next_entry(&ports, port); /* the last one stays */
		if (is_name(host))
			look_up(lookup, host, port);
		else
			add_entry(lookup, host, host[0] == '/' || host[0] == '@' ? "" : host, port);
	}
	lookup->is_over = true;
	leave(lookup);
	return NULL;
}

/* ---- for whoever asks ---- */

static bool start_thread(struct lookup *lookup)
{
	pthread_t thread;

	if (thread_start(&thread, run, lookup) != 0)
		return false;
	pthread_detach(thread);
	return true;
}

struct lookup *lookup_start(const char *hosts, const char *ports)
{
	struct lookup *lookup = calloc(1, sizeof(*lookup));

	if (lookup == NULL)
		return NULL;
	for (size_t i = 0; i < LOOKUP_LISTS; i++) {
		text_init(&lookup->asked[i], LOOKUP_LIST_MAX);
		text_init(&lookup->found[i], LOOKUP_LIST_MAX);
	}
	text_add(&lookup->asked[LOOKUP_HOSTS], hosts);
	text_add(&lookup->asked[LOOKUP_PORTS], ports);
	if (lookup->asked[LOOKUP_HOSTS].failed || lookup->asked[LOOKUP_PORTS].failed || !start_thread(lookup)) {
		release(lookup);
		return NULL;
	}
	return lookup;
}

bool lookup_is_over(const struct lookup *lookup)
{
	return lookup->is_over;
}

int lookup_take(struct lookup *lookup, struct text *ret_lists, struct error *error)
{
	for (size_t i = 0; i < LOOKUP_LISTS; i++)
		if (lookup->found[i].failed)
			return error_no_memory(error);
	if (lookup->count == 0)
		return error_set(error, lookup->trouble.code, "%s", lookup->trouble.text);
	for (size_t i = 0; i < LOOKUP_LISTS; i++) {
		const struct text before = ret_lists[i];

		ret_lists[i] = lookup->found[i];
		lookup->found[i] = before;
	}
	return 0;
}

void lookup_end(struct lookup *lookup)
{
	if (lookup != NULL)
		leave(lookup);
}
