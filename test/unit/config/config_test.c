/* Configurations: what each mistake is told, with its place, and what a good file comes to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"

static const struct config_key server_keys[] = {
    {.name = "url", .required = true, .secret = true, .help = "where it is"},
    {.name = "slots", .type = KEY_NUMBER, .fallback = "3", .min = 1, .max = 9, .help = "how many"},
    {0},
};

static const struct config_key plan_keys[] = {
    {.name = "extensions", .type = KEY_LIST, .max = 2, .help = "what is installed"},
    {.name = "settings", .type = KEY_MAP, .max = 2, .help = "what is set"},
    {.name = "limit", .type = KEY_DURATION, .help = "how long"},
    {0},
};

static const char *const variables[] = {"url", "host", NULL};

static const struct config_driver drivers[] = {
    {.name = "db", .server_keys = server_keys, .plan_keys = plan_keys, .variables = variables},
    {.name = "shared", .variables = (const char *const[]){NULL}},
    {.name = "any"},
};

struct loaded {
	struct config *config;
	struct config_errors *errors;
	char path[64];
};

static struct loaded load(const char *text)
{
	struct loaded loaded = {.path = "/tmp/config-test-XXXXXX"};
	const int fd = mkstemp(loaded.path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(close(fd), 0);
	(void)config_load(loaded.path, drivers, sizeof(drivers) / sizeof(*drivers), &loaded.config, &loaded.errors);
	assert_int_equal(unlink(loaded.path), 0);
	return loaded;
}

static void unload(struct loaded *loaded)
{
	config_free(loaded->config);
	config_errors_free(loaded->errors);
}

/* A plan and a service to put a mistake into. */
#define PLANS   "    plans: [{name: p}]\n"
#define SERVICE "services:\n  - name: a\n    driver: shared\n    password: x\n"
#define DB      "services:\n  - name: a\n    driver: db\n    password: x\n"

