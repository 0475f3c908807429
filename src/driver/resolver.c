/* Names to numeric addresses by evdns. One timer of a resolution is its deadline first and, once the answer is there,
 * the turn of the loop that tells it. evdns answers even what was cancelled, later: a resolution that was told or
 * given up stays until it has. */
#include "driver/resolver.h"

#include <arpa/inet.h>
#include <assert.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <event2/util.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define CONFIGURATION "/etc/resolv.conf"
#define ASK_AGAIN     "1.5" /* seconds without an answer; three questions fit into RESOLVER_TIMEOUT */
#define CLOSING_TURNS 8     /* of the loop at most, for answers that evdns owes at the end */

struct resolver {
	struct event_base *base;
	struct timers *timers;
	struct evdns_base *dns;
	size_t owed; /* answers of evdns that have not come yet */
};

struct resolution {
	struct resolver *resolver;
	struct timer timer;
	resolver_done *on_done;
	void *arg;
	bool owed;                                  /* evdns has not answered yet */
	bool abandoned;                             /* nobody waits any more: evdns's answer frees it */
	struct evdns_getaddrinfo_request *question; /* while owed; NULL inside the call that asks */
	struct error outcome;
	char addresses[RESOLVER_ADDRESSES][INET6_ADDRSTRLEN];
	size_t count;
};

int resolver_new(struct event_base *base, struct timers *timers, struct resolver **ret_resolver, struct error *error)
{
	struct resolver *resolver = calloc(1, sizeof(*resolver));

	if (resolver == NULL)
		return error_no_memory(error);
	resolver->base = base;
	resolver->timers = timers;
	resolver->dns = evdns_base_new(base, EVDNS_BASE_DISABLE_WHEN_INACTIVE);
	if (resolver->dns == NULL) {
		free(resolver);
		return error_no_memory(error);
	}
	evdns_base_set_option(resolver->dns, "timeout", ASK_AGAIN);
	/* A machine without the file still has its hosts and numeric addresses; evdns then asks 127.0.0.1. */
	evdns_base_resolv_conf_parse(resolver->dns, DNS_OPTIONS_ALL, CONFIGURATION);
	*ret_resolver = resolver;
	return 0;
}

void resolver_free(struct resolver *resolver)
{
	if (resolver == NULL)
		return;
	/* All that is owed was cancelled and comes with the next turns; evdns itself may not go before. */
	for (int i = 0; resolver->owed > 0 && i < CLOSING_TURNS; i++)
		event_base_loop(resolver->base, EVLOOP_NONBLOCK);
	evdns_base_free(resolver->dns, 0);
	free(resolver);
}

static void add_address(struct resolution *resolution, const struct sockaddr *address)
{
	const void *bytes;
	char *text;

	if (resolution->count == RESOLVER_ADDRESSES)
		return;
	if (address->sa_family == AF_INET)
		bytes = &((const struct sockaddr_in *)(const void *)address)->sin_addr;
	else if (address->sa_family == AF_INET6)
		bytes = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
	else
		return;
	text = resolution->addresses[resolution->count];
	if (evutil_inet_ntop(address->sa_family, bytes, text, INET6_ADDRSTRLEN) != NULL)
		resolution->count++;
}

/* The answer is known: the next turn of the loop tells it. The timer runs, so that moving it cannot fail. */
static void tell_soon(struct resolution *resolution)
{
	int rc = timer_start(resolution->resolver->timers, &resolution->timer, 0);

	assert(rc == 0);
	(void)rc;
}

static void on_answer(int result, struct evutil_addrinfo *answers, void *arg)
{
	struct resolution *resolution = arg;

	resolution->owed = false;
	resolution->resolver->owed--;
	if (resolution->abandoned) {
		free(resolution);
	} else {
		for (struct evutil_addrinfo *answer = answers; answer != NULL; answer = answer->ai_next)
			add_address(resolution, answer->ai_addr);
		error_set(&resolution->outcome, ERR_UNAVAILABLE, "%s: %s", resolution->outcome.text,
		          result != 0 ? evutil_gai_strerror(result) : "it has no address");
		tell_soon(resolution);
	}
	if (answers != NULL)
		evutil_freeaddrinfo(answers);
}

/* Ends it: at once, or when evdns has answered. */
static void abandon(struct resolution *resolution)
{
	if (!resolution->owed) {
		free(resolution);
		return;
	}
	resolution->abandoned = true;
	evdns_getaddrinfo_cancel(resolution->question);
}

static void on_timer(void *arg)
{
	struct resolution *resolution = arg;
	const char *addresses[RESOLVER_ADDRESSES];

	for (size_t i = 0; i < resolution->count; i++)
		addresses[i] = resolution->addresses[i];
	if (resolution->count > 0)
		error_clear(&resolution->outcome);
	else if (resolution->owed)
		error_set(&resolution->outcome, ERR_UNAVAILABLE, "%s: no answer within %d ms", resolution->outcome.text,
		          RESOLVER_TIMEOUT);
	resolution->on_done(resolution->arg, resolution->outcome.code, &resolution->outcome, addresses,
	                    resolution->count);
	abandon(resolution);
}

/* Whether host is an address already, which becomes the answer. */
static bool take_numeric(struct resolution *resolution, const char *host)
{
	unsigned char bytes[sizeof(struct in6_addr)];

	if (strlen(host) >= INET6_ADDRSTRLEN ||
	    (inet_pton(AF_INET, host, bytes) != 1 && inet_pton(AF_INET6, host, bytes) != 1))
		return false;
	memcpy(resolution->addresses[0], host, strlen(host) + 1);
	resolution->count = 1;
	return true;
}

static void ask_for_addresses(struct resolution *resolution, const char *host)
{
	const struct evutil_addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct evdns_getaddrinfo_request *question;

	resolution->owed = true;
	resolution->resolver->owed++;
	question = evdns_getaddrinfo(resolution->resolver->dns, host, NULL, &hints, on_answer, resolution);
	if (resolution->owed)
		resolution->question = question;
}

struct resolution *resolver_start(struct resolver *resolver, const char *host, resolver_done *on_done, void *arg)
{
	struct resolution *resolution = calloc(1, sizeof(*resolution));

	if (resolution == NULL)
		return NULL;
	resolution->resolver = resolver;
	resolution->on_done = on_done;
	resolution->arg = arg;
	timer_init(&resolution->timer, on_timer, resolution);
	if (timer_start(resolver->timers, &resolution->timer, RESOLVER_TIMEOUT) != 0) {
		free(resolution);
		return NULL;
	}
	error_set(&resolution->outcome, ERR_UNAVAILABLE, "the host \"%.255s\" cannot be resolved", host);
	if (take_numeric(resolution, host))
		tell_soon(resolution);
	else
		ask_for_addresses(resolution, host);
	return resolution;
}

void resolver_cancel(struct resolution *resolution)
{
	if (resolution == NULL)
		return;
	timer_stop(resolution->resolver->timers, &resolution->timer);
	abandon(resolution);
}
