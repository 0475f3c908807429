/* Services, their servers and their plans. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/secret.h"
#include "base/text.h"
#include "config/loader.h"
#include "config/tables.h"
#include "model/template.h"

#define SECRET_FILE_MAX 4096 /* bytes */

/* The options of the driver's own keys, which stand behind those of the common keys. */
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
	const char *const *common = driver != NULL && driver->variables == NULL ? NULL : template_common;
	struct error error;

	*ret_env = env->value.map.items;
	*ret_count = env->value.map.count;
	for (size_t i = 0; driver != NULL && i < *ret_count; i++) {
		const struct pair *pair = &(*ret_env)[i];

		if (template_check(pair->value, common, driver->variables, &error) != 0)
			reader_error(&loader->reader, node_of(mapping, "env"), "the variable \"%s\": %s", pair->name,
			             error.text);
	}
}

/* ---- plans and servers ---- */

static int64_t read_retain(struct reader *reader, const struct mapping *mapping, const struct config_driver *driver)
{
	if (node_of(mapping, "retain") == 0)
		return driver != NULL ? driver->retain : 0;
	if (driver != NULL && !driver->retires && number_of(mapping, "retain") > 0)
		reader_error(reader, node_of(mapping, "retain"),
		             "the driver \"%s\" cannot keep a removed instance; leave \"retain\" away", driver->name);
	return number_of(mapping, "retain");
}

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

		if (!reader_mapping(reader, items[i], "a plan", plan_keys, driver != NULL ? driver->plan_keys : NULL,
		                    &mapping))
			return;
		plans[i].name = text_of(&mapping, "name");
		plans[i].description = text_of(&mapping, "description");
		plans[i].instances = number_of(&mapping, "instances");
		plans[i].instances_per_team = number_of(&mapping, "instances_per_team");
		plans[i].retain = read_retain(reader, &mapping, driver);
		plans[i].options = own_options(&mapping, plan_keys);
		take_env(loader, &mapping, driver, &plans[i].env, &plans[i].env_count);
		for (size_t j = 0; plans[i].name != NULL && j < i; j++)
			if (plans[j].name != NULL && strcmp(plans[i].name, plans[j].name) == 0)
				reader_error(reader, node_of(&mapping, "name"),
				             "a plan \"%s\" stands further up in this service", plans[i].name);
	}
	service->plans = plans;
	service->plan_count = plans != NULL ? count : 0;
}

static void load_server(struct loader *loader, int node, const struct config_driver *driver, struct server *servers,
                        size_t i)
{
	struct reader *reader = &loader->reader;
	struct server *server = &servers[i];
	struct mapping mapping;

	if (!reader_mapping(reader, node, "a server", server_keys, driver->server_keys, &mapping))
		return;
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

const char *load_secret_file(struct loader *loader, int node, const char *what, const char *path)
{
	struct reader *reader = &loader->reader;
	char content[SECRET_FILE_MAX + 1];
	const char *secret = NULL;
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t length = fd >= 0 ? read(fd, content, sizeof(content)) : -1;

	if (length < 0)
		reader_error(reader, node, "the %s file \"%s\" cannot be read: %s", what, path, strerror(errno));
	else if (length > SECRET_FILE_MAX)
		reader_error(reader, node, "the %s file \"%s\" is over %d bytes", what, path, SECRET_FILE_MAX);
	else {
		if (length > 0 && content[length - 1] == '\n')
			length--;
		if (length == 0 || !text_is_clean(content, (size_t)length))
			reader_error(reader, node, "the %s file \"%s\" is empty or holds control characters", what,
			             path);
		else
			secret = arena_bytes(reader->arena, content, (size_t)length);
	}
	secret_wipe(content, sizeof(content));
	if (fd >= 0)
		close(fd);
	return secret;
}

void load_passwords(struct loader *loader, const struct mapping *mapping, const char *what,
                    const char *const **ret_passwords, size_t *ret_count)
{
	const int node = node_of(mapping, "password"), file_node = node_of(mapping, "password_file");
	const struct option *given = options_find(&mapping->options, node != 0 ? "password" : "password_file");
	const size_t count = given->value.list.count;
	const char **passwords;

	if ((node == 0) == (file_node == 0)) {
		reader_error(&loader->reader, file_node != 0 ? file_node : mapping->node,
		             "%s must have one of \"password\" and \"password_file\"%s", what,
		             node != 0 ? ", not both" : "");
		return;
	}
	*ret_passwords = given->value.list.items;
	*ret_count = count;
	if (node != 0)
		return;
	passwords = arena_alloc(loader->reader.arena, (count + 1) * sizeof(*passwords));
	for (size_t i = 0; passwords != NULL && i < count; i++)
		passwords[i] = load_secret_file(loader, file_node, "password", given->value.list.items[i]);
	*ret_passwords = passwords;
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

	if (!reader_mapping(reader, node, "a service", service_keys, NULL, &mapping))
		return;
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
	service->instances_per_team = number_of(&mapping, "instances_per_team");
	service->status_code = number_of(&mapping, "status_code");
	service->multi_cluster = options_flag(&mapping.options, "multi_cluster");
	service->single_tsuru = options_flag(&mapping.options, "single_tsuru");
	load_passwords(loader, &mapping, "a service", &service->passwords, &service->password_count);
	take_env(loader, &mapping, driver, &service->env, &service->env_count);
	load_servers(loader, &mapping, driver, service);
	load_plans(loader, &mapping, driver, service);
	if (service->multi_cluster)
		check_clusters(loader, &mapping, service);
	check_unique(loader, &mapping, services, i);
}

void load_services(struct loader *loader, int node)
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
	loader->config->service_count = services != NULL ? count : 0;
}
