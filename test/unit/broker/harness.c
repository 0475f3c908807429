/* The world of the broker's unit tests; see harness.h. */
#include "unit/broker/harness.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker/internal.h"
#include "driver/registry.h"

static const char configuration[] =
    "data_dir: %s\n"
    "services:\n"
    "  - name: scripted\n"
    "    driver: scripted\n"
    "    password: api-password\n"
    "    attempt_timeout: 10s\n"
    "    retry_for: 10m\n"
    "    servers:\n"
    "      - {name: one, capacity: 4, parallel: 2, pool: east, state: %s/one}\n"
    "      - {name: two, capacity: 2, parallel: 2, pool: west, state: %s/two}\n"
    "    plans:\n"
    "      - {name: small, description: a, weight: 1}\n"
    "      - {name: large, description: b, weight: 2}\n"
    "  - name: relay\n"
    "    driver: shared\n"
    "    password: api-password\n"
    "    env: {RELAY_USER: \"{instance}-{app}\", GONE: \"x\"}\n"
    "    plans:\n"
    "      - {name: only, description: c, env: {RELAY_URL: \"smtp://{team}/\", GONE: \"\"}}\n";

static void load_config(struct world *world, const char *text, const char *other)
{
	struct config_driver drivers[16];
	struct config_errors *errors = NULL;
	char path[96], written[2048], edited[2048];
	size_t count = 0;
	const char *at;
	FILE *file;

	for (const struct driver *driver; (driver = registry_at(count)) != NULL; count++)
		drivers[count] = (struct config_driver){.name = driver->name,
		                                        .server_keys = driver->server_keys,
		                                        .plan_keys = driver->plan_keys,
		                                        .retires = driver->retires,
		                                        .retain = driver->retain,
		                                        .variables = driver->variables};
	snprintf(path, sizeof(path), "%s/broker.yaml", world->directory);
	snprintf(written, sizeof(written), configuration, world->directory, world->directory, world->directory);
	at = strstr(written, text);
	assert_non_null(at);
	snprintf(edited, sizeof(edited), "%.*s%s%s", (int)(at - written), written, other, at + strlen(text));
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(edited, file) >= 0);
	assert_int_equal(fclose(file), 0);
	if (config_load(path, drivers, count, &world->config, &errors) != 0)
		fail_msg("%s", errors->texts[0]);
}

void start_world(struct world *world)
{
	struct broker_options options = {
	    .config = world->config, .keyring = world->keyring, .context = &world->context};
	struct store_options store_options = {.directory = world->directory, .size_max = 64 * 1024 * 1024};
	struct error error;

	world->timers = timers_new_manual(WALL + world->passed);
	assert_non_null(world->timers);
	world->context = (struct driver_context){.base = world->base, .timers = world->timers};
	store_options.base = world->base;
	if (store_open(&store_options, &world->store, &error) != 0)
		fail_msg("%s", error.text);
	options.store = world->store;
	options.timers = world->timers;
	if (broker_open(&options, &world->broker, &error) != 0)
		fail_msg("%s", error.text);
}

void stop_world(struct world *world)
{
	broker_close(world->broker);
	store_close(world->store);
	timers_free(world->timers);
}

int world_setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	struct error error;

	assert_non_null(world);
	*state = world;
	assert_int_equal(secret_init(&error), 0);
	snprintf(world->directory, sizeof(world->directory), "/tmp/broker-test-XXXXXX");
	assert_non_null(mkdtemp(world->directory));
	world->base = event_base_new();
	assert_non_null(world->base);
	assert_int_equal(
	    keyring_parse("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", &world->keyring, &error),
	    0);
	load_config(world, "", "");
	start_world(world);
	return 0;
}

int world_teardown(void **state)
{
	struct world *world = *state;
	char command[128];

	stop_world(world);
	keyring_free(world->keyring);
	config_free(world->config);
	event_base_free(world->base);
	snprintf(command, sizeof(command), "rm -r %s", world->directory);
	assert_int_equal(system(command), 0);
	free(world);
	return 0;
}

void restart(struct world *world)
{
	stop_world(world);
	start_world(world);
}

void restart_edited(struct world *world, const char *text, const char *other)
{
	stop_world(world);
	config_free(world->config);
	load_config(world, text, other);
	start_world(world);
}

void reload_edited(struct world *world, const char *text, const char *other)
{
	struct config *before = world->config;
	struct broker_change *change = NULL;
	struct error error;

	load_config(world, text, other);
	if (broker_prepare(world->broker, &(struct broker_next){.config = world->config}, &change, &error) != 0)
		fail_msg("%s", error.text);
	broker_enter(world->broker, change);
	config_free(before);
}

const char *incarnation_of(struct world *world, const char *instance)
{
	static char incarnation[INCARNATION_LENGTH + 1];
	struct held_instance held;
	struct arena arena;

	arena_init(&arena);
	assert_int_equal(
	    records_find_instance(world->broker->catalog.records, &arena, "scripted", instance, &held, NULL, NULL), 0);
	snprintf(incarnation, sizeof(incarnation), "%s", held.record.incarnation);
	arena_release(&arena);
	return incarnation;
}