static const struct {
	const char *text;
	const char *message; /* behind the file's name; a part of it is enough */
} mistakes[] = {
    {"", "1:1: the file is empty"},
    {"- a\n", "1:1: the configuration must be a mapping"},
    {"a: [\n", "this is not YAML"},
    {"listen: :1\n", "1:1: the configuration must have the key \"services\""},
    {"colour: red\n" SERVICE PLANS, "1:1: the configuration has no key \"colour\"; allowed are: listen, tls, admin"},
    {"listen: :1\nlisten: :2\n" SERVICE PLANS, "2:1: the key \"listen\" stands here a second time"},
    {"listen: localhost:80\n" SERVICE PLANS, "1:9: \"listen\" is \"localhost:80\"; it must be ADDRESS:PORT"},
    {"listen: 1.2.3.4:70000\n" SERVICE PLANS, "1:9: \"listen\" is \"1.2.3.4:70000\""},
    {"services: []\n", "1:11: \"services\" must not be empty"},
    {"services: {}\n", "1:11: \"services\" must be a list"},
    {SERVICE, "2:5: a service must have the key \"plans\""},
    {SERVICE "    plans: []\n", "5:12: \"plans\" must not be empty"},
    {SERVICE "    plans: [{description: x}]\n", "5:13: a plan must have the key \"name\""},
    {SERVICE "    plans: [{name: p}, {name: p}]\n", "5:31: a plan \"p\" stands further up"},
    {SERVICE "    plans: [{name: p, colour: red}]\n", "5:23: a plan has no key \"colour\""},
    {SERVICE "    wait: 25\n" PLANS, "5:11: \"wait\" is \"25\"; it must be a duration"},
    {SERVICE "    wait: 281s\n" PLANS, "5:11: \"wait\" is 281s; allowed is 0 to 280s"},
    {SERVICE "    multi_cluster: yes\n" PLANS, "5:20: \"multi_cluster\" is \"yes\"; it must be true or false"},
    {SERVICE "    single_tsuru: 1\n" PLANS, "5:19: \"single_tsuru\" is \"1\"; it must be true or false"},
    {SERVICE "    wait: [1]\n" PLANS, "5:11: here must stand a single value"},
    {SERVICE "    servers: [{name: x}]\n" PLANS, "5:14: the driver \"shared\" has no servers"},
    {SERVICE "    path: a\n" PLANS, "5:11: \"path\" is \"a\"; a path begins with /"},
    {SERVICE "    path: /a/\n" PLANS, "5:11: \"path\" is \"/a/\""},
    {SERVICE "    path: /a//b\n" PLANS, "5:11: \"path\" is \"/a//b\""},
    {SERVICE "    username: a:b\n" PLANS, "5:15: \"username\" must not hold a colon"},
    {SERVICE "    password_file: /x\n" PLANS, "5:20: a service must have one of"},
    {"services: [{name: a, driver: shared, plans: [{name: p}]}]\n", "1:12: a service must have one of \"password\""},
    {"services: [{name: a, driver: shared, password: '', plans: [{name: p}]}]\n", "\"password\" has 0 bytes"},
    {"services: [{name: a, driver: shared, password_file: /nowhere/x, plans: [{name: p}]}]\n",
     "1:53: the password file \"/nowhere/x\" cannot be read"},
    {"services: [{name: A, driver: shared, password: x, plans: [{name: p}]}]\n", "1:19: \"name\" is \"A\""},
    {"services: [{name: a, driver: nosql, password: x, plans: [{name: p}]}]\n",
     "1:30: there is no driver \"nosql\"; there are: db, shared, any"},
    {"services: [{name: a, driver: shared, password: x, plans: [{name: p}]},\n"
     "  {name: a, driver: shared, password: x, plans: [{name: p}]}]\n",
     "2:10: a service \"a\" stands further up"},
    {"services: [{name: a, driver: shared, password: x, plans: [{name: p}]},\n"
     "  {name: b, path: /a, driver: shared, password: x, plans: [{name: p}]}]\n",
     "2:19: the path \"/a\" is that of the service \"a\""},
    {SERVICE "    env: {1A: x}\n" PLANS, "1A"},
    {SERVICE "    env: {A: '{colour}'}\n" PLANS, "5:10: the variable \"A\": "},
    {"services: [{name: a, driver: any, password: x, env: {A: '{b}', B: '{b c}'}, plans: [{name: p}]}]\n",
     "1:53: the variable \"B\": \"{b c}\" is no variable"},
    {SERVICE "    env: {A: x, A: y}\n" PLANS, "5:17: the key \"A\" stands here a second time"},
    {DB PLANS, "2:5: a service of the driver \"db\" must have the key \"servers\""},
    {DB "    servers: [{name: s}]\n" PLANS, "5:15: a server must have the key \"url\""},
    {DB "    servers: [{name: s, url: u, slots: 10}]\n" PLANS, "5:40: \"slots\" is 10; allowed is 1 to 9"},
    {DB "    servers: [{name: s, url: u, slots: x}]\n" PLANS, "5:40: \"slots\" is \"x\"; it must be a whole number"},
    {DB "    servers: [{name: s, url: u}, {name: s, url: u}]\n" PLANS, "5:41: a server \"s\" stands further up"},
    {DB "    multi_cluster: true\n    servers: [{name: s, url: u}]\n" PLANS, "5:20: a multi-cluster service must"},
    {DB "    servers: [{name: s, url: u}]\n    plans: [{name: p, extensions: [a, b, c]}]\n",
     "\"extensions\" is too long"},
    {DB "    servers: [{name: s, url: u}]\n    plans: [{name: p, settings: [a]}]\n", "must be a mapping of names"},
    {"data_dir: ${NOT_SET_ANYWHERE}\n" SERVICE PLANS, "1:11: the environment variable NOT_SET_ANYWHERE is not set"},
    {"data_dir: ${A\n" SERVICE PLANS, "1:11: a \"${\" has no \"}\""},
    {"data_dir: ${A:x}\n" SERVICE PLANS, "1:11: a variable is written"},
    {"data_dir: \"a\\0b\"\n" SERVICE PLANS, "1:11: a value must not hold a NUL"},
    {"data_dir: \"a\\x01b\"\n" SERVICE PLANS, "1:11: the value holds control characters"},
    {"trusted_proxies: [10.0.0.1/8]\n" SERVICE PLANS,
     "1:19: \"trusted_proxies\": \"10.0.0.1/8\" has bits behind its length; it must be"},
    {"trusted_proxies: ['0.0.0.0/0']\n" SERVICE PLANS,
     "\"trusted_proxies\": \"0.0.0.0/0\" is every address there is, or every one of IPv4; "},
    {"tsuru: {url: 'http://tsuru.example.com'}\n" SERVICE PLANS, "1:8: \"tsuru\" must have the key \"token_file\""},
    {"tsuru: {token_file: /proc/sys/kernel/ostype}\n" SERVICE PLANS, "\"tsuru\" must have the key \"url\""},
    {"tsuru: {url: 'ftp://x', token_file: /proc/sys/kernel/ostype}\n" SERVICE PLANS,
     "1:14: \"url\" must be http:// or https://"},
    {"tsuru: {url: 'http://', token_file: /proc/sys/kernel/ostype}\n" SERVICE PLANS,
     "\"url\" must be http:// or https://"},
    {"tsuru: {url: 'http://a:b@x', token_file: /proc/sys/kernel/ostype}\n" SERVICE PLANS,
     "\"url\" must be http:// or https://"},
    {"tsuru: {url: 'http://x/?a', token_file: /proc/sys/kernel/ostype}\n" SERVICE PLANS,
     "\"url\" must be http:// or https://"},
    {"tsuru: {url: 'http://x', token_file: /nowhere/x}\n" SERVICE PLANS,
     "1:38: the token file \"/nowhere/x\" cannot be read"},
    {"tsuru: {url: 'http://x', token_file: /proc/sys/kernel/ostype, limit: 0}\n" SERVICE PLANS,
     "\"limit\" is 0; allowed is 1 to"},
    {"tsuru: {url: 'http://x', token_file: /proc/sys/kernel/ostype, grace: 0}\n" SERVICE PLANS,
     "\"grace\" is 0; allowed is 1s to"},
    {"trusted_proxies: proxy.example.com\n" SERVICE PLANS,
     "\"proxy.example.com\" is neither an address nor a network; "},
    {"limits: {history: 0}\n" SERVICE PLANS, "1:19: \"history\" is 0; allowed is 1 to 1000"},
    {"limits: {store_bytes: 2TiB}\n" SERVICE PLANS, "1:23: \"store_bytes\" is 2TiB; allowed is 16MiB to 1TiB"},
    {"limits: {body_bytes: 1MB}\n" SERVICE PLANS, "1:22: \"body_bytes\" is \"1MB\"; it must be a size"},
    {"log: {format: xml}\n" SERVICE PLANS, "1:15: \"format\" is \"xml\"; allowed are text and json"},
    {SERVICE PLANS "---\na: b\n", "7:1: a second document begins here"},
};

