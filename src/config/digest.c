/* What has to be the same in the configurations of brokers that share a store: services with their plans and servers,
 * who may ask and operate, tsuru, how records are treated, and the lease. What is each one's own is left out: where it
 * listens and with which certificate, its name, its directory, its log, its proxies, and limits of its connections. */
#include <string.h>

#include "config/config.h"

/* ---- values: a name, and a text with its length, so that no two lists read the same ---- */

static void add_text(struct text *text, const char *name, const char *value)
{
	if (value == NULL)
		text_add_format(text, "%s-;", name);
	else
		text_add_format(text, "%s=%zu:%s;", name, strlen(value), value);
}

static void add_number(struct text *text, const char *name, int64_t value)
{
	text_add_format(text, "%s=%lld;", name, (long long)value);
}

static void add_list(struct text *text, const char *name, const char *const *items, size_t count)
{
	add_number(text, name, (int64_t)count);
	for (size_t i = 0; i < count; i++)
		add_text(text, "", items[i]);
}

static void add_map(struct text *text, const char *name, const struct pair *items, size_t count)
{
	add_number(text, name, (int64_t)count);
	for (size_t i = 0; i < count; i++)
		add_text(text, items[i].name, items[i].value);
}

static void add_option(struct text *text, const struct option *option)
{
	const char *name = option->key->name;

	switch (option->key->type) {
	case KEY_TEXT:
		add_text(text, name, option->value.text);
		break;
	case KEY_NUMBER:
	case KEY_DURATION:
	case KEY_SIZE:
		add_number(text, name, option->value.number);
		break;
	case KEY_BOOL:
		add_number(text, name, option->value.flag);
		break;
	case KEY_LIST:
		add_list(text, name, option->value.list.items, option->value.list.count);
		break;
	case KEY_MAP:
		add_map(text, name, option->value.map.items, option->value.map.count);
		break;
	case KEY_NODE:
		break;
	}
}

static void add_options(struct text *text, const struct options *options)
{
	for (size_t i = 0; i < options->count; i++)
		add_option(text, &options->items[i]);
}

/* ---- services ---- */

static void add_plan(struct text *text, const struct plan *plan)
{
	add_text(text, "plan", plan->name);
	add_text(text, "description", plan->description);
	add_map(text, "env", plan->env, plan->env_count);
	add_number(text, "retain", plan->retain);
	add_number(text, "instances", plan->instances);
	add_number(text, "instances_per_team", plan->instances_per_team);
	add_options(text, &plan->options);
}

static void add_server(struct text *text, const struct server *server)
{
	add_text(text, "server", server->name);
	add_text(text, "cluster", server->cluster);
	add_text(text, "pool", server->pool);
	add_number(text, "capacity", server->capacity);
	add_number(text, "weight", server->weight);
	add_number(text, "parallel", server->parallel);
	add_options(text, &server->options);
}

static void add_service(struct text *text, const struct service *service)
{
	add_text(text, "service", service->name);
	add_text(text, "path", service->path);
	add_text(text, "driver", service->driver);
	add_text(text, "username", service->username);
	add_list(text, "passwords", service->passwords, service->password_count);
	add_number(text, "wait", service->wait);
	add_number(text, "bind_wait", service->bind_wait);
	add_number(text, "attempt_timeout", service->attempt_timeout);
	add_number(text, "retry_for", service->retry_for);
	add_number(text, "instances_per_team", service->instances_per_team);
	add_number(text, "status_code", service->status_code);
	add_number(text, "multi_cluster", service->multi_cluster);
	add_number(text, "single_tsuru", service->single_tsuru);
	add_map(text, "env", service->env, service->env_count);
	for (size_t i = 0; i < service->plan_count; i++)
		add_plan(text, &service->plans[i]);
	for (size_t i = 0; i < service->server_count; i++)
		add_server(text, &service->servers[i]);
}

/* ---- the rest ---- */

static void add_limits(struct text *text, const struct limits *limits)
{
	add_number(text, "tombstones", limits->tombstones);
	add_number(text, "verify_interval", limits->verify_interval);
	add_number(text, "verify_rate", limits->verify_rate);
	add_number(text, "audit", limits->audit);
	add_number(text, "audit_entries", limits->audit_entries);
	add_number(text, "pending", limits->pending);
	add_number(text, "history", limits->history);
	add_number(text, "body_bytes", limits->body_bytes);
	add_number(text, "store_bytes", limits->store_bytes);
}

static void add_tsuru(struct text *text, const struct tsuru *tsuru)
{
	add_text(text, "tsuru", tsuru->url);
	add_text(text, "token", tsuru->token);
	add_number(text, "interval", tsuru->interval);
	add_number(text, "grace", tsuru->grace);
	add_number(text, "end_orphans", tsuru->end_orphans);
	add_number(text, "limit", tsuru->limit);
}

void config_digest(const struct config *config, struct text *ret_text)
{
	for (size_t i = 0; i < config->service_count; i++)
		add_service(ret_text, &config->services[i]);
	add_limits(ret_text, &config->limits);
	if (config->tsuru != NULL)
		add_tsuru(ret_text, config->tsuru);
	if (config->admin != NULL) {
		add_text(ret_text, "admin", config->admin->username);
		add_list(ret_text, "passwords", config->admin->passwords, config->admin->password_count);
	}
	if (config->store != NULL)
		add_number(ret_text, "lease", config->store->lease);
}
