/* What apps are told of a server. Its url has passed client_check_url before: it has a scheme, a host, and perhaps a
 * port and a path. */
#include "target.h"

#include <ctype.h>
#include <string.h>

#define PLAIN_PORT "5672"
#define TLS_PORT   "5671"

static const char *take_host(struct arena *arena, const char *url)
{
	const char *begin = strstr(url, "://") + strlen("://");

	if (*begin == '[')
		return arena_bytes(arena, begin + 1, strcspn(begin + 1, "]"));
	return arena_bytes(arena, begin, strcspn(begin, ":/"));
}

/* One colon divides a host from a port, several are an IPv6 address. */
int rabbitmq_target_check_host(const char *name, const char *value, struct error *error)
{
	bool good = true;
	size_t colons = 0;

	for (const char *c = value; *c != '\0'; c++) {
		good = good && (isalnum((unsigned char)*c) || strchr("-._:", *c) != NULL);
		colons += *c == ':';
	}
	if (good && colons != 1)
		return 0;
	return error_set(error, ERR_INVALID, "\"%s\" must be a name or an address, without a port and without brackets",
	                 name);
}

int rabbitmq_target_init(struct rabbit_target *target, const struct options *options, struct error *error)
{
	const char *host = options_text(options, "amqp_host");
	const int64_t port = options_number(options, "amqp_port");

	*target = (struct rabbit_target){.tls = options_flag(options, "amqp_tls")};
	arena_init(&target->arena);
	target->host = host != NULL ? host : take_host(&target->arena, options_text(options, "url"));
	if (port > 0)
		target->port = arena_format(&target->arena, "%lld", (long long)port);
	else
		target->port = target->tls ? TLS_PORT : PLAIN_PORT;
	if (!arena_failed(&target->arena))
		return 0;
	rabbitmq_target_release(target);
	return error_no_memory(error);
}

void rabbitmq_target_release(struct rabbit_target *target)
{
	arena_release(&target->arena);
	*target = (struct rabbit_target){0};
}

void rabbitmq_target_app_url(const struct rabbit_target *target, const char *vhost, const char *user,
                             const char *password, struct text *ret_url)
{
	const bool bracket = strchr(target->host, ':') != NULL;

	text_add(ret_url, target->tls ? "amqps://" : "amqp://");
	text_add_percent(ret_url, user);
	text_add(ret_url, ":");
	text_add_percent(ret_url, password);
	text_add_format(ret_url, bracket ? "@[%s]:%s/" : "@%s:%s/", target->host, target->port);
	text_add_percent(ret_url, vhost);
}