static void test_mistakes_are_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(*mistakes); i++) {
		struct loaded loaded = load(mistakes[i].text);

		if (loaded.errors == NULL)
			fail_msg("no error for: %s", mistakes[i].text);
		assert_int_equal(strncmp(loaded.errors->texts[0], loaded.path, strlen(loaded.path)), 0);
		if (loaded.errors->count != 1 || strstr(loaded.errors->texts[0], mistakes[i].message) == NULL)
			fail_msg("%zu errors, the first \"%s\", for: %s", loaded.errors->count, loaded.errors->texts[0],
			         mistakes[i].text);
		unload(&loaded);
	}
}

static void test_all_mistakes_are_told_in_order(void **state)
{
	struct loaded loaded = load("colour: red\nlisten: x\n" SERVICE "    wait: x\n    shape: round\n" PLANS);

	(void)state;
	assert_non_null(loaded.errors);
	assert_int_equal(loaded.errors->count, 4);
	assert_int_equal(loaded.errors->total, 4);
	assert_non_null(strstr(loaded.errors->texts[0], ":1:1:"));
	assert_non_null(strstr(loaded.errors->texts[1], ":2:9:"));
	assert_non_null(strstr(loaded.errors->texts[2], ":7:11:"));
	assert_non_null(strstr(loaded.errors->texts[3], ":8:5:"));
	unload(&loaded);
}

