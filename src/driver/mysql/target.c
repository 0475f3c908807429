/* The url of a server, parsed at the start. Only what the broker can honour is taken; the rest is refused. */
#include "target.h"

#include <string.h>

#include "driver/login.h"

#define SCHEME       "mysql://"
#define DEFAULT_PORT "3306"
#define SYSTEM_CA    "/etc/ssl/certs/ca-certificates.crt"
#define APP_HOST_MAX 255

static int take_url(struct arena *arena, const char *text, struct url *url, struct error *error)
{
	int rc;

	if (strncmp(text, SCHEME, strlen(SCHEME)) != 0)
		return error_set(error, ERR_INVALID, "it is not a url like mysql://user:password@host:3306");
	rc = url_parse(arena, text, SCHEME, DEFAULT_PORT, url, error);
	if (rc != 0)
		return rc;
	if (url->user[0] == '\0')
		return error_set(error, ERR_INVALID, "it names no user");
	if (url->place_count != 1)
		return error_set(error, ERR_INVALID, "it has to name one host, and names %zu", url->place_count);
	if (url->rest[0] != '\0' && strcmp(url->rest, "/") != 0)
		return error_set(error, ERR_INVALID, "nothing but / may follow its host and port");
	return 0;
}

int maria_target_check_url(const char *name, const char *value, struct error *error)
{
	struct arena arena;
	struct url url;
	int rc;

	(void)name;
	arena_init(&arena);
	rc = take_url(&arena, value, &url, error);
	arena_wipe(&arena);
	return rc;
}

int maria_target_check_app_host(const char *name, const char *value, struct error *error)
{
	const size_t length = strlen(value);

	(void)name;
	if (length == 0 || length > APP_HOST_MAX || strcspn(value, "'\"`\\@ \t\n") != length)
		return error_set(error, ERR_INVALID,
		                 "it is no host of an account like %%, 10.0.%% or 10.0.0.0/255.255.0.0");
	return 0;
}

static int take_tls(struct mysql_target *target, const struct options *options, struct error *error)
{
	const char *file = options_text(options, "ca_file"), *name = options_text(options, "tls_name");

	target->tls = options_flag(options, "tls");
	if (!target->tls && (file != NULL || name != NULL))
		return error_set(error, ERR_INVALID,
		                 "the server \"%s\" has a ca_file or a tls_name, but not \"tls: true\"", target->name);
	target->ca_file = file != NULL ? file : SYSTEM_CA;
	target->tls_name = name != NULL ? name : target->place.host;
	return 0;
}

static int take_all(struct mysql_target *target, const struct options *options, struct error *error)
{
	const char *host = options_text(options, "public_host");
	const int64_t port = options_number(options, "public_port");
	struct url url = {0};
	int rc = take_url(&target->arena, options_text(options, "url"), &url, error);

	if (rc != 0)
		return rc;
	target->place = url.places[0];
	target->user = url.user;
	target->password = url.password;
	target->app_host = options_text(options, "app_host");
	target->connect_timeout = options_number(options, "connect_timeout");
	target->idle = options_number(options, "idle");
	target->public_host = host != NULL ? host : target->place.host;
	target->public_port = port > 0 ? arena_format(&target->arena, "%lld", (long long)port) : target->place.port;
	rc = take_tls(target, options, error);
	return rc == 0 && arena_failed(&target->arena) ? error_no_memory(error) : rc;
}

int maria_target_init(struct mysql_target *target, const struct server *server, struct error *error)
{
	int rc;

	*target = (struct mysql_target){.name = server->name};
	arena_init(&target->arena);
	rc = take_all(target, &server->options, error);
	if (rc != 0)
		maria_target_release(target);
	return rc;
}

void maria_target_release(struct mysql_target *target)
{
	login_server_free(target->logins);
	arena_wipe(&target->arena);
	*target = (struct mysql_target){0};
}

bool maria_address_is_local(const char *address)
{
	return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0;
}

void maria_target_app_url(const struct mysql_target *target, const char *database, const char *user,
                          const char *password, bool tls, struct text *ret_url)
{
	const bool bracket = strchr(target->public_host, ':') != NULL;

	text_add(ret_url, SCHEME);
	text_add_percent(ret_url, user);
	text_add(ret_url, ":");
	text_add_percent(ret_url, password);
	text_add_format(ret_url, bracket ? "@[%s]:%s/" : "@%s:%s/", target->public_host, target->public_port);
	text_add_percent(ret_url, database);
	if (tls)
		text_add(ret_url, "?ssl-mode=REQUIRED");
}
