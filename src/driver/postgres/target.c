/* The url of a server, parsed by libpq at the start, into the options of every connection that follows. Only what the
 * broker can honour on its loop is taken; the rest is refused by name. */
#include "target.h"

#include <stdbool.h>
#include <string.h>

#include "driver/login.h"
#include "roster.h"

#define DEFAULT_PORT     "5432"
#define DEFAULT_DATABASE "postgres"
#define NO_FILE          "/nonexistent"
#define APPLICATION_NAME "application_name"

/* What a tenant sets on its own database may not change how the broker's statements act there. The limits are those of
 * statements that belong to no call (limits.h), and of a lock that somebody else has (LOCK_TIMEOUT_MS). A session that
 * the network has cut off ends within a minute, and with it its lock on the instance. */
static const struct pair session_settings[] = {
    {"role", "none"},
    {"search_path", "pg_catalog,pg_temp"},
    {"default_transaction_isolation", "read committed"},
    {"statement_timeout", STATEMENT_TIMEOUT},
    {"lock_timeout", "1s"},
    {"standard_conforming_strings", "on"},
    {"idle_in_transaction_session_timeout", "10s"},
    {"tcp_keepalives_idle", "30"},
    {"tcp_keepalives_interval", "10"},
    {"tcp_keepalives_count", "3"},
};

/* Ours come first: where the url says otherwise, libpq takes the later. */
static const struct pair own_options[] = {
    {APPLICATION_NAME, "tsuru-broker"},
    {"client_encoding", "UTF8"},
    {"gssencmode", "disable"},
    {"passfile", NO_FILE},
    {"sslmode", "prefer"},
    {"keepalives", "1"},
    {"keepalives_idle", "30"},
    {"keepalives_interval", "10"},
    {"keepalives_count", "3"},
};

static const char *const url_options[] = {
    "user",
    "password",
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "sslpassword",
    "sslcrl",
    "sslsni",
    "ssl_min_protocol_version",
    "ssl_max_protocol_version",
    "channel_binding",
    "target_session_attrs",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "tcp_user_timeout",
    NULL,
};

static const char *const ssl_modes[] = {"disable", "allow", "prefer", "require", "verify-ca", "verify-full", NULL};
static const char *const demanding_modes[] = {"require", "verify-ca", "verify-full", NULL};

/* Of the two ways, the options come before what the server has set for the database. */
static void write_settings(struct pg_target *target)
{
	const char *options = "-c local_preload_libraries=", *statement = "SELECT true";

	for (size_t i = 0; i < sizeof(session_settings) / sizeof(*session_settings); i++) {
		const char *name = session_settings[i].name, *value = session_settings[i].value;
		const size_t word = strcspn(value, " ");

		options = arena_format(&target->arena, "%s -c %s=%.*s%s%s", options, name, (int)word, value,
		                       value[word] != '\0' ? "\\" : "", value + word);
		statement = arena_format(&target->arena, "%s, pg_catalog.set_config('%s', '%s', false)", statement,
		                         name, value);
		if (options == NULL || statement == NULL)
			return;
	}
	target->settings = (struct pg_settings){.options = options, .statement = statement};
}

static bool is_one_of(const char *text, const char *const *list)
{
	for (size_t i = 0; list[i] != NULL; i++)
		if (strcmp(list[i], text) == 0)
			return true;
	return false;
}

static void add_option(struct pg_target *target, const char *keyword, const char *value)
{
	if (target->option_count == TARGET_OPTIONS_MAX) {
		target->arena.failed = true;
		return;
	}
	target->keywords[target->option_count] = arena_text(&target->arena, keyword);
	target->values[target->option_count] = arena_text(&target->arena, value);
	target->option_count++;
}

/* The i-th part between commas, NULL past the last. */
static const char *take_part(struct arena *arena, const char *list, size_t i)
{
	const char *end;

	for (; i > 0; i--) {
		list = strchr(list, ',');
		if (list == NULL)
			return NULL;
		list++;
	}
	end = strchrnul(list, ',');
	return arena_bytes(arena, list, (size_t)(end - list));
}

/* hosts and ports are lists of the same length, or there is one port for all. */
static int take_places(struct pg_target *target, const char *hosts, const char *ports, struct error *error)
{
	const bool one_port = ports == NULL || strchr(ports, ',') == NULL;
	const char *host;

	while ((host = take_part(&target->arena, hosts, target->place_count)) != NULL) {
		struct pg_place *place = &target->places[target->place_count];
		const char *port = ports;

		if (target->place_count == TARGET_PLACES_MAX)
			return error_set(error, ERR_INVALID, "the url has more than %d hosts", TARGET_PLACES_MAX);
		if (host[0] == '\0')
			return error_set(error, ERR_INVALID, "the url has an empty host");
		if (!one_port)
			port = take_part(&target->arena, ports, target->place_count);
		place->host = host;
		place->port = arena_text(&target->arena, port == NULL || port[0] == '\0' ? DEFAULT_PORT : port);
		target->place_count++;
	}
	return 0;
}

static const char *find_value(const PQconninfoOption *parsed, const char *keyword)
{
	for (; parsed->keyword != NULL; parsed++)
		if (strcmp(parsed->keyword, keyword) == 0)
			return parsed->val;
	return NULL;
}