static void test_all_mistakes_of_a_mapping(void **state)
{
	struct loaded loaded = load(SERVICE "    env: {1X: a, OK: '{nope}', 2Y: b}\n" PLANS);

	(void)state;
	assert_non_null(loaded.errors);
	assert_int_equal(loaded.errors->count, 2);
	unload(&loaded);
}

static void test_null_is_absent(void **state)
{
	struct loaded loaded = load("limits:\nadmin: ~\n" SERVICE "    username: null\n" PLANS);

	(void)state;
	assert_non_null(loaded.config);
	assert_null(loaded.config->admin);
	assert_int_equal(loaded.config->limits.history, 20);
	assert_string_equal(loaded.config->services[0].username, "a");
	unload(&loaded);
	loaded = load("services: [{name: a, driver: shared, password: null, plans: [{name: p}]}]\n");
	assert_non_null(loaded.errors);
	assert_non_null(strstr(loaded.errors->texts[0], "must have one of \"password\""));
	unload(&loaded);
}

static void test_secrets_are_not_shown(void **state)
{
	struct loaded loaded = load(DB "    servers: [{name: s, url: [hunter2]}]\n" PLANS);

	(void)state;
	assert_non_null(loaded.errors);
	assert_null(strstr(loaded.errors->texts[0], "hunter2"));
	unload(&loaded);
}

static void test_defaults(void **state)
{
	struct loaded loaded = load(SERVICE PLANS);
	const struct service *service;

	(void)state;
	assert_non_null(loaded.config);
	assert_string_equal(loaded.config->listeners[0].host, "0.0.0.0");
	assert_int_equal(loaded.config->listeners[0].port, 8080);
	assert_null(loaded.config->admin);
	assert_string_equal(loaded.config->data_dir, "/var/lib/tsuru-broker");
	assert_string_equal(loaded.config->log_format, "text");
	assert_int_equal(loaded.config->limits.header_bytes, 65536);
	assert_int_equal(loaded.config->limits.body_bytes, 1048576);
	assert_int_equal(loaded.config->limits.request_timeout, 30000);
	service = config_service(loaded.config, "a");
	assert_non_null(service);
	assert_string_equal(service->path, "/a");
	assert_string_equal(service->username, "a");
	assert_int_equal(service->wait, 25000);
	assert_int_equal(service->bind_wait, 120000);
	assert_int_equal(service->status_code, 200);
	assert_int_equal(service->server_count, 0);
	assert_string_equal(service->plans[0].description, "");
	assert_null(config_service(loaded.config, "b"));
	unload(&loaded);
}

static void test_proxies(void **state)
{
	struct loaded loaded = load("trusted_proxies: [10.1.0.0/16, unix, 'fd00::5', 192.0.2.7]\n" SERVICE PLANS);
	struct network_address address;

	(void)state;
	assert_non_null(loaded.config);
	assert_true(loaded.config->trusts_sockets);
	assert_int_equal(loaded.config->proxy_count, 3);
	assert_true(network_parse_address("10.1.2.3", &address));
	assert_true(network_holds(loaded.config->proxies, 3, &address));
	assert_true(network_parse_address("192.0.2.8", &address));
	assert_false(network_holds(loaded.config->proxies, 3, &address));
	unload(&loaded);
	loaded = load(SERVICE PLANS);
	assert_non_null(loaded.config);
	assert_int_equal(loaded.config->proxy_count, 0);
	assert_false(loaded.config->trusts_sockets);
	unload(&loaded);
}

