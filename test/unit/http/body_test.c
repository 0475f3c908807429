/* Bodies: form and JSON become the same fields and the same canonical parameters, and what is neither is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "http/body.h"

#define FORM "application/x-www-form-urlencoded"
#define JSON "application/json"

/* All that was read, as "name=value;..." in the order it is kept in, then the parameters. */
static int read_source(const struct body_source *source, char *ret_text, size_t size, struct error *error)
{
	struct arena arena;
	struct body body;
	struct text text;

	arena_init(&arena);
	text_init(&text, size - 1);
	int rc = body_parse(source, &arena, &body, error);
	for (size_t i = 0; rc == 0 && i < body.fields.count; i++)
		text_add_format(&text, "%s=%s;", body.fields.names[i], body.fields.values[i]);
	if (rc == 0 && body.parameters != NULL)
		text_add(&text, body.parameters);
	assert_false(text.failed);
	strcpy(ret_text, text_string(&text));
	text_release(&text);
	arena_release(&arena);
	return rc;
}

static int read_body(const char *type, const char *bytes, size_t length, char *ret_text, size_t size,
                     struct error *error)
{
	return read_source(&(struct body_source){.content_type = type, .bytes = bytes, .length = length}, ret_text,
	                   size, error);
}

static const struct {
	const char *form, *json, *read;
} equivalents[] = {
    {"name=a&plan=small&team=t", "{\"team\":\"t\",\"plan\":\"small\",\"name\":\"a\"}", "name=a;plan=small;team=t;"},
    {"tag=b&tag=a", "{\"tags\":[\"b\",\"a\"]}", "tags=b;tags=a;"},
    {"tags=one", "{\"tags\":[\"one\"]}", "tags=one;"},
    {"eventid=1&unit-host=h", "{\"eventID\":\"1\",\"unitHost\":\"h\"}", "eventid=1;unit-host=h;"},
    {"app-name=n&app-host=h&app-hosts=h&app-hosts=i&app-internal-hosts=j&app-pool-name=p&app-pool-provisioner=k"
     "&app-cluster-name=c&app-cluster-provisioner=q&app-cluster-addresses=x&app-cluster-addresses=y",
     "{\"appName\":\"n\",\"appHost\":\"h\",\"appHosts\":[\"h\",\"i\"],\"appInternalHosts\":[\"j\"],\"appPoolName\":"
     "\"p\","
     "\"appPoolProvisioner\":\"k\",\"appClusterName\":\"c\",\"appClusterProvisioner\":\"q\","
     "\"appClusterAddresses\":[\"x\",\"y\"]}",
     "app-cluster-addresses=x;app-cluster-addresses=y;app-cluster-name=c;app-cluster-provisioner=q;app-host=h;"
     "app-hosts=h;app-hosts=i;app-internal-hosts=j;app-name=n;app-pool-name=p;app-pool-provisioner=k;"},
    {"job-name=j&job-pool-name=p&job-cluster-name=c",
     "{\"jobName\":\"j\",\"jobPoolName\":\"p\",\"jobClusterName\":\"c\"}",
     "job-cluster-name=c;job-name=j;job-pool-name=p;"},
    {"description=a+b%26c%3D%C3%A4&user=", "{\"description\":\"a b&c=\\u00e4\",\"user\":\"\"}",
     "description=a b&c=\xc3\xa4;user=;"},
    {"", "{}", ""},
    {"&&name=a&", "{\"name\":\"a\",\"plan\":null,\"parameters\":null}", "name=a;"},
    {"name=a&flavour=x", "{\"name\":\"a\",\"flavour\":\"x\",\"later\":{\"a\":1}}", "flavour=x;name=a;"},
    /* parameters */
    {"parameters.b=2&name=a&parameters.a=1", " {\"parameters\":{\"b\":\"2\",\"a\":\"1\"},\"name\":\"a\"}\r\n",
     "name=a;{\"a\":\"1\",\"b\":\"2\"}"},
    {"parameters.a.b.c=x&parameters.a.d=y", "{\"parameters\":{\"a\":{\"d\":\"y\",\"b\":{\"c\":\"x\"}}}}",
     "{\"a\":{\"b\":{\"c\":\"x\"},\"d\":\"y\"}}"},
    {"parameters.l.1=b&parameters.l.0=a&parameters.l.2.k=c", "{\"parameters\":{\"l\":[\"a\",\"b\",{\"k\":\"c\"}]}}",
     "{\"l\":[\"a\",\"b\",{\"k\":\"c\"}]}"},
    {"parameters.l.1=b", "{\"parameters\":{\"l\":{\"1\":\"b\"}}}", "{\"l\":{\"1\":\"b\"}}"},
    {"parameters.l.00=b", "{\"parameters\":{\"l\":{\"00\":\"b\"}}}", "{\"l\":{\"00\":\"b\"}}"},
    {"parameters.0=b", "{\"parameters\":{\"0\":\"b\"}}", "{\"0\":\"b\"}"},
    {"parameters.a%5C.b%5C%5C.c=x", "{\"parameters\":{\"a.b\\\\\":{\"c\":\"x\"}}}", "{\"a.b\\\\\":{\"c\":\"x\"}}"},
    {"parameters.q=%22%0A", "{\"parameters\":{\"q\":\"\\\"\\n\"}}", "{\"q\":\"\\\"\\n\"}"},
};