void settle(struct world *world)
{
	const struct queue *queue = &world->broker->queue;
	int quiet = 0;

	while (quiet < 4) {
		const size_t pending = queue->pending, running = queue->running, waiting = queue->waiting;

		store_flush(world->store);
		timers_advance(world->timers, 0);
		event_base_loop(world->base, EVLOOP_NONBLOCK);
		quiet =
		    pending == queue->pending && running == queue->running && waiting == queue->waiting ? quiet + 1 : 0;
	}
}

void pass(struct world *world, int64_t ms)
{
	while (ms > 0) {
		int64_t step = ms < 100 ? ms : 100;

		timers_advance(world->timers, step);
		world->passed += step;
		ms -= step;
		settle(world);
	}
}

static void on_reply(void *arg, const struct broker_reply *reply)
{
	struct answer *answer = arg;

	assert_false(answer->came);
	answer->came = true;
	answer->code = reply->code;
	answer->pending = reply->pending;
	answer->variables = reply->environment_count;
	snprintf(answer->text, sizeof(answer->text), "%s", reply->text);
	for (size_t i = 0; i < reply->environment_count; i++) {
		const struct pair *pair = &reply->environment[i];

		if (strstr(pair->name, "_USER") != NULL)
			snprintf(answer->user, sizeof(answer->user), "%s", pair->value);
		if (strstr(pair->name, "_PASSWORD") != NULL)
			snprintf(answer->password, sizeof(answer->password), "%s", pair->value);
	}
}

static void set_bind(struct broker_request *to, enum bind_kind kind, const char *name, bool by_host)
{
	to->bind_kind = kind;
	to->bind_name = name;
	to->bind_by_host = by_host;
}

static void set_field(struct broker_request *to, const char *name, const char *value)
{
	const struct {
		const char *name;
		const char **field;
	} texts[] = {
	    {"instance", &to->instance},
	    {"plan", &to->plan},
	    {"team", &to->team},
	    {"event", &to->caller.event},
	    {"user", &to->caller.user},
	    {"repeat", &to->caller.repeat},
	    {"action", &to->action},
	    {"unit", &to->unit},
	    {"parameters", &to->parameters},
	    {"pool", &to->pool},
	    {"cluster", &to->cluster},
	    {"description", &to->description},
	    {"incarnation", &to->incarnation},
	    {"server", &to->server},
	    {"resource", &to->resource},
	    {"hosts", &to->whereabouts.hosts},
	    {"runs_in", &to->whereabouts.pool},
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		if (strcmp(name, texts[i].name) == 0) {
			*texts[i].field = value;
			return;
		}
	}
	if (strcmp(name, "app") == 0)
		set_bind(to, BIND_APP, value, false);
	else if (strcmp(name, "job") == 0)
		set_bind(to, BIND_JOB, value, false);
	else if (strcmp(name, "host") == 0)
		set_bind(to, BIND_APP, value, true);
	else if (strcmp(name, "updated") == 0)
		to->bind_updated = strtoll(value, NULL, 10);
	else
		fail_msg("no field \"%s\"", name);
}

static void begin_with(struct world *world, struct ask *ask, const struct asked *what, va_list fields)
{
	const char *name;

	*ask = (struct ask){.request = {.service = &world->config->services[0]}};
	while ((name = va_arg(fields, const char *)) != NULL) {
		const char *value = va_arg(fields, const char *);

		if (strcmp(name, "service") == 0)
			ask->request.service = config_service(world->config, value);
		else
			set_field(&ask->request, name, value);
	}
	requests_ask(broker_requests(world->broker), what, &ask->request, on_reply, &ask->answer);
	assert_false(ask->answer.came);
}

void begin(struct world *world, struct ask *ask, const struct asked *what, ...)
{
	va_list fields;

	va_start(fields, what);
	begin_with(world, ask, what, fields);
	va_end(fields);
}

struct answer request(struct world *world, const struct asked *what, ...)
{
	struct ask ask;
	va_list fields;

	va_start(fields, what);
	begin_with(world, &ask, what, fields);
	va_end(fields);
	settle(world);
	for (int i = 0; i < 6000 && !ask.answer.came; i++)
		pass(world, 100);
	assert_true(ask.answer.came);
	return ask.answer;
}

enum status_kind status_of(struct world *world, const char *instance)
{
	struct status status;
	struct error error;

	if (view_status(broker_view(world->broker), &world->config->services[0], instance, &status, &error) != 0)
		fail_msg("%s", error.text);
	return status.kind;
}

static const char *show(struct world *world, const char *instance,
                        int (*view)(const struct view *, const struct service *, const char *, struct text *,
                                    struct error *))
{
	static char shown[65536];
	struct error error;
	struct text json;

	text_init(&json, sizeof(shown) - 1);
	if (view(broker_view(world->broker), &world->config->services[0], instance, &json, &error) != 0)
		fail_msg("%s", error.text);
	snprintf(shown, sizeof(shown), "%s", text_string(&json));
	text_release(&json);
	return shown;
}

const char *describe(struct world *world, const char *instance)
{
	return show(world, instance, view_describe);
}

const char *operations(struct world *world, const char *instance)
{
	return show(world, instance, view_list_operations);
}

const char *binds(struct world *world, const char *instance)
{
	return show(world, instance, view_list_binds);
}

void *scripted(struct world *world)
{
	return catalog_offering(&world->broker->catalog, "scripted")->backend->state;
}
