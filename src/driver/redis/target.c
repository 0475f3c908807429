/* The url of a server, parsed at the start. Only what the broker can honour is taken; the rest is refused. */
#include "target.h"

#include <string.h>

#include "base/file.h"
#include "driver/tls.h"

#define PLAIN_SCHEME  "redis://"
#define TLS_SCHEME    "rediss://"
#define DEFAULT_PORT  "6379"
#define SENTINEL_PORT "26379"
#define DEFAULT_USER  "default"
#define ADDRESSES_MAX 8192 /* bytes of a list of them */

/* ---- the url ---- */

static int take_url(struct arena *arena, const char *text, struct url *url, bool *ret_tls, struct error *error)
{
	const bool tls = strncmp(text, TLS_SCHEME, strlen(TLS_SCHEME)) == 0;
	int rc;

	if (!tls && strncmp(text, PLAIN_SCHEME, strlen(PLAIN_SCHEME)) != 0)
		return error_set(error, ERR_INVALID, "it is not a url like redis://user:password@host:6379");
	rc = url_parse(arena, text, tls ? TLS_SCHEME : PLAIN_SCHEME, DEFAULT_PORT, url, error);
	if (rc != 0)
		return rc;
	if (url->rest[0] != '\0' && strcmp(url->rest, "/") != 0 && strcmp(url->rest, "/0") != 0)
		return error_set(error, ERR_INVALID, "nothing but /0 may follow its host and port");
	*ret_tls = tls;
	return 0;
}

int redis_target_check_url(const char *name, const char *value, struct error *error)
{
	struct arena arena;
	struct url url;
	bool tls;
	int rc;

	(void)name;
	arena_init(&arena);
	rc = take_url(&arena, value, &url, &tls, error);
	arena_wipe(&arena);
	return rc;
}

int redis_target_check_sentinel(const char *name, const char *value, struct error *error)
{
	struct arena arena;
	struct place place;
	int rc;

	(void)name;
	arena_init(&arena);
	rc = url_parse_place(&arena, value, SENTINEL_PORT, &place, error);
	arena_release(&arena);
	return rc;
}

/* ---- targets ---- */

static int check_kind(const struct redis_target *target, const struct options *options, struct error *error)
{
	const bool cluster = options_flag(options, "redis_cluster");

	if ((target->sentinel_count > 0) != (target->master != NULL))
		return error_set(error, ERR_INVALID,
		                 "the server \"%s\" needs both \"sentinels\" and \"master\", or none", target->name);
	if (target->sentinel_count > 0 && cluster)
		return error_set(error, ERR_INVALID,
		                 "the server \"%s\" cannot have \"sentinels\" and be a \"redis_cluster\"",
		                 target->name);
	if (target->sentinel_count > 0 && target->place_count > 0)
		return error_set(
		    error, ERR_INVALID,
		    "the url of the server \"%s\" must name no host: the sentinels tell it (redis://user:password@)",
		    target->name);
	if (target->sentinel_count == 0 && target->place_count == 0)
		return error_set(error, ERR_INVALID, "the url of the server \"%s\" names no host", target->name);
	if (!cluster && target->place_count > 1)
		return error_set(error, ERR_INVALID,
		                 "the url of the server \"%s\" has several hosts, but it is no \"redis_cluster\"",
		                 target->name);
	return 0;
}

static int take_sentinels(struct redis_target *target, const struct options *options, struct error *error)
{
	const struct option *list = options_find(options, "sentinels");
	struct text addresses;

	text_init(&addresses, ADDRESSES_MAX);
	for (size_t i = 0; list->set && i < list->value.list.count; i++) {
		struct place *place = &target->sentinels[target->sentinel_count];
		int rc = url_parse_place(&target->arena, list->value.list.items[i], SENTINEL_PORT, place, error);

		if (rc != 0) {
			text_release(&addresses);
			return rc;
		}
		text_add(&addresses, i > 0 ? "," : "");
		redis_target_add_address(&addresses, place->host, place->port);
		target->sentinel_count++;
	}
	target->sentinel_list = arena_text(&target->arena, text_string(&addresses));
	target->arena.failed |= addresses.failed;
	text_release(&addresses);
	return 0;
}