static void test_form_and_json_are_equal(void **state)
{
	struct error error;
	char text[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(equivalents) / sizeof(equivalents[0]); i++) {
		const char *form = equivalents[i].form, *json = equivalents[i].json;
		assert_int_equal(read_body(FORM, form, strlen(form), text, sizeof(text), &error), 0);
		assert_string_equal(text, equivalents[i].read);
		assert_int_equal(read_body(JSON, json, strlen(json), text, sizeof(text), &error), 0);
		assert_string_equal(text, equivalents[i].read);
	}
}

static void test_json_values_keep_their_type(void **state)
{
	static const char json[] = "{\"parameters\":{\"z\":[],\"n\":10,\"f\":1.5,\"b\":false,\"o\":{},\"nil\":null}}";
	struct error error;
	char text[256];

	(void)state;
	assert_int_equal(read_body(JSON, json, sizeof(json) - 1, text, sizeof(text), &error), 0);
	assert_string_equal(text, "{\"b\":false,\"f\":1.5,\"n\":10,\"nil\":null,\"o\":{},\"z\":[]}");
}

/* What a double cannot hold is kept as it was written, in either encoding. */
static void test_long_numbers(void **state)
{
	static const char json[] =
	    "{\"parameters\":{\"a\":9007199254740993,\"l\":[-123456789012345678,100000000000000000],"
	    "\"o\":{\"f\":0.12345678901234567}}}";
	static const char form[] = "parameters.a=9007199254740993";
	struct error error;
	char text[256];

	(void)state;
	assert_int_equal(read_body(JSON, json, sizeof(json) - 1, text, sizeof(text), &error), 0);
	assert_string_equal(text, "{\"a\":9007199254740993,\"l\":[-123456789012345678,100000000000000000],"
	                          "\"o\":{\"f\":0.12345678901234567}}");
	assert_int_equal(read_body(FORM, form, sizeof(form) - 1, text, sizeof(text), &error), 0);
	assert_string_equal(text, "{\"a\":\"9007199254740993\"}");
}

static void test_types(void **state)
{
	static const struct {
		const char *type;
		int rc;
	} types[] = {
	    {FORM, 0},
	    {FORM "; charset=UTF-8", 0},
	    {FORM ";charset=utf-8", 0},
	    {"Application/X-WWW-Form-Urlencoded", 0},
	    {FORM "x", ERR_MEDIA},
	    {"text/plain", ERR_MEDIA},
	    {"multipart/form-data; boundary=x", ERR_MEDIA},
	    {"", ERR_MEDIA},
	    {NULL, ERR_MEDIA},
	};
	struct error error;
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		assert_int_equal(read_body(types[i].type, "name=a", 6, text, sizeof(text), &error), types[i].rc);
	assert_int_equal(read_body(NULL, "", 0, text, sizeof(text), &error), 0);
	assert_int_equal(read_body("text/plain", "", 0, text, sizeof(text), &error), 0);
}

struct refused {
	const char *type, *bytes;
	size_t length;
	const char *named; /* in the error */
};

#define REFUSED(type, bytes, named)                                                                                    \
	{                                                                                                              \
		type, bytes, sizeof(bytes) - 1, named                                                                  \
	}

