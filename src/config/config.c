/* The configuration as a whole: the tables of keys, and from what was read the immutable result. */
#include "config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"
#include "base/text.h"
#include "config/reader.h"
#include "model/template.h"

#define PASSWORD_FILE_MAX 4096 /* bytes */

#define SECOND ((int64_t)1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define KIB    ((int64_t)1024)
#define MIB    (1024 * KIB)
#define GIB    (1024 * MIB)

static int check_template_name(const char *name, const char *value, struct error *error)
{
	(void)value;
	return template_check_name(name, error);
}

static const struct config_key top_keys[] = {
    {.name = "listen", .fallback = "0.0.0.0:8080", .check = check_listener, .help = "where tsuru reaches the broker"},
    {.name = "admin", .check = check_listener, .help = "where operators reach it"},
    {.name = "data_dir", .fallback = "/var/lib/tsuru-broker", .min = 1, .max = 3000, .help = "the store's directory"},
    {.name = "secret_key_file", .min = 1, .max = 3000, .help = "the file that holds the master key"},
    {.name = "log", .type = KEY_NODE, .help = "the log's format and level"},
    {.name = "limits", .type = KEY_NODE, .help = "sizes and times"},
    {.name = "services", .type = KEY_NODE, .required = true, .help = "a list of what tsuru is offered"},
    {0},
};

static const struct config_key log_keys[] = {
    {.name = "format", .fallback = "text", .check = check_log_format, .help = "text or json"},
    {.name = "level", .fallback = "info", .check = check_log_level, .help = "the least that is logged"},
    {0},
};

#define SIZE_KEY(key, def, least, most, says)                                                                          \
	{                                                                                                              \
		.name = (key), .type = KEY_SIZE, .fallback = (def), .min = (least), .max = (most), .help = (says)      \
	}
#define TIME_KEY(key, def, least, most, says)                                                                          \
	{                                                                                                              \
		.name = (key), .type = KEY_DURATION, .fallback = (def), .min = (least), .max = (most), .help = (says)  \
	}
#define NUMBER_KEY(key, def, least, most, says)                                                                        \
	{                                                                                                              \
		.name = (key), .type = KEY_NUMBER, .fallback = (def), .min = (least), .max = (most), .help = (says)    \
	}

static const struct config_key limits_keys[] = {
    SIZE_KEY("header_bytes", "64KiB", 4 * KIB, MIB, "of a request line and its headers"),
    SIZE_KEY("body_bytes", "1MiB", 4 * KIB, 64 * MIB, "of a request's body"),
    TIME_KEY("request_timeout", "30s", SECOND, 10 * MINUTE, "to receive a whole request"),
    TIME_KEY("idle_timeout", "75s", SECOND, HOUR, "that a kept connection may be idle"),
    TIME_KEY("shutdown", "30s", 0, 10 * MINUTE, "that waiting requests get after SIGTERM"),
    TIME_KEY("tombstones", "30d", HOUR, 3650 * DAY, "that removed instances are remembered"),
    NUMBER_KEY("history", "20", 1, 1000, "finished operations kept for an instance"),
    SIZE_KEY("store_bytes", "64GiB", 16 * MIB, 1024 * GIB, "that the store may grow to"),
    {0},
};

static const struct config_key service_keys[] = {
    {.name = "name", .required = true, .check = check_service_name, .help = "as in tsuru's manifest"},
    {.name = "path", .check = check_path, .help = "its base path; /NAME if absent"},
    {.name = "driver", .required = true, .check = check_name, .help = "what kind of server it is"},
    {.name = "username", .min = 1, .max = 255, .help = "that tsuru logs in with; the name if absent"},
    {.name = "password", .min = 1, .max = 1024, .secret = true, .help = "that tsuru logs in with"},
    {.name = "password_file", .min = 1, .max = 3000, .help = "a file that holds the password"},
    TIME_KEY("wait", "25s", 0, 280 * SECOND, "that a create, update or removal waits to be finished"),
    TIME_KEY("bind_wait", "120s", SECOND, 280 * SECOND, "that a bind waits for its answer"),
    TIME_KEY("attempt_timeout", "60s", SECOND, HOUR, "for one attempt on a server"),
    TIME_KEY("retry_for", "1h", 0, 30 * DAY, "that failures which may pass are retried"),
    {.name = "multi_cluster", .type = KEY_BOOL, .fallback = "false", .help = "whether tsuru chooses a cluster by pool"},
    {.name = "servers", .type = KEY_NODE, .help = "a list of the servers that hold the instances"},
    {.name = "env", .type = KEY_MAP, .max = 256, .check = check_template_name, .help = "variables that apps get"},
    {.name = "plans", .type = KEY_NODE, .required = true, .help = "a list of what users choose from"},
    {0},
};

