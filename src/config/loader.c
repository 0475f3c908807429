/* The configuration as a whole: a file's bytes, its top level, and the immutable result or the list of errors. */
#include "config/loader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/secret.h"
#include "config/tables.h"

#define OPERATORS 1000 /* connections of theirs, beside those of strangers */

/* config_load's result and what it owns. */
struct loaded {
	struct config config;
	struct arena arena;
	size_t holders;
};

int node_of(const struct mapping *mapping, const char *key)
{
	const struct option *option = options_find(&mapping->options, key);

	return mapping->nodes[option - mapping->options.items];
}

const char *text_of(const struct mapping *mapping, const char *key)
{
	return options_text(&mapping->options, key);
}

int64_t number_of(const struct mapping *mapping, const char *key)
{
	return options_number(&mapping->options, key);
}

static void load_limits(struct loader *loader, int node)
{
	struct limits *limits = &loader->config->limits;
	struct mapping mapping;

	if (!reader_mapping(&loader->reader, node, "\"limits\"", limits_keys, NULL, &mapping))
		return;
	limits->header_bytes = number_of(&mapping, "header_bytes");
	limits->body_bytes = number_of(&mapping, "body_bytes");
	limits->request_timeout = number_of(&mapping, "request_timeout");
	limits->idle_timeout = number_of(&mapping, "idle_timeout");
	limits->connections = number_of(&mapping, "connections");
	limits->connections_per_address = number_of(&mapping, "connections_per_address");
	limits->strangers = number_of(&mapping, "strangers");
	limits->strangers_per_address = number_of(&mapping, "strangers_per_address");
	limits->admin_connections = limits->strangers + OPERATORS;
	limits->requests = number_of(&mapping, "requests");
	limits->body_bytes_total = number_of(&mapping, "body_bytes_total");
	limits->shutdown = number_of(&mapping, "shutdown");
	limits->tombstones = number_of(&mapping, "tombstones");
	limits->verify_interval = number_of(&mapping, "verify_interval");
	limits->verify_rate = number_of(&mapping, "verify_rate");
	limits->audit = number_of(&mapping, "audit");
	limits->audit_entries = number_of(&mapping, "audit_entries");
	limits->pending = number_of(&mapping, "pending");
	limits->history = number_of(&mapping, "history");
	limits->store_bytes = number_of(&mapping, "store_bytes");
}

static void load_log(struct loader *loader, int node)
{
	struct mapping mapping;

	if (!reader_mapping(&loader->reader, node, "\"log\"", log_keys, NULL, &mapping))
		return;
	loader->config->log_format = text_of(&mapping, "format");
	loader->config->log_level = text_of(&mapping, "level");
}

static void load_listeners(struct loader *loader, const struct option *listen)
{
	static const char *const fallback[] = {"0.0.0.0:8080"};
	const char *const *texts = listen->set ? listen->value.list.items : fallback;
	const size_t count = listen->set ? listen->value.list.count : 1;
	struct arena *arena = loader->reader.arena;
	struct listener *listeners = arena_alloc(arena, (count + 1) * sizeof(*listeners));

	for (size_t i = 0; listeners != NULL && i < count; i++)
		(void)split_listener(texts[i], arena, &listeners[i]);
	loader->config->listeners = listeners;
	loader->config->listener_count = count;
}

static void load_proxies(struct loader *loader, const struct option *option)
{
	const size_t count = option->set ? option->value.list.count : 0;
	struct network *networks = arena_alloc(loader->reader.arena, (count + 1) * sizeof(*networks));
	struct config *config = loader->config;

	config->proxies = networks;
	for (size_t i = 0; networks != NULL && i < count; i++) {
		const char *text = option->value.list.items[i];

		if (is_socket_proxy(text))
			config->trusts_sockets = true;
		else if (network_parse(text, &networks[config->proxy_count], NULL) == 0)
			config->proxy_count++;
	}
}

static void load_tls(struct loader *loader, int node)
{
	struct mapping mapping;
	struct tls_files *tls;

	if (node == 0)
		return;
	tls = arena_alloc(loader->reader.arena, sizeof(*tls));
	if (tls == NULL)
		return;
	if (!reader_mapping(&loader->reader, node, "\"tls\"", tls_keys, NULL, &mapping))
		return;
	tls->cert = text_of(&mapping, "cert");
	tls->key = text_of(&mapping, "key");
	tls->client_ca = text_of(&mapping, "client_ca");
	loader->config->tls = tls;
}

