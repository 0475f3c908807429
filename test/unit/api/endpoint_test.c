/* The endpoints over real sockets, with the real broker, a temporary store and the scripted driver: what each answers
 * to tsuru and to old clients, and what the log says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <event2/event.h>
#include <sys/socket.h>

#include "api/api.h"
#include "driver/scripted/scripted.h"

#define ANSWER_MAX 65536

static const char configuration[] =
    "listen: 127.0.0.1:0\n"
    "data_dir: %s\n"
    "services:\n"
    "  - name: db\n"
    "    driver: scripted\n"
    "    password: hush\n"
    "    servers: [{name: main, rules: %s/rules}]\n"
    "    plans:\n"
    "      - {name: small, description: \"the \\\"small\\\" one\"}\n"
    "      - {name: large, description: large, env: {NOTE: \"{app} {instance} {team}\"}}\n"
    "  - name: wide\n"
    "    driver: scripted\n"
    "    username: db\n"
    "    password: hush\n"
    "    multi_cluster: true\n"
    "    status_code: 500\n"
    "    servers: [{name: main, pool: here, rules: %s/rules}]\n"
    "    plans:\n"
    "      - {name: small, description: small}\n";

struct fixture {
	char directory[64];
	struct config *config;
	struct event_base *base;
	struct timers *timers;
	struct store *store;
	struct keyring *keyring;
	struct driver_context context;
	struct broker *broker;
	struct api *api;
	struct log log;
	int log_end; /* where its lines are read */
	char answer[ANSWER_MAX];
	size_t length;
	bool ended;
};

static void write_file(const struct fixture *fixture, const char *name, const char *content)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", fixture->directory, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(content, file);
	assert_int_equal(fclose(file), 0);
}

static void load(struct fixture *fixture)
{
	const struct config_driver driver = {
	    .name = driver_scripted.name,
	    .server_keys = driver_scripted.server_keys,
	    .plan_keys = driver_scripted.plan_keys,
	    .variables = driver_scripted.variables,
	};
	struct config_errors *errors = NULL;
	char content[sizeof(configuration) + 3 * sizeof(fixture->directory)];
	char path[128];

	snprintf(content, sizeof(content), configuration, fixture->directory, fixture->directory, fixture->directory);
	write_file(fixture, "broker.yaml", content);
	snprintf(path, sizeof(path), "%s/broker.yaml", fixture->directory);
	assert_int_equal(config_load(path, &driver, 1, &fixture->config, &errors), 0);
	config_errors_free(errors);
}

static void open_log(struct fixture *fixture)
{
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	fixture->log = (struct log){.fd = ends[1], .level = LOG_INFO};
	fixture->log_end = ends[0];
}

static void open_broker(struct fixture *fixture)
{
	const struct store_options store = {
	    .directory = fixture->config->data_dir, .size_max = 1 << 30, .base = fixture->base};
	struct broker_options options = {
	    .config = fixture->config, .timers = fixture->timers, .context = &fixture->context, .log = NULL};
	struct error error;

	assert_int_equal(store_open(&store, &fixture->store, &error), 0);
	assert_int_equal(keyring_parse("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
	                               &fixture->keyring, &error),
	                 0);
	options.store = fixture->store;
	options.keyring = fixture->keyring;
	fixture->context = (struct driver_context){.base = fixture->base, .timers = fixture->timers};
	assert_int_equal(broker_open(&options, &fixture->broker, &error), 0);
}

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	const char *directory = getenv("TMPDIR");
	struct api_options options;
	struct error error;

	assert_non_null(fixture);
	assert_int_equal(secret_init(&error), 0);
	snprintf(fixture->directory, sizeof(fixture->directory), "%s/endpoint_test.XXXXXX",
	         directory != NULL ? directory : "/tmp");
	assert_non_null(mkdtemp(fixture->directory));
	load(fixture);
	open_log(fixture);
	fixture->base = event_base_new();
	fixture->timers = timers_new(fixture->base);
	assert_non_null(fixture->base);
	assert_non_null(fixture->timers);
	open_broker(fixture);
	options = (struct api_options){.config = fixture->config,
	                               .broker = fixture->broker,
	                               .log = &fixture->log,
	                               .base = fixture->base,
	                               .timers = fixture->timers};
	assert_int_equal(api_open(&options, &fixture->api, &error), 0);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	char command[96];

	api_close(fixture->api);
	broker_close(fixture->broker);
	keyring_free(fixture->keyring);
	store_close(fixture->store);
	timers_free(fixture->timers);
	event_base_free(fixture->base);
	config_free(fixture->config);
	close(fixture->log.fd);
	close(fixture->log_end);
	snprintf(command, sizeof(command), "rm -rf '%s'", fixture->directory);
	assert_int_equal(system(command), 0);
	free(fixture);
	return 0;
}