static const struct refused refused[] = {
    REFUSED(FORM, "name=%zz", "percent"),
    REFUSED(FORM, "name=%4", "percent"),
    REFUSED(FORM, "name=a%00b", "NUL"),
    REFUSED(FORM, "name=a\0b", "clean"),
    REFUSED(FORM, "name=\xff", "clean"),
    REFUSED(FORM, "name=%c3", "clean"),
    REFUSED(FORM, "n%1bame=x", "clean"),
    REFUSED(FORM, "name=a&name=b", "\"name\""),
    REFUSED(FORM, "name=a&n%61me=a", "\"name\""),
    REFUSED(FORM, "parameters.a=1&parameters.a=2", "\"a\""),
    REFUSED(FORM, "parameters.a=1&parameters.a.b=2", "\"a.b\""),
    REFUSED(FORM, "parameters.a.b=1&parameters.a=2", "\"a\""),
    REFUSED(FORM, "parameters.=1", "\"\""),
    REFUSED(FORM, "parameters.a..b=1", "\"a..b\""),
    REFUSED(FORM, "parameters.a.=1", "\"a.\""),
    REFUSED(FORM, "parameters.a%5C=1", "backslash"),
    REFUSED(FORM, "parameters.a%5Cb=1", "backslash"),
    REFUSED(JSON, "[]", "object"),
    REFUSED(JSON, "\"a\"", "object"),
    REFUSED(JSON, "{\"a\":\"b\"} x", "object"),
    REFUSED(JSON, "{\"a\":\"b\"}{}", "object"),
    REFUSED(JSON, "{\"a\":", "object"),
    REFUSED(JSON, "{\"a\":\"\xff\"}", "clean"),
    REFUSED(JSON, "{\"a\":\"b\"}\0", "clean"),
    REFUSED(JSON, "{\"name\":\"a\\u0000b\"}", "NUL"),
    REFUSED(JSON, "{\"parameters\":{\"a\\u0000b\":1}}", "NUL"),
    REFUSED(JSON, "{\"parameters\":{\"a\":01234567890123456}}", "one JSON object"),
    REFUSED(JSON, "{\"name\":\"a\\u001bb\"}", "control"),
    REFUSED(JSON, "{\"name\":5}", "\"name\""),
    REFUSED(JSON, "{\"appName\":true}", "\"app-name\""),
    REFUSED(JSON, "{\"other\":5}", "\"other\""),
    REFUSED(JSON, "{\"name\":[\"a\"]}", "\"name\""),
    REFUSED(JSON, "{\"name\":{}}", "\"name\""),
    REFUSED(JSON, "{\"tags\":[\"a\",1]}", "\"tags\""),
    REFUSED(JSON, "{\"name\":\"a\",\"name\":\"b\"}", "\"name\""),
    REFUSED(JSON, "{\"parameters\":\"a\"}", "\"parameters\""),
    REFUSED(JSON, "{\"parameters\":[]}", "\"parameters\""),
    REFUSED(JSON, "{\"parameters\":{},\"parameters\":{}}", "\"parameters\""),
    REFUSED(JSON, "{\"parameters\":{\"a\":{\"b\":1,\"b\":2}}}", "\"b\""),
    REFUSED(JSON, "{\"parameters\":{\"a\":1e999}}", "\"parameters\""),
};

static void test_refused(void **state)
{
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct error error = {0};
		int rc = read_body(refused[i].type, refused[i].bytes, refused[i].length, text, sizeof(text), &error);
		if (rc != ERR_INVALID || strstr(error.text, refused[i].named) == NULL)
			print_message("%s: %s\n", refused[i].bytes, error.text);
		assert_int_equal(rc, ERR_INVALID);
		assert_non_null(strstr(error.text, refused[i].named));
	}
}

/* A later tsuru may send more than this broker knows, of any type; what it does know is checked as ever. */
static void test_unknown_fields_are_left_out(void **state)
{
	static const char *const values[] = {"5",
	                                     "1.5",
	                                     "true",
	                                     "false",
	                                     "null",
	                                     "\"text\"",
	                                     "\"a\\u001bb\"",
	                                     "[]",
	                                     "[\"a\",1]",
	                                     "[{\"a\":1}]",
	                                     "[[1],{}]",
	                                     "{\"a\":{\"b\":[1]}}",
	                                     "{}",
	                                     "{\"name\":\"b\"}"};
	struct error error;
	char json[256], text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct body_source source = {.content_type = JSON, .bytes = json, .known_only = true};

		snprintf(json, sizeof(json), "{\"later\":%s,\"name\":\"a\",\"later\":%s,\"Parameters\":%s}", values[i],
		         values[i], values[i]);
		source.length = strlen(json);
		assert_int_equal(read_source(&source, text, sizeof(text), &error), 0);
		assert_string_equal(text, "name=a;");
	}
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		const struct body_source source = {.content_type = refused[i].type,
		                                   .bytes = refused[i].bytes,
		                                   .length = refused[i].length,
		                                   .known_only = true};

		if (strstr(refused[i].bytes, "other") == NULL && strstr(refused[i].bytes, "n%1bame") == NULL)
			assert_int_equal(read_source(&source, text, sizeof(text), &error), ERR_INVALID);
	}
}

static void test_unknown_fields_of_a_form_are_left_out(void **state)
{
	static const char form[] = "later=%1b&l%1bter=a&name=a&tag=b&later=2&parameters=&parameters.x=y";
	const struct body_source source = {
	    .content_type = FORM, .bytes = form, .length = sizeof(form) - 1, .known_only = true};
	struct error error;
	char text[256];

	(void)state;
	assert_int_equal(read_source(&source, text, sizeof(text), &error), 0);
	assert_string_equal(text, "name=a;tags=b;{\"x\":\"y\"}");
}