static void load_admin(struct loader *loader, int node)
{
	struct arena *arena = loader->reader.arena;
	struct mapping mapping;
	struct admin *admin;

	if (node == 0)
		return;
	admin = arena_alloc(arena, sizeof(*admin));
	if (admin == NULL)
		return;
	if (!reader_mapping(&loader->reader, node, "\"admin\"", admin_keys, NULL, &mapping))
		return;
	if (text_of(&mapping, "listen") != NULL)
		(void)split_listener(text_of(&mapping, "listen"), arena, &admin->listen);
	admin->username = text_of(&mapping, "username");
	if (admin->username != NULL && strchr(admin->username, ':') != NULL)
		reader_error(&loader->reader, node_of(&mapping, "username"),
		             "\"username\" must not hold a colon (RFC 7617)");
	admin->open_metrics = options_flag(&mapping.options, "open_metrics");
	/* On a socket file the password may be left away: the file's mode says who may open it. */
	if (admin->listen.path == NULL || node_of(&mapping, "password") != 0 || node_of(&mapping, "password_file") != 0)
		load_passwords(loader, &mapping, "\"admin\"", &admin->passwords, &admin->password_count);
	loader->config->admin = admin;
}

/* A token stands in a header: a space in it would be the end of it for tsuru. */
static void load_tsuru(struct loader *loader, int node)
{
	struct mapping mapping;
	struct tsuru *tsuru;

	if (node == 0)
		return;
	tsuru = arena_alloc(loader->reader.arena, sizeof(*tsuru));
	if (tsuru == NULL || !reader_mapping(&loader->reader, node, "\"tsuru\"", tsuru_keys, NULL, &mapping))
		return;
	tsuru->url = text_of(&mapping, "url");
	tsuru->ca_file = text_of(&mapping, "ca_file");
	tsuru->interval = number_of(&mapping, "interval");
	tsuru->grace = number_of(&mapping, "grace");
	tsuru->end_orphans = options_flag(&mapping.options, "end_orphans");
	tsuru->limit = number_of(&mapping, "limit");
	if (text_of(&mapping, "token_file") != NULL)
		tsuru->token =
		    load_secret_file(loader, node_of(&mapping, "token_file"), "token", text_of(&mapping, "token_file"));
	if (tsuru->token != NULL && strpbrk(tsuru->token, " \t\r\n") != NULL)
		reader_error(&loader->reader, node_of(&mapping, "token_file"),
		             "the token file \"%s\" holds spaces or lines: it must hold one token of tsuru's",
		             text_of(&mapping, "token_file"));
	loader->config->tsuru = tsuru;
}

static bool has_password(const struct admin *admin)
{
	return admin != NULL && admin->password_count > 0;
}

static void load_store(struct loader *loader, int node)
{
	struct shared_store *store;
	struct mapping mapping;

	if (node == 0)
		return;
	store = arena_alloc(loader->reader.arena, sizeof(*store));
	if (store == NULL || !reader_mapping(&loader->reader, node, "\"store\"", store_keys, NULL, &mapping))
		return;
	store->postgres = text_of(&mapping, "postgres");
	store->name = text_of(&mapping, "name");
	store->address = text_of(&mapping, "address");
	store->admin_address = text_of(&mapping, "admin_address");
	store->peer_ca_file = text_of(&mapping, "peer_ca_file");
	store->lease = number_of(&mapping, "lease");
	store->notify = options_flag(&mapping.options, "notify");
	if (text_of(&mapping, "password_file") != NULL)
		store->password = load_secret_file(loader, node_of(&mapping, "password_file"), "password",
		                                   text_of(&mapping, "password_file"));
	/* Where `admin` is not good, that is the reason. */
	if (store->admin_address != NULL && !has_password(loader->config->admin) && loader->reader.total == 0)
		reader_error(
		    &loader->reader, node_of(&mapping, "admin_address"),
		    "\"admin_address\" needs \"admin\" with a password: the others pass operators' calls on to it");
	loader->config->store = store;
}

static void load_document(struct loader *loader)
{
	struct config *config = loader->config;
	struct mapping mapping;

	if (!reader_mapping(&loader->reader, 1, "the configuration", top_keys, NULL, &mapping))
		return;
	config->data_dir = text_of(&mapping, "data_dir");
	config->secret_key_file = text_of(&mapping, "secret_key_file");
	load_listeners(loader, options_find(&mapping.options, "listen"));
	load_tls(loader, node_of(&mapping, "tls"));
	load_proxies(loader, options_find(&mapping.options, "trusted_proxies"));
	load_admin(loader, node_of(&mapping, "admin"));
	load_store(loader, node_of(&mapping, "store"));
	load_tsuru(loader, node_of(&mapping, "tsuru"));
	load_log(loader, node_of(&mapping, "log"));
	load_limits(loader, node_of(&mapping, "limits"));
	load_services(loader, node_of(&mapping, "services"));
	if (arena_failed(loader->reader.arena))
		reader_error(&loader->reader, 0, "the broker is out of memory");
}