static const struct config_key server_keys[] = {
    {.name = "name", .required = true, .check = check_name, .help = "for logs, info and operators"},
    {.name = "cluster", .check = check_name, .help = "the tsuru cluster that it serves"},
    {.name = "pool", .check = check_name, .help = "the tsuru pool that it serves"},
    NUMBER_KEY("capacity", "0", 0, 1000000, "instances; 0: no limit"),
    NUMBER_KEY("weight", "1", 1, 1000, "its share of new instances"),
    NUMBER_KEY("parallel", "4", 1, 64, "operations at once"),
    {0},
};

static const struct config_key plan_keys[] = {
    {.name = "name", .required = true, .check = check_name, .help = "that users give"},
    {.name = "description", .fallback = "", .max = 1024, .help = "that users see"},
    {.name = "env", .type = KEY_MAP, .max = 256, .check = check_template_name, .help = "variables that apps get"},
    {0},
};

/* ---- building the result ---- */

struct loader {
	struct reader reader;
	const struct config_driver *drivers;
	size_t driver_count;
	struct config *config;
};

/* config_load's result and what it owns. */
struct loaded {
	struct config config;
	struct arena arena;
};

static int node_of(const struct mapping *mapping, const char *key)
{
	const struct option *option = options_find(&mapping->options, key);

	return mapping->nodes[option - mapping->options.items];
}

static const char *text_of(const struct mapping *mapping, const char *key)
{
	return options_text(&mapping->options, key);
}

static int64_t number_of(const struct mapping *mapping, const char *key)
{
	return options_number(&mapping->options, key);
}

/* The rows behind the common ones are the driver's own. */
static struct options own_options(const struct mapping *mapping, const struct config_key *common)
{
	struct options own = mapping->options;

	for (; common->name != NULL; common++) {
		own.items++;
		own.count--;
	}
	return own;
}

static void take_env(struct loader *loader, const struct mapping *mapping, const struct config_driver *driver,
                     const struct pair **ret_env, size_t *ret_count)
{
	const struct option *env = options_find(&mapping->options, "env");
	struct error error;

	*ret_env = env->value.map.items;
	*ret_count = env->value.map.count;
	for (size_t i = 0; driver != NULL && i < *ret_count; i++) {
		const struct pair *pair = &(*ret_env)[i];

		if (template_check(pair->value, template_common, driver->variables, &error) != 0)
			reader_error(&loader->reader, node_of(mapping, "env"), "the variable \"%s\": %s", pair->name,
			             error.text);
	}
}

/* ---- plans and servers ---- */

static void load_plans(struct loader *loader, const struct mapping *from, const struct config_driver *driver,
                       struct service *service)
{
	struct reader *reader = &loader->reader;
	const yaml_node_item_t *items;
	struct plan *plans;
	size_t count;

	if (node_of(from, "plans") == 0)
		return;
	count = reader_sequence(reader, node_of(from, "plans"), "\"plans\"", &items);
	plans = arena_alloc(reader->arena, (count + 1) * sizeof(*plans));
	for (size_t i = 0; plans != NULL && i < count; i++) {
		struct mapping mapping;

		reader_mapping(reader, items[i], "a plan", plan_keys, driver != NULL ? driver->plan_keys : NULL,
		               &mapping);
		plans[i].name = text_of(&mapping, "name");
		plans[i].description = text_of(&mapping, "description");
		plans[i].options = own_options(&mapping, plan_keys);
		take_env(loader, &mapping, driver, &plans[i].env, &plans[i].env_count);
		for (size_t j = 0; plans[i].name != NULL && j < i; j++)
			if (plans[j].name != NULL && strcmp(plans[i].name, plans[j].name) == 0)
				reader_error(reader, node_of(&mapping, "name"),
				             "a plan \"%s\" stands further up in this service", plans[i].name);
	}
	service->plans = plans;
	service->plan_count = count;
}

static void load_server(struct loader *loader, int node, const struct config_driver *driver, struct server *servers,
                        size_t i)
{
	struct reader *reader = &loader->reader;
	struct server *server = &servers[i];
	struct mapping mapping;

	reader_mapping(reader, node, "a server", server_keys, driver->server_keys, &mapping);
	server->name = text_of(&mapping, "name");
	server->cluster = text_of(&mapping, "cluster");
	server->pool = text_of(&mapping, "pool");
	server->capacity = number_of(&mapping, "capacity");
	server->weight = number_of(&mapping, "weight");
	server->parallel = number_of(&mapping, "parallel");
	server->options = own_options(&mapping, server_keys);
	for (size_t j = 0; server->name != NULL && j < i; j++)
		if (servers[j].name != NULL && strcmp(server->name, servers[j].name) == 0)
			reader_error(reader, node_of(&mapping, "name"),
			             "a server \"%s\" stands further up in this service", server->name);
}