/* count times the piece, between begin and end. */
static int read_repeated_known(bool known_only, const char *type, const char *begin, const char *piece, const char *end,
                               int count)
{
	struct error error;
	struct text bytes;
	char *text = malloc(1 << 16);

	assert_non_null(text);
	text_init(&bytes, 1 << 18);
	text_add(&bytes, begin);
	for (int i = 0; i < count; i++) {
		for (const char *at = piece; *at != '\0'; at++) {
			if (*at == '#')
				text_add_format(&bytes, "%d", i);
			else
				text_add_bytes(&bytes, at, 1);
		}
	}
	text_add(&bytes, end);
	int rc = read_source(
	    &(struct body_source){
	        .content_type = type, .bytes = bytes.bytes, .length = bytes.length, .known_only = known_only},
	    text, 1 << 16, &error);
	text_release(&bytes);
	free(text);
	return rc;
}

static int read_repeated(const char *type, const char *begin, const char *piece, const char *end, int count)
{
	return read_repeated_known(false, type, begin, piece, end, count);
}

static void test_limits(void **state)
{
	(void)state;
	assert_int_equal(read_repeated(FORM, "a=b", "&tags=#", "", 999), 0);
	assert_int_equal(read_repeated(FORM, "a=b", "&tags=#", "", 1000), ERR_INVALID);
	assert_int_equal(read_repeated(FORM, "parameters.a=b", "&parameters.k#=v", "", 999), 0);
	assert_int_equal(read_repeated(FORM, "parameters.a", ".a", "=b", 31), 0);
	assert_int_equal(read_repeated(FORM, "parameters.a", ".a", "=b", 32), ERR_INVALID);
	assert_int_equal(read_repeated(JSON, "{\"tags\":[\"a\"", ",\"#\"", "]}", 999), 0);
	assert_int_equal(read_repeated(JSON, "{\"tags\":[\"a\"", ",\"#\"", "]}", 1000), ERR_INVALID);
	/* What is left out does not count, but takes its time. */
	assert_int_equal(read_repeated_known(true, JSON, "{\"later\":[1", ",1", "]}", 99000), 0);
	assert_int_equal(read_repeated_known(true, JSON, "{\"later\":[1", ",1", "]}", 100000), ERR_INVALID);
	assert_int_equal(read_repeated_known(true, JSON, "{\"later\":[\"a\"", ",\"#\"", "]}", 1000), 0);
	assert_int_equal(read_repeated_known(true, JSON, "{\"tags\":[\"a\"", ",\"#\"", "]}", 1000), ERR_INVALID);
	assert_int_equal(read_repeated(JSON, "{\"parameters\":{\"a\":1", ",\"k#\":1", "}}", 999), 0);
	assert_int_equal(read_repeated(JSON, "{\"parameters\":{\"a\":1", ",\"k#\":1", "}}", 1000), ERR_INVALID);
	assert_int_equal(read_repeated(JSON, "{\"parameters\":{\"a\":", "[", "", 63), ERR_INVALID);
	assert_int_equal(read_repeated(JSON, "", "[", "", 60000), ERR_INVALID);
}

static void test_depth(void **state)
{
	struct error error;
	char json[256], text[256];

	(void)state;
	for (size_t depth = JSON_DEPTH_MAX; depth <= JSON_DEPTH_MAX + 1; depth++) {
		size_t lists = depth - 2, length = strlen("{\"parameters\":{\"a\":");
		memcpy(json, "{\"parameters\":{\"a\":", length);
		memset(json + length, '[', lists);
		memset(json + length + lists, ']', lists);
		strcpy(json + length + 2 * lists, "}}");
		int rc = read_body(JSON, json, strlen(json), text, sizeof(text), &error);
		assert_int_equal(rc, depth == JSON_DEPTH_MAX ? 0 : ERR_INVALID);
	}
	/* Brackets in a text are none. */
	memset(json, '[', sizeof(json));
	memcpy(json, "{\"name\":\"\\\"", 11);
	strcpy(json + 120, "\"}");
	assert_int_equal(read_body(JSON, json, strlen(json), text, sizeof(text), &error), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_form_and_json_are_equal),
	    cmocka_unit_test(test_json_values_keep_their_type),
	    cmocka_unit_test(test_long_numbers),
	    cmocka_unit_test(test_types),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_unknown_fields_are_left_out),
	    cmocka_unit_test(test_unknown_fields_of_a_form_are_left_out),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_depth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