/* ---- a client on the same loop ---- */

static int send_request(const struct fixture *fixture, const char *method, const char *path, const char *headers,
                        const char *body)
{
	const struct sockaddr_in address = {.sin_family = AF_INET,
	                                    .sin_port = htons(api_port(fixture->api, 0)),
	                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	char request[8192];
	int client = socket(AF_INET, SOCK_STREAM, 0);
	int length = snprintf(request, sizeof(request),
	                      "%s %s HTTP/1.1\r\nHost: broker\r\nConnection: close\r\n"
	                      "Authorization: Basic ZGI6aHVzaA==\r\n%sContent-Length: %zu\r\n\r\n%s",
	                      method, path, headers, strlen(body), body);

	assert_true(length > 0 && length < (int)sizeof(request));
	assert_int_equal(connect(client, (const struct sockaddr *)(const void *)&address, sizeof(address)), 0);
	assert_int_equal(send(client, request, (size_t)length, 0), length);
	return client;
}

static void on_readable(evutil_socket_t client, short what, void *arg)
{
	struct fixture *fixture = arg;
	ssize_t count;

	assert_int_equal(what & EV_TIMEOUT, 0);
	count = recv(client, fixture->answer + fixture->length, ANSWER_MAX - 1 - fixture->length, 0);
	assert_true(count >= 0);
	fixture->length += (size_t)count;
	fixture->ended = count == 0;
}

/* Turns the loop until the answer is whole; returns its status. */
static int read_answer(struct fixture *fixture, int client)
{
	const struct timeval patience = {.tv_sec = 60};
	struct event *readable = event_new(fixture->base, client, EV_READ | EV_PERSIST, on_readable, fixture);

	assert_non_null(readable);
	fixture->length = 0;
	fixture->ended = false;
	assert_int_equal(event_add(readable, &patience), 0);
	while (!fixture->ended)
		assert_true(event_base_loop(fixture->base, EVLOOP_ONCE) >= 0);
	event_free(readable);
	close(client);
	fixture->answer[fixture->length] = '\0';
	return fixture->length > 12 ? atoi(fixture->answer + 9) : 0;
}

static int ask_with(struct fixture *fixture, const char *method, const char *path, const char *headers,
                    const char *body)
{
	return read_answer(fixture, send_request(fixture, method, path, headers, body));
}

#define FORM "Content-Type: application/x-www-form-urlencoded\r\n"
#define JSON "Content-Type: application/json\r\n"

static int ask(struct fixture *fixture, const char *method, const char *path, const char *form)
{
	return ask_with(fixture, method, path, FORM, form);
}

static bool answered(const struct fixture *fixture, const char *part)
{
	return strstr(fixture->answer, part) != NULL;
}

/* What follows name and the opening quote in a JSON answer, up to the next quote. */
static void take_value(const struct fixture *fixture, const char *name, char *ret_value, size_t size)
{
	char key[64];
	const char *at;

	snprintf(key, sizeof(key), "\"%s\":\"", name);
	at = strstr(fixture->answer, key);
	assert_non_null(at);
	at += strlen(key);
	snprintf(ret_value, size, "%.*s", (int)strcspn(at, "\""), at);
}

static void create(struct fixture *fixture, const char *plan)
{
	char form[128];

	snprintf(form, sizeof(form), "name=one&team=ops&user=me&plan=%s", plan);
	assert_int_equal(ask(fixture, "POST", "/db/resources", form), 201);
}

static int count_of(const struct fixture *fixture, const char *part)
{
	int count = 0;

	for (const char *at = fixture->answer; (at = strstr(at, part)) != NULL; at++)
		count++;
	return count;
}

/* ---- tests ---- */

static void lists_plans(void **state)
{
	assert_int_equal(ask(*state, "GET", "/db/resources/plans", ""), 200);
	assert_true(answered(*state, "[{\"name\":\"small\",\"description\":\"the \\\"small\\\" one\"},"
	                             "{\"name\":\"large\",\"description\":\"large\"}]"));
}

static void plans_of_several_clusters_need_one(void **state)
{
	assert_int_equal(ask(*state, "GET", "/wide/resources/plans", ""), 400);
	assert_true(answered(*state, "\"missing_params\":[\"cluster\"]"));
	assert_int_equal(ask_with(*state, "GET", "/wide/resources/plans", "X-Tsuru-Pool-Name: here\r\n", ""), 200);
	assert_int_equal(ask_with(*state, "GET", "/wide/resources/plans",
	                          "X-Tsuru-Pool-Name: here\r\nX-Tsuru-Cluster-Name: c\r\n", ""),
	                 200);
}

static void plans_of_a_place_that_nobody_serves_are_refused(void **state)
{
	assert_int_equal(ask_with(*state, "GET", "/wide/resources/plans", "X-Tsuru-Pool-Name: there\r\n", ""), 400);
	assert_true(answered(*state, "no server of the service \\\"wide\\\" serves the pool \\\"there\\\""));
	assert_int_equal(ask_with(*state, "GET", "/wide/resources/plans", "X-Tsuru-Cluster-Name: c\r\n", ""), 400);
	assert_true(answered(*state, "serves the cluster \\\"c\\\""));
	assert_int_equal(ask_with(*state, "GET", "/db/resources/plans", "X-Tsuru-Pool-Name: there\r\n", ""), 200);
}

static void places_by_the_pool(void **state)
{
	assert_int_equal(ask_with(*state, "POST", "/wide/resources", FORM "X-Tsuru-Pool-Name: there\r\n",
	                          "name=one&team=ops&user=me"),
	                 400);
	assert_true(answered(*state, "serves the pool \\\"there\\\""));
	assert_int_equal(ask_with(*state, "POST", "/wide/resources", FORM "X-Tsuru-Pool-Name: here\r\n",
	                          "name=one&team=ops&user=me"),
	                 201);
}

static void lives_an_instances_life(void **state)
{
	create(*state, "small");
	assert_int_equal(ask(*state, "GET", "/db/resources/one/status", ""), 204);
	assert_int_equal(ask(*state, "GET", "/db/resources/one", ""), 200);
	assert_true(answered(*state, "{\"label\":\"Plan in force\",\"value\":\"small\"}"));
	assert_int_equal(ask(*state, "PUT", "/db/resources/one", "plan=large&user=me"), 200);
	assert_int_equal(ask(*state, "GET", "/db/resources/one", ""), 200);
	assert_true(answered(*state, "{\"label\":\"Plan in force\",\"value\":\"large\"}"));
	assert_int_equal(ask(*state, "DELETE", "/db/resources/one", "user=me"), 200);
	assert_int_equal(ask(*state, "DELETE", "/db/resources/one", "user=me"), 200);
	assert_int_equal(ask(*state, "GET", "/db/resources/one/status", ""), 404);
}

/* An update's body is the whole new state; without one there is no new state. */
static void an_update_without_a_body_changes_nothing(void **state)
{
	create(*state, "small");
	assert_int_equal(ask(*state, "PUT", "/db/resources/one",
	                     "plan=large&description=mine&tags=a&parameters.deletion_protection=true"),
	                 200);
	assert_int_equal(ask(*state, "PUT", "/db/resources/one", ""), 200);
	assert_int_equal(ask_with(*state, "PUT", "/db/resources/one", JSON, ""), 200);
	assert_int_equal(ask_with(*state, "PUT", "/db/resources/one", "", ""), 200);
	assert_int_equal(ask(*state, "DELETE", "/db/resources/one", "user=me"), 403);
	assert_int_equal(ask(*state, "GET", "/db/resources/one/operations", ""), 200);
	assert_int_equal(count_of(*state, "\"kind\":\"update\""), 1);
	assert_int_equal(ask(*state, "PUT", "/db/resources/none", ""), 404);
	/* A body takes away what it leaves out. */
	assert_int_equal(ask(*state, "PUT", "/db/resources/one", "user=me"), 200);
	assert_int_equal(ask(*state, "DELETE", "/db/resources/one", "user=me"), 200);
}

static void a_later_tsuru_may_send_more(void **state)
{
	create(*state, "small");
	assert_int_equal(
	    ask_with(*state, "POST", "/db/resources/one/bind-app", JSON,
	             "{\"appName\":\"web\",\"appReplicas\":3,\"appCanary\":true,\"appProcesses\":[{\"name\":"
	             "\"web\"}],\"appNotes\":[1,null],\"appMeta\":{\"labels\":{}}}"),
	    201);
	assert_int_equal(ask_with(*state, "PUT", "/db/resources/one", JSON, "{\"team\":\"ops\",\"priority\":1.5}"),
	                 200);
	assert_int_equal(ask_with(*state, "PUT", "/db/resources/one", JSON, "{\"team\":7}"), 400);
	assert_true(answered(*state, "\\\"team\\\""));
}

/* 404 is "it is gone" to tsuru, and success for an update and an unbind. */
static void nothing_is_gone_where_no_service_is(void **state)
{
	static const struct {
		const char *method, *path, *part;
	} astray[] = {
	    {"PUT", "/gone/resources/one", "no service at \\\"/gone/resources/one\\\""},
	    {"DELETE", "/gone/resources/one/bind-app", "not in the broker's configuration"},
	    {"GET", "/gone/resources/one/status", "nothing was done"},
	    {"OPTIONS", "/gone", "no service at"},
	    {"PUT", "/resources/one", "no service at"},
	    {"DELETE", "/", "no service at"},
	    {"PUT", "/db/v1/resources/one", "has to lead to \\\"/db\\\""},
	    {"DELETE", "/db/resources/resources/one/bind-app", "the service \\\"db\\\" has nothing at"},
	    {"DELETE", "/db//resources/one", "has to lead to"},
	    {"GET", "/db/resources/resources/one/status", "has to lead to"},
	    {"PUT", "/db/resources/a/b/resources/one/binds/jobs/j", "has to lead to"},
	    {"PUT", "/db?x=/resources/one", "has to lead to"},
	    {"DELETE", "/db/", "has to lead to"},
	    {"PUT", "/db/resources/one/", "has to lead to"},
	};
	static const char *const passed_on[] = {"/db", "/db/nothing", "/db/resources/one/nothing", "/db/resources/",
	                                        "/db/resource"};

	for (size_t i = 0; i < sizeof(astray) / sizeof(*astray); i++) {
		assert_int_equal(ask(*state, astray[i].method, astray[i].path, ""), 503);
		if (!answered(*state, astray[i].part))
			print_message("%s: %s\n", astray[i].path, ((const struct fixture *)*state)->answer);
		assert_true(answered(*state, astray[i].part));
	}
	for (size_t i = 0; i < sizeof(passed_on) / sizeof(*passed_on); i++)
		assert_int_equal(ask(*state, "GET", passed_on[i], ""), 404);
}

static void a_create_names_what_is_missing(void **state)
{
	assert_int_equal(ask(*state, "POST", "/db/resources", "team=ops"), 400);
	assert_true(answered(*state, "\\\"name\\\""));
	assert_int_equal(ask(*state, "POST", "/db/resources", "name=one"), 400);
	assert_true(answered(*state, "\\\"team\\\""));
	assert_int_equal(ask(*state, "POST", "/db/resources", "name=one&team=ops&plan=none"), 400);
	assert_true(answered(*state, "it has: small, large"));
}

static void reads_json_as_forms(void **state)
{
	assert_int_equal(ask_with(*state, "POST", "/db/resources", JSON,
	                          "{\"name\":\"one\",\"team\":\"ops\",\"user\":\"me\",\"eventID\":\"e1\","
	                          "\"tags\":[\"a\"],\"plan\":\"large\",\"parameters\":{\"size\":\"2\"}}"),
	                 201);
	assert_int_equal(ask_with(*state, "POST", "/db/resources/one/bind-app", JSON,
	                          "{\"appName\":\"web\",\"appHosts\":[\"h\"],\"eventID\":\"e2\"}"),
	                 201);
	assert_true(answered(*state, "\"NOTE\":\"web one ops\""));
	assert_int_equal(ask(*state, "GET", "/db/resources/one/operations", ""), 200);
	assert_true(answered(*state, "\"event\":\"e1\""));
}

static void refuses_what_is_over_its_limit(void **state)
{
	char form[512] = "name=one&user=me&team=";
	char header[512] = FORM "X-Tsuru-User: ";

	memset(form + strlen(form), 'x', 256);
	assert_int_equal(ask(*state, "POST", "/db/resources", form), 400);
	assert_true(answered(*state, "\\\"team\\\" has 256 bytes; at most 255"));
	memset(header + strlen(header), 'x', 256);
	strcat(header, "\r\n");
	assert_int_equal(ask_with(*state, "GET", "/db/resources/plans", header, ""), 400);
	assert_true(answered(*state, "\\\"X-Tsuru-User\\\""));
	assert_int_equal(ask_with(*state, "GET", "/db/resources/plans", "X-Tsuru-Eventid: \xff\r\n", ""), 400);
}

static void binds_an_app(void **state)
{
	char password[64];

	create(*state, "small");
	assert_int_equal(ask(*state, "POST", "/db/resources/one/bind-app", "app-name=web&app-host=web.example.com"),
	                 201);
	take_value(*state, "SCRIPTED_PASSWORD", password, sizeof(password));
	assert_int_equal(strlen(password), PASSWORD_LENGTH);
	assert_int_equal(ask(*state, "GET", "/db/resources/one/binds", ""), 200);
	assert_true(answered(*state, "\"kind\":\"app\",\"name\":\"web\",\"state\":\"bound\""));
	assert_false(answered(*state, password));
	assert_int_equal(ask(*state, "DELETE", "/db/resources/one/bind-app", "app-name=web"), 200);
	assert_int_equal(ask(*state, "DELETE", "/db/resources/one/bind-app", "app-name=web"), 200);
	assert_int_equal(ask(*state, "GET", "/db/resources/one/binds", ""), 200);
	assert_true(answered(*state, "\r\n\r\n[]"));
}

static void a_bind_names_what_is_missing(void **state)
{
	create(*state, "small");
	assert_int_equal(ask(*state, "POST", "/db/resources/one/bind-app", "user=me"), 400);
	assert_true(answered(*state, "\\\"app-name\\\" and \\\"app-host\\\""));
	assert_int_equal(ask(*state, "POST", "/db/resources/none/bind-app", "app-name=web"), 404);
}

static void a_job_and_an_app_of_one_name_are_two(void **state)
{
	create(*state, "small");
	assert_int_equal(ask(*state, "PUT", "/db/resources/one/binds/jobs/web", "job-name=web"), 201);
	assert_int_equal(ask(*state, "POST", "/db/resources/one/bind-app", "app-name=web"), 201);
	assert_int_equal(ask(*state, "DELETE", "/db/resources/one/binds/jobs/web", ""), 200);
	assert_int_equal(ask(*state, "GET", "/db/resources/one/binds", ""), 200);
	assert_true(answered(*state, "\"kind\":\"app\""));
	assert_false(answered(*state, "\"kind\":\"job\""));
}

static void old_clients_bind_by_host(void **state)
{
	create(*state, "small");
	assert_int_equal(ask(*state, "POST", "/db/resources/one/bind", "app-host=web.example.com"), 201);
	assert_true(answered(*state, "\"SCRIPTED_PASSWORD\""));
	assert_int_equal(ask(*state, "POST", "/db/resources/one/bind", "app-host=web.example.com&unit-host=10.0.0.1"),
	                 201);
	assert_false(answered(*state, "\"SCRIPTED_PASSWORD\""));
	assert_int_equal(ask(*state, "DELETE", "/db/resources/one/bind", "app-host=web.example.com&unit-host=10.0.0.1"),
	                 200);
	assert_int_equal(ask(*state, "GET", "/db/resources/one/binds", ""), 200);
	assert_true(answered(*state, "\"name\":\"web.example.com\",\"state\":\"bound\""));
	assert_int_equal(ask(*state, "DELETE", "/db/resources/one/bind", "app-host=web.example.com"), 200);
	assert_int_equal(ask(*state, "GET", "/db/resources/one/binds", ""), 200);
	assert_true(answered(*state, "\r\n\r\n[]"));
	assert_int_equal(ask(*state, "GET", "/db/resources/one/operations", ""), 200);
	assert_true(answered(*state, "\"allow-unit\""));
	assert_true(answered(*state, "\"deny-unit\""));
}

static void rotates_one_or_all(void **state)
{
	create(*state, "small");
	assert_int_equal(ask(*state, "POST", "/db/resources/one/rotate", ""), 404);
	assert_int_equal(ask(*state, "POST", "/db/resources/one/bind-app", "app-name=web"), 201);
	assert_int_equal(ask(*state, "POST", "/db/resources/one/rotate", ""), 202);
	assert_int_equal(ask(*state, "POST", "/db/resources/one/rotate?app-name=other", ""), 404);
	assert_int_equal(ask(*state, "POST", "/db/resources/one/rotate", "job-name=web"), 404);
	assert_int_equal(ask(*state, "POST", "/db/resources/one/rotate", "app-name=web&job-name=web"), 400);
	assert_int_equal(ask(*state, "POST", "/db/resources/one/operations/retry", ""), 202);
	assert_int_equal(ask(*state, "POST", "/db/resources/none/operations/retry", ""), 404);
}

static void status_is_pending_while_it_is_created(void **state)
{
	int waiting;

	write_file(*state, "rules", "provision hang\n");
	waiting = send_request(*state, "POST", "/db/resources", FORM, "name=one&team=ops&user=me");
	/* The first answers may come before the create is on the disk. */
	while (ask(*state, "GET", "/db/resources/one/status", "") == 404)
		;
	assert_int_equal(ask(*state, "GET", "/db/resources/one/status", ""), 202);
	assert_int_equal(api_pending(((struct fixture *)*state)->api), 1);
	close(waiting);
}

/* The first to ask has the instance looked at. */
static int ask_until_it_was_seen(void *state, const char *path)
{
	int status;

	while ((status = ask(state, "GET", path, "")) == 204)
		;
	return status;
}

static void status_is_down_with_the_reason(void **state)
{
	write_file(*state, "rules", "observe fail-final\n");
	create(*state, "small");
	assert_int_equal(ask_until_it_was_seen(*state, "/db/resources/one/status"), 200);
	assert_true(answered(*state, "Content-Type: text/plain; charset=utf-8\r\n"));
	assert_true(answered(*state, "\r\n\r\ndown: the scripted server was told to fail"));
}

static void status_is_a_code_where_that_is_wanted(void **state)
{
	write_file(*state, "rules", "observe fail-final\n");
	assert_int_equal(ask_with(*state, "POST", "/wide/resources", FORM "X-Tsuru-Pool-Name: here\r\n",
	                          "name=one&team=ops&user=me"),
	                 201);
	assert_int_equal(ask_until_it_was_seen(*state, "/wide/resources/one/status"), 500);
	assert_true(answered(*state, "{\"code\":500,\"message\":\""));
	assert_false(answered(*state, "\"message\":\"\""));
}

static void gives_the_request_id_back(void **state)
{
	char made[64] = "";
	const char *at;

	assert_int_equal(ask_with(*state, "GET", "/db/resources/plans", "X-Request-Id: abc-1\r\n", ""), 200);
	assert_true(answered(*state, "X-Request-Id: abc-1\r\n"));
	assert_int_equal(ask_with(*state, "GET", "/db/resources/plans", "X-Request-Id: a b\r\n", ""), 200);
	at = strstr(((struct fixture *)*state)->answer, "X-Request-Id: ");
	assert_non_null(at);
	snprintf(made, sizeof(made), "%.*s", (int)strcspn(at + 14, "\r"), at + 14);
	assert_int_equal(strspn(made, "0123456789abcdef"), 16);
	assert_int_equal(strlen(made), 16);
}

static void leaves_a_line_without_secrets(void **state)
{
	struct fixture *fixture = *state;
	char lines[ANSWER_MAX] = "";

	assert_int_equal(ask_with(fixture, "GET", "/db/resources/plans?token=tell-nobody",
	                          "X-Request-Id: abc-1\r\nX-Tsuru-User: me@example.com\r\nX-Tsuru-Eventid: e1\r\n"
	                          "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n"
	                          "X-Tsuru-Cluster-Kube-Config: a3ViZQ==\r\n",
	                          ""),
	                 200);
	assert_true(read(fixture->log_end, lines, sizeof(lines) - 1) > 0);
	assert_non_null(strstr(lines, " event=request method=GET route=plans status=200 duration_us="));
	assert_non_null(strstr(lines, " service=db request=abc-1 user=me@example.com tsuru_event=e1"
	                              " trace=4bf92f3577b34da6a3ce929d0e0e4736 path=/resources/plans\n"));
	assert_null(strstr(lines, "tell-nobody"));
	assert_null(strstr(lines, "a3ViZQ"));
	assert_null(strstr(lines, "ZGI6aHVzaA"));
}

static void nobody_vouches_for_a_refused_user(void **state)
{
	struct fixture *fixture = *state;
	char lines[ANSWER_MAX] = "";

	assert_int_equal(ask_with(fixture, "GET", "/db/nothing", "X-Tsuru-User: invented\r\n", ""), 404);
	assert_true(read(fixture->log_end, lines, sizeof(lines) - 1) > 0);
	assert_non_null(strstr(lines, "route=none status=404"));
	assert_null(strstr(lines, "invented"));
}

#define endpoint_test(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    endpoint_test(lists_plans),
	    endpoint_test(plans_of_several_clusters_need_one),
	    endpoint_test(plans_of_a_place_that_nobody_serves_are_refused),
	    endpoint_test(places_by_the_pool),
	    endpoint_test(lives_an_instances_life),
	    endpoint_test(an_update_without_a_body_changes_nothing),
	    endpoint_test(a_later_tsuru_may_send_more),
	    endpoint_test(nothing_is_gone_where_no_service_is),
	    endpoint_test(a_create_names_what_is_missing),
	    endpoint_test(reads_json_as_forms),
	    endpoint_test(refuses_what_is_over_its_limit),
	    endpoint_test(binds_an_app),
	    endpoint_test(a_bind_names_what_is_missing),
	    endpoint_test(a_job_and_an_app_of_one_name_are_two),
	    endpoint_test(old_clients_bind_by_host),
	    endpoint_test(rotates_one_or_all),
	    endpoint_test(status_is_pending_while_it_is_created),
	    endpoint_test(status_is_down_with_the_reason),
	    endpoint_test(status_is_a_code_where_that_is_wanted),
	    endpoint_test(gives_the_request_id_back),
	    endpoint_test(leaves_a_line_without_secrets),
	    endpoint_test(nobody_vouches_for_a_refused_user),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