/* Connections take what is left of the files that the process may open, the operators' a third of it at most. */
static void test_connections_fit_under_the_files(void **state)
{
	struct loaded loaded = load("admin: {listen: '127.0.0.1:1', password: x}\n" SERVICE PLANS);
	struct limits *limits;

	(void)state;
	assert_non_null(loaded.config);
	limits = &loaded.config->limits;
	assert_true(config_fit_files(loaded.config, 100000));
	assert_int_equal(limits->connections, 20000);
	assert_int_equal(limits->admin_connections, 9192);
	assert_false(config_fit_files(loaded.config, 20000));
	assert_int_equal(limits->admin_connections, (20000 - 128) / 3);
	assert_int_equal(limits->connections, (20000 - 128) / 3 * 2);
	assert_true(config_fit_files(loaded.config, 20000));
	assert_false(config_fit_files(loaded.config, 100));
	assert_int_equal(limits->admin_connections, 16);
	assert_int_equal(limits->connections, 34);
	assert_false(config_fit_files(loaded.config, 10));
	assert_int_equal(limits->connections, 8);
	unload(&loaded);
	loaded = load("limits: {connections: 900}\n" SERVICE PLANS);
	assert_non_null(loaded.config);
	assert_true(config_fit_files(loaded.config, 1100));
	unload(&loaded);
	loaded = load("limits: {connections: 900}\n" DB "    servers: [{name: s, url: x, parallel: 64}]\n" PLANS);
	assert_non_null(loaded.config);
	assert_false(config_fit_files(loaded.config, 1100));
	assert_int_equal(loaded.config->limits.connections, 1100 - 128 - 4 * 64);
	unload(&loaded);
}

static void test_everything(void **state)
{
	struct loaded loaded;
	const struct service *service;

	(void)state;
	assert_int_equal(setenv("TEST_CONFIG_HOST", "db.example.com", 1), 0);
	loaded = load(
	    "listen: '[::1]:9000'\nadmin: {listen: 127.0.0.1:9080, password: [one, two]}\nlog: {format: json, level: "
	    "debug}\n"
	    "services:\n  - name: a\n    path: /\n    driver: db\n    username: u\n    password: p$$w${EMPTY:-x}\n"
	    "    multi_cluster: true\n    env: {URL: '{url}/{app}'}\n"
	    "    servers: [{name: s, url: 'http://${TEST_CONFIG_HOST}/', pool: east, capacity: 5, weight: 2}]\n"
	    "    plans: [{name: p, description: d, env: {X: ''}, extensions: [e], settings: {k: v}, limit: 2m}]\n");
	if (loaded.errors != NULL)
		fail_msg("%s", loaded.errors->texts[0]);
	assert_string_equal(loaded.config->listeners[0].host, "::1");
	service = &loaded.config->services[0];
	assert_string_equal(service->passwords[0], "p$wx");
	assert_string_equal(options_text(&service->servers[0].options, "url"), "http://db.example.com/");
	assert_int_equal(options_number(&service->servers[0].options, "slots"), 3);
	assert_int_equal(service->servers[0].capacity, 5);
	assert_string_equal(service->env[0].value, "{url}/{app}");
	assert_int_equal(service->plans[0].env_count, 1);
	assert_string_equal(options_find(&service->plans[0].options, "extensions")->value.list.items[0], "e");
	assert_string_equal(options_find(&service->plans[0].options, "settings")->value.map.items[0].value, "v");
	assert_int_equal(options_number(&service->plans[0].options, "limit"), 120000);
	unload(&loaded);
}

static void test_password_file(void **state)
{
	char path[] = "/tmp/config-password-XXXXXX", text[256];
	const int fd = mkstemp(path);
	struct loaded loaded;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "from a file\n", 12), 12);
	assert_int_equal(close(fd), 0);
	snprintf(text, sizeof(text), "services: [{name: a, driver: shared, password_file: %s, plans: [{name: p}]}]\n",
	         path);
	loaded = load(text);
	assert_non_null(loaded.config);
	assert_string_equal(loaded.config->services[0].passwords[0], "from a file");
	unload(&loaded);
	assert_int_equal(unlink(path), 0);
}