static void load_servers(struct loader *loader, const struct mapping *from, const struct config_driver *driver,
                         struct service *service)
{
	const int node = node_of(from, "servers");
	const yaml_node_item_t *items;
	struct server *servers;
	size_t count;

	if (driver == NULL)
		return;
	if (driver->server_keys == NULL) {
		if (node != 0)
			reader_error(&loader->reader, node, "the driver \"%s\" has no servers; leave \"servers\" away",
			             driver->name);
		return;
	}
	if (node == 0) {
		reader_error(&loader->reader, from->node,
		             "a service of the driver \"%s\" must have the key \"servers\"", driver->name);
		return;
	}
	count = reader_sequence(&loader->reader, node, "\"servers\"", &items);
	servers = arena_alloc(loader->reader.arena, (count + 1) * sizeof(*servers));
	for (size_t i = 0; servers != NULL && i < count; i++)
		load_server(loader, items[i], driver, servers, i);
	service->servers = servers;
	service->server_count = servers != NULL ? count : 0;
}

/* ---- services ---- */

static const struct config_driver *find_driver(struct loader *loader, const struct mapping *mapping)
{
	const char *name = text_of(mapping, "driver");
	struct text known;

	if (name == NULL)
		return NULL;
	text_init(&known, 512);
	for (size_t i = 0; i < loader->driver_count; i++) {
		if (strcmp(loader->drivers[i].name, name) == 0) {
			text_release(&known);
			return &loader->drivers[i];
		}
		text_add(&known, i > 0 ? ", " : "");
		text_add(&known, loader->drivers[i].name);
	}
	reader_error(&loader->reader, node_of(mapping, "driver"), "there is no driver \"%s\"; there are: %s", name,
	             text_string(&known));
	text_release(&known);
	return NULL;
}

/* The file's content without one newline at its end. */
static const char *read_password(struct loader *loader, int node, const char *path)
{
	struct reader *reader = &loader->reader;
	char content[PASSWORD_FILE_MAX + 1];
	const char *password = NULL;
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t length = fd >= 0 ? read(fd, content, sizeof(content)) : -1;

	if (length < 0)
		reader_error(reader, node, "the password file \"%s\" cannot be read: %s", path, strerror(errno));
	else if (length > PASSWORD_FILE_MAX)
		reader_error(reader, node, "the password file \"%s\" is over %d bytes", path, PASSWORD_FILE_MAX);
	else {
		if (length > 0 && content[length - 1] == '\n')
			length--;
		if (length == 0 || !text_is_clean(content, (size_t)length))
			reader_error(reader, node, "the password file \"%s\" is empty or holds control characters",
			             path);
		else
			password = arena_bytes(reader->arena, content, (size_t)length);
	}
	secret_wipe(content, sizeof(content));
	if (fd >= 0)
		close(fd);
	return password;
}

static void load_password(struct loader *loader, const struct mapping *mapping, struct service *service)
{
	const int node = node_of(mapping, "password"), file_node = node_of(mapping, "password_file");

	if ((node == 0) == (file_node == 0)) {
		reader_error(&loader->reader, file_node != 0 ? file_node : mapping->node,
		             "a service must have one of \"password\" and \"password_file\"%s",
		             node != 0 ? ", not both" : "");
		return;
	}
	service->password = text_of(mapping, "password");
	if (file_node != 0 && text_of(mapping, "password_file") != NULL)
		service->password = read_password(loader, file_node, text_of(mapping, "password_file"));
}

static void check_clusters(struct loader *loader, const struct mapping *mapping, const struct service *service)
{
	for (size_t i = 0; i < service->server_count; i++) {
		if (service->servers[i].cluster != NULL || service->servers[i].pool != NULL)
			return;
	}
	reader_error(&loader->reader, node_of(mapping, "multi_cluster"),
	             "a multi-cluster service must have a server with \"cluster\" or \"pool\"");
}

static void check_unique(struct loader *loader, const struct mapping *mapping, const struct service *services, size_t i)
{
	const struct service *service = &services[i];

	for (size_t j = 0; j < i; j++) {
		if (service->name != NULL && services[j].name != NULL && strcmp(service->name, services[j].name) == 0) {
			reader_error(&loader->reader, node_of(mapping, "name"), "a service \"%s\" stands further up",
			             service->name);
			return;
		}
		if (service->path != NULL && services[j].path != NULL && strcmp(service->path, services[j].path) == 0)
			reader_error(&loader->reader, node_of(mapping, "path"),
			             "the path \"%s\" is that of the service \"%s\"", service->path,
			             services[j].name != NULL ? services[j].name : "");
	}
}