static int take_options(struct pg_target *target, const PQconninfoOption *parsed, struct error *error)
{
	static const char *const elsewhere[] = {"host", "port", "dbname", NULL};

	for (; parsed->keyword != NULL; parsed++) {
		if (parsed->val == NULL || is_one_of(parsed->keyword, elsewhere))
			continue;
		if (!is_one_of(parsed->keyword, url_options))
			return error_set(error, ERR_INVALID, "the url's parameter \"%s\" is not supported",
			                 parsed->keyword);
		add_option(target, parsed->keyword, parsed->val);
	}
	return 0;
}

static int take_parsed(struct pg_target *target, const PQconninfoOption *parsed, struct error *error)
{
	const char *hosts = find_value(parsed, "host");
	const char *database = find_value(parsed, "dbname");
	const char *sslmode = find_value(parsed, "sslmode");
	int rc;

	if (hosts == NULL || hosts[0] == '\0')
		return error_set(error, ERR_INVALID, "the url names no host");
	if (find_value(parsed, "user") == NULL)
		return error_set(error, ERR_INVALID, "the url names no user");
	if (sslmode != NULL && !is_one_of(sslmode, ssl_modes))
		return error_set(error, ERR_INVALID,
		                 "the url's sslmode is none of disable, allow, prefer, require, verify-ca, "
		                 "verify-full");
	rc = take_places(target, hosts, find_value(parsed, "port"), error);
	if (rc == 0)
		rc = take_options(target, parsed, error);
	target->database = arena_text(&target->arena, database != NULL ? database : DEFAULT_DATABASE);
	target->sslmode = arena_text(&target->arena, sslmode);
	return rc;
}

static int take_url(struct pg_target *target, const char *url, struct error *error)
{
	PQconninfoOption *parsed;
	int rc = libpq_load(&target->pq, error);

	if (rc != 0)
		return rc;
	parsed = libpq_parse(&target->pq, url);
	if (parsed == NULL)
		return error_set(error, ERR_INVALID,
		                 "it is not a url like postgres://user:password@host:5432/postgres, its parts "
		                 "percent-encoded");
	rc = take_parsed(target, parsed, error);
	target->pq.conninfoFree(parsed);
	return rc;
}

int target_check_url(const char *name, const char *value, struct error *error)
{
	struct pg_target target = {0};
	int rc;

	(void)name;
	rc = take_url(&target, value, error);
	arena_wipe(&target.arena);
	return rc;
}

/* Apps reach the server as the broker does, unless that is by a socket or by a choice of hosts. */
static int take_public(struct pg_target *target, const struct options *options, struct error *error)
{
	const char *host = options_text(options, "public_host");
	const int64_t port = options_number(options, "public_port");

	if (arena_failed(&target->arena))
		return error_no_memory(error);
	if (host == NULL && (target->place_count > 1 || target->places[0].host[0] == '/'))
		return error_set(error, ERR_INVALID, "the server \"%s\" needs a public_host: its url has %s",
		                 target->name,
		                 target->place_count > 1 ? "several hosts" : "the directory of a unix socket");
	target->public_host = host != NULL ? host : target->places[0].host;
	target->public_port = port > 0 ? arena_format(&target->arena, "%lld", (long long)port) : target->places[0].port;
	return 0;
}

int target_init(struct pg_target *target, const struct server *server, struct error *error)
{
	const char *url = options_text(&server->options, "url");
	const char *root = options_text(&server->options, "sslrootcert");
	int rc;

	*target = (struct pg_target){.name = server->name};
	target->connect_timeout = options_number(&server->options, "connect_timeout");
	for (size_t i = 0; i < sizeof(own_options) / sizeof(*own_options); i++)
		add_option(target, own_options[i].name, own_options[i].value);
	write_settings(target);
	rc = take_url(target, url, error);
	if (rc == 0)
		rc = take_public(target, &server->options, error);
	if (rc == 0 && root != NULL)
		add_option(target, "sslrootcert", root);
	if (rc == 0 && arena_failed(&target->arena))
		rc = error_no_memory(error);
	if (rc != 0)
		target_release(target);
	return rc;
}

void target_release(struct pg_target *target)
{
	login_server_free(target->logins);
	login_server_free(target->app_logins);
	arena_wipe(&target->arena);
	*target = (struct pg_target){0};
}

void target_set_roster(struct pg_target *target, struct roster *roster)
{
	target->roster = roster;
	for (size_t i = 0; i < target->option_count; i++)
		if (target->keywords[i] != NULL && strcmp(target->keywords[i], APPLICATION_NAME) == 0)
			target->values[i] = roster->name;
}

void target_app_url(const struct pg_target *target, const char *database, const char *user, const char *password,
                    struct text *ret_url)
{
	const bool bracket = strchr(target->public_host, ':') != NULL;

	text_add(ret_url, "postgres://");
	text_add_percent(ret_url, user);
	text_add(ret_url, ":");
	text_add_percent(ret_url, password);
	text_add_format(ret_url, bracket ? "@[%s]:%s/" : "@%s:%s/", target->public_host, target->public_port);
	text_add_percent(ret_url, database);
	/* The certificate to verify with is a file of the broker's, which an app does not have. */
	if (target->sslmode != NULL && is_one_of(target->sslmode, demanding_modes))
		text_add(ret_url, "?sslmode=require");
}