static void test_tsuru(void **state)
{
	static const char *const contents[] = {"0123abc\n", "two words\n", "two\nlines\n", "\n"};
	char path[] = "/tmp/config-token-XXXXXX", text[256];
	const int fd = mkstemp(path);
	struct loaded loaded;

	(void)state;
	assert_true(fd >= 0);
	snprintf(text, sizeof(text), "tsuru: {url: 'https://tsuru.example.com/api/', token_file: %s}\n" SERVICE PLANS,
	         path);
	for (size_t i = 0; i < sizeof(contents) / sizeof(*contents); i++) {
		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(pwrite(fd, contents[i], strlen(contents[i]), 0), strlen(contents[i]));
		loaded = load(text);
		if (i == 0) {
			assert_string_equal(loaded.config->tsuru->token, "0123abc");
			assert_int_equal(loaded.config->tsuru->interval, 3600 * 1000);
			assert_int_equal(loaded.config->tsuru->grace, 6 * 3600 * 1000);
			assert_int_equal(loaded.config->tsuru->limit, 10);
			assert_false(loaded.config->tsuru->end_orphans);
		} else {
			assert_null(loaded.config);
			assert_non_null(strstr(loaded.errors->texts[0], "the token file"));
			assert_null(strstr(loaded.errors->texts[0], "two"));
		}
		unload(&loaded);
	}
	close(fd);
	assert_int_equal(unlink(path), 0);
}

/* Whoever gets there is an operator: there has to be somebody who asks for the password. */
static void test_addresses_of_operators_that_are_refused(void **state)
{
	static const struct {
		const char *admin, *address, *reason;
	} cases[] = {
	    {"", "http://broker-1:9080", "needs \"admin\" with a password"},
	    {"admin: {listen: 'unix:/run/a.sock'}\n", "http://broker-1:9080", "needs \"admin\" with a password"},
	    {"admin: {listen: ':9080', password: x}\n", "broker-1:9080", "must be http:// or https://"},
	    {"admin: {listen: ':9080', password: x}\n", "http://broker-1:9080/path", "nothing behind"},
	    {"admin: {listen: ':9080', password: x}\n", "http://a:secret@broker-1", "nothing behind"},
	    {"admin: {listen: ':9080', password: x}\n", "http://broker-1#http://broker-2", "nothing behind"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char text[1024];
		struct loaded loaded;

		snprintf(text, sizeof(text), "%sstore: {postgres: 'postgres://pg1/records', admin_address: '%s'}\n%s",
		         cases[i].admin, cases[i].address, SERVICE PLANS);
		loaded = load(text);
		assert_null(loaded.config);
		assert_non_null(strstr(loaded.errors->texts[0], "\"admin_address\""));
		assert_non_null(strstr(loaded.errors->texts[0], cases[i].reason));
		assert_null(strstr(loaded.errors->texts[0], "secret"));
		unload(&loaded);
	}
}

static void test_shared_store(void **state)
{
	struct loaded loaded = load(
	    "store: {postgres: 'postgres://user:secret@pg1,pg2/records', lease: 5s, notify: false}\n" SERVICE PLANS);

	(void)state;
	assert_string_equal(loaded.config->store->postgres, "postgres://user:secret@pg1,pg2/records");
	assert_null(loaded.config->store->password);
	assert_null(loaded.config->store->name);
	assert_int_equal(loaded.config->store->lease, 5000);
	assert_false(loaded.config->store->notify);
	assert_null(loaded.config->store->address);
	assert_null(loaded.config->store->peer_ca_file);
	unload(&loaded);

	loaded = load(
	    "store: {postgres: 'postgres://pg1/records', address: 'https://broker-1:8443', peer_ca_file: /ca}\n" SERVICE
	        PLANS);
	assert_string_equal(loaded.config->store->address, "https://broker-1:8443");
	assert_string_equal(loaded.config->store->peer_ca_file, "/ca");
	unload(&loaded);

	loaded = load("admin: {listen: '127.0.0.1:9080', password: x}\n"
	              "store: {postgres: 'postgres://pg1/records', admin_address: 'https://broker-1'}\n" SERVICE PLANS);
	assert_string_equal(loaded.config->store->admin_address, "https://broker-1");
	assert_null(loaded.config->store->address);
	unload(&loaded);

	loaded = load(SERVICE PLANS);
	assert_null(loaded.config->store);
	unload(&loaded);

	for (const char *const *bad =
	         (const char *const[]){"broker-1:8080", "http://", "http://broker-1/", "http://broker-1/x",
	                               "http://u:p@broker-1", "ftp://broker-1", NULL};
	     *bad != NULL; bad++) {
		char text[512];

		snprintf(text, sizeof(text),
		         "store: {postgres: 'postgres://pg1/records', address: '%s'}\n" SERVICE PLANS, *bad);
		loaded = load(text);
		assert_null(loaded.config);
		assert_non_null(strstr(loaded.errors->texts[0], "\"address\" must be http"));
		unload(&loaded);
	}

	loaded = load("store: {postgres: 'postgres://pg1/records', lease: 1s}\n" SERVICE PLANS);
	assert_null(loaded.config);
	assert_non_null(strstr(loaded.errors->texts[0], "lease"));
	unload(&loaded);
}

/* What is no url may hold a password all the same. */
static void test_the_url_of_a_shared_store(void **state)
{
	struct loaded loaded;

	(void)state;
	loaded = load("store: {postgres: 'user:secret@pg1'}\n" SERVICE PLANS);
	assert_null(loaded.config);
	assert_non_null(strstr(loaded.errors->texts[0], "\"postgres\" must be a url"));
	assert_null(strstr(loaded.errors->texts[0], "secret"));
	unload(&loaded);
	loaded = load("store: {postgres: 'postgres://user:sec/ret@pg1/records'}\n" SERVICE PLANS);
	assert_null(loaded.config);
	assert_non_null(strstr(loaded.errors->texts[0], "\"postgres\" has an @ behind the first /"));
	assert_null(strstr(loaded.errors->texts[0], "ret"));
	unload(&loaded);
	loaded = load("store: {postgres: 'postgres://user:sec%2Fret@pg1/records?host=@socket'}\n" SERVICE PLANS);
	assert_non_null(loaded.config);
	unload(&loaded);
}

static void test_files_that_cannot_be_read(void **state)
{
	static const char *const paths[] = {"/nowhere/broker.yaml", "/tmp"};
	struct config_errors *errors = NULL;
	struct config *config = NULL;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(config_load(paths[i], drivers, 2, &config, &errors), ERR_INVALID);
		assert_non_null(strstr(errors->texts[0], "cannot be read"));
		config_errors_free(errors);
	}
}