static int make_tls(struct redis_target *target, const struct options *options, struct error *error)
{
	const char *file = options_text(options, "ca_file");
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());

	target->login.tls = tls;
	if (tls == NULL || SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION) != 1 ||
	    SSL_CTX_set_cipher_list(tls, TLS_CIPHERS) != 1 || SSL_CTX_set1_groups_list(tls, TLS_GROUPS) != 1)
		return error_no_memory(error);
	SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_verify_depth(tls, TLS_CHAIN_MAX);
	SSL_CTX_set_max_cert_list(tls, TLS_BYTES_MAX);
	if (file == NULL && SSL_CTX_set_default_verify_paths(tls) != 1)
		return error_set(error, ERR_INVALID,
		                 "the server \"%s\" needs a ca_file: the system has no certificates", target->name);
	if (file != NULL && (file_is_special(file) || SSL_CTX_load_verify_locations(tls, file, NULL) != 1))
		return error_set(error, ERR_INVALID,
		                 "the ca_file \"%s\" of the server \"%s\" holds no certificates that can be read", file,
		                 target->name);
	return 0;
}

static int take_tls(struct redis_target *target, const struct options *options, bool tls, struct error *error)
{
	target->login.tls_name = options_text(options, "tls_name");
	if (tls)
		return make_tls(target, options, error);
	if (options_text(options, "ca_file") != NULL || target->login.tls_name != NULL)
		return error_set(
		    error, ERR_INVALID,
		    "the server \"%s\" has a ca_file or a tls_name, but its url does not begin with rediss://",
		    target->name);
	return 0;
}

static void take_public(struct redis_target *target, const struct options *options)
{
	const int64_t port = options_number(options, "public_port");

	target->public_host = options_text(options, "public_host");
	if (port > 0)
		target->public_port = arena_format(&target->arena, "%lld", (long long)port);
	if (target->kind == TARGET_SENTINEL)
		return;
	if (target->public_host == NULL)
		target->public_host = target->places[0].host;
	if (port == 0)
		target->public_port = target->places[0].port;
}

static int take_all(struct redis_target *target, const struct options *options, struct error *error)
{
	struct url url = {0};
	bool tls = false;
	int rc = take_url(&target->arena, options_text(options, "url"), &url, &tls, error);

	if (rc != 0)
		return rc;
	memcpy(target->places, url.places, sizeof(url.places));
	target->place_count = url.place_count;
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): take_url fills the url or fails */
	target->login.user = url.user[0] != '\0' ? url.user : DEFAULT_USER;
	target->login.password = url.password;
	target->master = options_text(options, "master");
	rc = take_sentinels(target, options, error);
	if (rc == 0)
		rc = check_kind(target, options, error);
	if (rc == 0)
		rc = take_tls(target, options, tls, error);
	if (rc != 0)
		return rc;
	if (target->sentinel_count > 0)
		target->kind = TARGET_SENTINEL;
	else if (options_flag(options, "redis_cluster"))
		target->kind = TARGET_CLUSTER;
	take_public(target, options);
	target->sentinel_login = target->login;
	target->sentinel_login.user = options_text(options, "sentinel_user");
	target->sentinel_login.password = options_text(options, "sentinel_password");
	return arena_failed(&target->arena) ? error_no_memory(error) : 0;
}

int redis_target_init(struct redis_target *target, const struct server *server, struct error *error)
{
	int rc;

	*target = (struct redis_target){.name = server->name};
	arena_init(&target->arena);
	target->login.connect_timeout = options_number(&server->options, "connect_timeout");
	rc = take_all(target, &server->options, error);
	if (rc != 0)
		redis_target_release(target);
	return rc;
}

void redis_target_release(struct redis_target *target)
{
	SSL_CTX_free(target->login.tls);
	arena_wipe(&target->arena);
	*target = (struct redis_target){0};
}

/* ---- for apps ---- */

void redis_target_add_address(struct text *text, const char *host, const char *port)
{
	text_add_format(text, strchr(host, ':') != NULL ? "[%s]:%s" : "%s:%s", host, port);
}

void redis_target_app_url(const struct redis_target *target, const char *host, const char *port, const char *user,
                          const char *password, struct text *ret_url)
{
	text_add(ret_url, target->login.tls != NULL ? TLS_SCHEME : PLAIN_SCHEME);
	text_add_percent(ret_url, user);
	text_add(ret_url, ":");
	text_add_percent(ret_url, password);
	text_add(ret_url, "@");
	redis_target_add_address(ret_url, host, port);
}