/* The file's bytes; NULL, with an error noted, when they cannot be had. */
static unsigned char *read_file(struct reader *reader, size_t *ret_length)
{
	char text[256];
	unsigned char *bytes = malloc(CONFIG_FILE_MAX + 1);
	const int fd = open(reader->file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t length = 0, got = 0;

	while (bytes != NULL && fd >= 0 && length <= CONFIG_FILE_MAX &&
	       (got = read(fd, bytes + length, CONFIG_FILE_MAX + 1 - (size_t)length)) > 0)
		length += got;
	if (bytes == NULL || fd < 0 || got < 0) {
		snprintf(text, sizeof(text), "the file cannot be read: %s", strerror(errno));
		reader_error_at(reader, 1, 1, text);
	} else if (length > CONFIG_FILE_MAX) {
		snprintf(text, sizeof(text), "the file is over %d bytes", CONFIG_FILE_MAX);
		reader_error_at(reader, 1, 1, text);
	}
	if (fd >= 0)
		close(fd);
	if (reader->total > 0) {
		free(bytes);
		return NULL;
	}
	*ret_length = (size_t)length;
	return bytes;
}

static void load_file(struct loader *loader)
{
	struct reader *reader = &loader->reader;
	size_t length = 0;
	unsigned char *bytes = read_file(reader, &length);

	if (bytes == NULL)
		return;
	if (reader_parse(reader, bytes, length))
		load_document(loader);
	yaml_document_delete(&reader->document);
	secret_wipe(bytes, length);
	free(bytes);
}

/* The list and its texts are one block of memory, so that one free ends both. */
static struct config_errors *collect_errors(const struct reader *reader)
{
	const size_t count = reader->total < CONFIG_ERRORS_MAX ? reader->total : CONFIG_ERRORS_MAX;
	size_t size = sizeof(struct config_errors) + count * sizeof(char *);
	struct config_errors *errors;
	const char **texts;
	char *at;

	for (const struct message *message = reader->messages; message != NULL; message = message->next)
		size += strlen(message->text) + 1;
	errors = calloc(1, size);
	if (errors == NULL)
		return NULL;
	texts = (const char **)(errors + 1);
	at = (char *)(texts + count);
	errors->texts = texts;
	errors->total = reader->total;
	for (const struct message *message = reader->messages; message != NULL; message = message->next) {
		texts[errors->count++] = at;
		at = stpcpy(at, message->text) + 1;
	}
	return errors;
}

int config_load(const char *path, const struct config_driver *drivers, size_t driver_count, struct config **ret_config,
                struct config_errors **ret_errors)
{
	struct loader loader = {.drivers = drivers, .driver_count = driver_count};
	struct loaded *loaded = calloc(1, sizeof(*loaded));

	if (loaded == NULL) {
		*ret_errors = NULL;
		return ERR_NO_MEMORY;
	}
	arena_init(&loaded->arena);
	loaded->holders = 1;
	arena_init(&loader.reader.errors);
	loader.config = &loaded->config;
	loader.config->file = arena_text(&loaded->arena, path);
	loader.reader.file = path;
	loader.reader.arena = &loaded->arena;
	load_file(&loader);
	if (loader.reader.total == 0 && arena_failed(&loaded->arena)) /* without memory some text is missing */
		reader_error_at(&loader.reader, 1, 1, "the broker is out of memory");
	if (loader.reader.total == 0) {
		*ret_config = &loaded->config;
		return 0;
	}
	*ret_errors = collect_errors(&loader.reader);
	arena_release(&loader.reader.errors);
	config_free(&loaded->config);
	return ERR_INVALID;
}

struct config *config_hold(struct config *config)
{
	((struct loaded *)config)->holders++; /* a configuration is the first member of a struct loaded */
	return config;
}

void config_free(struct config *config)
{
	struct loaded *loaded = (struct loaded *)config;

	if (loaded == NULL || --loaded->holders > 0)
		return;
	arena_wipe(&loaded->arena);
	free(loaded);
}

void config_errors_free(struct config_errors *errors)
{
	free(errors);
}

const struct service *config_service(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->service_count; i++) {
		if (strcmp(config->services[i].name, name) == 0)
			return &config->services[i];
	}
	return NULL;
}
