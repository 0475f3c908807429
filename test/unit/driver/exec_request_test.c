/* Requests to programs: every member, and texts that try to break out of theirs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "driver/exec/request.h"

static const struct pair given[] = {{"size", "1\"}"}, {"zone", "a"}};
static const struct config_key options_key = {.name = "options", .type = KEY_MAP};
static const struct option options = {.key = &options_key, .value = {.map = {given, 2}}};
static const struct plan plan = {.name = "small", .options = {&options, 1}};
static const struct service service = {.name = "files"};
static const struct server server = {.name = "main"};
static struct backend backend = {.service = &service};
static const struct instance instance = {
    .name = "mydb",
    .resource = "mydb_1",
    .incarnation = "00ff",
    .team = "r\"e\\d",
    .parameters = "{\"resource\":\"other\"}",
};
static const struct bind binds[] = {
    {.kind = BIND_APP,
     .name = "shop",
     .login = "shop_1",
     .user = "d\"ev@example.com",
     .whereabouts = {.hosts = "[\"shop.example.com\",\"b\"]",
                     .internal_hosts = "[\"tcp://shop-web:8888\"]",
                     .pool = "ea\"st",
                     .pool_provisioner = "kubernetes",
                     .cluster = "c1",
                     .cluster_provisioner = "k8s",
                     .cluster_addresses = "[\"https://10.0.0.1:6443\"]"}},
    {.kind = BIND_JOB, .name = "mail", .login = "mail_1", .parameters = "{\"read_only\":true}"},
};

static void expect_request(const struct driver_call *call, const char *action, const char *expected)
{
	struct text request;
	cJSON *parsed;

	text_init(&request, REQUEST_MAX);
	request_write(call, action, &request);
	assert_false(request.failed);
	parsed = cJSON_Parse(text_string(&request));
	assert_non_null(parsed);
	cJSON_Delete(parsed);
	assert_string_equal(text_string(&request), expected);
	text_release(&request);
}

#define INSTANCE                                                                                                       \
	"\"instance\":{\"name\":\"mydb\",\"resource\":\"mydb_1\",\"incarnation\":\"00ff\",\"team\":\"r\\\"e\\\\d\","   \
	"\"parameters\":{\"resource\":\"other\"},\"tags\":[]}"
#define SHOP                                                                                                           \
	"\"kind\":\"app\",\"name\":\"shop\",\"login\":\"shop_1\",\"parameters\":{},\"user\":\"d\\\"ev@example.com\","  \
	"\"hosts\":[\"shop.example.com\",\"b\"],\"internal_hosts\":[\"tcp://shop-web:8888\"],"                         \
	"\"pool\":\"ea\\\"st\",\"pool_provisioner\":\"kubernetes\",\"cluster\":\"c1\",\"cluster_provisioner\":"        \
	"\"k8s\","                                                                                                     \
	"\"cluster_addresses\":[\"https://10.0.0.1:6443\"]"
#define MAIL                                                                                                           \
	"\"kind\":\"job\",\"name\":\"mail\",\"login\":\"mail_1\",\"parameters\":{\"read_only\":true},\"hosts\":[],"    \
	"\"internal_hosts\":[],\"cluster_addresses\":[]"
#define PLAN "\"plan\":{\"name\":\"small\",\"options\":{\"size\":\"1\\\"}\",\"zone\":\"a\"}}"

static void test_requests(void **state)
{
	struct driver_call call = {.kind = CALL_CHECK, .backend = &backend, .server = &server};

	(void)state;
	expect_request(&call, "check", "{\"action\":\"check\",\"service\":\"files\",\"server\":\"main\"}\n");
	call.store = "0123456789abcdef";
	expect_request(&call, "check",
	               "{\"action\":\"check\",\"service\":\"files\",\"server\":\"main\","
	               "\"store\":\"0123456789abcdef\"}\n");
	call.store = NULL;
	call.kind = CALL_DEPROVISION;
	call.instance = &instance;
	expect_request(&call, "deprovision",
	               "{\"action\":\"deprovision\",\"service\":\"files\",\"server\":\"main\"," INSTANCE
	               ",\"binds\":[]}\n");
	call.kind = CALL_BIND;
	call.plan = &plan;
	call.bind = &binds[0];
	call.password = "secret";
	call.renew = true;
	expect_request(&call, "bind",
	               "{\"action\":\"bind\",\"service\":\"files\",\"server\":\"main\"," INSTANCE "," PLAN
	               ",\"bind\":{" SHOP ",\"password\":\"secret\",\"renew\":true}}\n");
	call.kind = CALL_UPDATE;
	call.bind = NULL;
	call.binds = binds;
	call.bind_count = 2;
	expect_request(&call, "update",
	               "{\"action\":\"update\",\"service\":\"files\",\"server\":\"main\"," INSTANCE "," PLAN
	               ",\"binds\":[{" SHOP "},{" MAIL "}]}\n");
}

/* What the instance has for one bind alone is that bind's. */
static void test_parameters_of_binds_are_left_out(void **state)
{
	const struct instance told = {.name = "mydb",
	                              .parameters =
	                                  "{\"binds\":{\"shop\":{\"read_only\":true}},\"binds.mail.env_prefix\":\"A_\","
	                                  "\"env_prefix\":\"B_\",\"size\":1}"};
	const struct driver_call call = {
	    .kind = CALL_PROVISION, .backend = &backend, .server = &server, .instance = &told};

	(void)state;
	expect_request(&call, "provision",
	               "{\"action\":\"provision\",\"service\":\"files\",\"server\":\"main\",\"instance\":{\"name\":"
	               "\"mydb\",\"parameters\":{\"env_prefix\":\"B_\",\"size\":1},\"tags\":[]}}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_requests),
	    cmocka_unit_test(test_parameters_of_binds_are_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