static void load_service(struct loader *loader, int node, struct service *services, size_t i)
{
	struct reader *reader = &loader->reader;
	struct service *service = &services[i];
	const struct config_driver *driver;
	struct mapping mapping;

	reader_mapping(reader, node, "a service", service_keys, NULL, &mapping);
	driver = find_driver(loader, &mapping);
	service->name = text_of(&mapping, "name");
	service->driver = text_of(&mapping, "driver");
	service->path = text_of(&mapping, "path");
	if (service->path == NULL && service->name != NULL)
		service->path = arena_format(reader->arena, "/%s", service->name);
	service->username = text_of(&mapping, "username");
	if (service->username == NULL)
		service->username = service->name;
	if (service->username != NULL && strchr(service->username, ':') != NULL)
		reader_error(reader, node_of(&mapping, "username"), "\"username\" must not hold a colon (RFC 7617)");
	service->wait = number_of(&mapping, "wait");
	service->bind_wait = number_of(&mapping, "bind_wait");
	service->attempt_timeout = number_of(&mapping, "attempt_timeout");
	service->retry_for = number_of(&mapping, "retry_for");
	service->multi_cluster = options_flag(&mapping.options, "multi_cluster");
	load_password(loader, &mapping, service);
	take_env(loader, &mapping, driver, &service->env, &service->env_count);
	load_servers(loader, &mapping, driver, service);
	load_plans(loader, &mapping, driver, service);
	if (service->multi_cluster)
		check_clusters(loader, &mapping, service);
	check_unique(loader, &mapping, services, i);
}

/* ---- the whole ---- */

static void load_limits(struct loader *loader, int node)
{
	struct limits *limits = &loader->config->limits;
	struct mapping mapping;

	reader_mapping(&loader->reader, node, "\"limits\"", limits_keys, NULL, &mapping);
	limits->header_bytes = number_of(&mapping, "header_bytes");
	limits->body_bytes = number_of(&mapping, "body_bytes");
	limits->request_timeout = number_of(&mapping, "request_timeout");
	limits->idle_timeout = number_of(&mapping, "idle_timeout");
	limits->shutdown = number_of(&mapping, "shutdown");
	limits->tombstones = number_of(&mapping, "tombstones");
	limits->history = number_of(&mapping, "history");
	limits->store_bytes = number_of(&mapping, "store_bytes");
}

static void load_log(struct loader *loader, int node)
{
	struct mapping mapping;

	reader_mapping(&loader->reader, node, "\"log\"", log_keys, NULL, &mapping);
	loader->config->log_format = text_of(&mapping, "format");
	loader->config->log_level = text_of(&mapping, "level");
}

static void load_services(struct loader *loader, int node)
{
	const yaml_node_item_t *items;
	struct service *services;
	size_t count;

	if (node == 0)
		return;
	count = reader_sequence(&loader->reader, node, "\"services\"", &items);
	services = arena_alloc(loader->reader.arena, (count + 1) * sizeof(*services));
	for (size_t i = 0; services != NULL && i < count; i++)
		load_service(loader, items[i], services, i);
	loader->config->services = services;
	loader->config->service_count = count;
}

static void load_document(struct loader *loader)
{
	struct config *config = loader->config;
	struct mapping mapping;

	reader_mapping(&loader->reader, 1, "the configuration", top_keys, NULL, &mapping);
	config->admin = text_of(&mapping, "admin");
	config->data_dir = text_of(&mapping, "data_dir");
	config->secret_key_file = text_of(&mapping, "secret_key_file");
	if (text_of(&mapping, "listen") != NULL)
		(void)split_listener(text_of(&mapping, "listen"), loader->reader.arena, &config->listen);
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

/* The list and its texts are one block. */
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
	arena_init(&loader.reader.errors);
	loader.config = &loaded->config;
	loader.config->file = arena_text(&loaded->arena, path);
	loader.reader.file = path;
	loader.reader.arena = &loaded->arena;
	load_file(&loader);
	if (loader.reader.total == 0) {
		*ret_config = &loaded->config;
		return 0;
	}
	*ret_errors = collect_errors(&loader.reader);
	arena_release(&loader.reader.errors);
	config_free(&loaded->config);
	return ERR_INVALID;
}

void config_free(struct config *config)
{
	struct loaded *loaded = (struct loaded *)config; /* its first member */

	if (loaded == NULL)
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