static void test_too_many_errors_are_counted(void **state)
{
	static char text[8192] = SERVICE PLANS;
	struct loaded loaded;
	size_t length = strlen(text);

	(void)state;
	for (int i = 0; i < CONFIG_ERRORS_MAX + 50; i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length, "k%d: x\n", i);
	loaded = load(text);
	assert_int_equal(loaded.errors->count, CONFIG_ERRORS_MAX);
	assert_int_equal(loaded.errors->total, CONFIG_ERRORS_MAX + 50);
	unload(&loaded);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_mistakes_are_told),
	    cmocka_unit_test(test_all_mistakes_are_told_in_order),
	    cmocka_unit_test(test_all_mistakes_of_a_mapping),
	    cmocka_unit_test(test_null_is_absent),
	    cmocka_unit_test(test_secrets_are_not_shown),
	    cmocka_unit_test(test_defaults),
	    cmocka_unit_test(test_proxies),
	    cmocka_unit_test(test_connections_fit_under_the_files),
	    cmocka_unit_test(test_everything),
	    cmocka_unit_test(test_password_file),
	    cmocka_unit_test(test_tsuru),
	    cmocka_unit_test(test_shared_store),
	    cmocka_unit_test(test_addresses_of_operators_that_are_refused),
	    cmocka_unit_test(test_the_url_of_a_shared_store),
	    cmocka_unit_test(test_files_that_cannot_be_read),
	    cmocka_unit_test(test_too_many_errors_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
