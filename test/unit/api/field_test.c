/* Tags become one JSON list within their limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api/field.h"
#include "model/model.h"

static struct arena arena;

static int set_up(void **state)
{
	(void)state;
	arena_init(&arena);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

static void lists_tags(void **state)
{
	const char *const tags[] = {"a", "", "b\"c\\", "d\n"};
	const char *json = NULL;
	struct error error;

	(void)state;
	assert_int_equal(field_tags(tags, 4, &arena, &json, &error), 0);
	assert_string_equal(json, "[\"a\",\"b\\\"c\\\\\",\"d\\n\"]");
}

static void no_tags_are_no_list(void **state)
{
	const char *const empty[] = {"", ""};
	const char *json = "before";
	struct error error;

	(void)state;
	assert_int_equal(field_tags(NULL, 0, &arena, &json, &error), 0);
	assert_null(json);
	json = "before";
	assert_int_equal(field_tags(empty, 2, &arena, &json, &error), 0);
	assert_null(json);
}

static void refuses_a_tag_over_its_limit(void **state)
{
	char tag[TAG_MAX + 2];
	const char *const tags[] = {"a", tag};
	const char *json = NULL;
	struct error error;

	(void)state;
	memset(tag, '"', sizeof(tag));
	tag[TAG_MAX] = '\0';
	assert_int_equal(field_tags(tags, 2, &arena, &json, &error), 0);
	assert_int_equal(strlen(json), 2 + 3 + 1 + 2 + 2 * TAG_MAX);
	/* cppcheck-suppress redundantAssignment; the first value was read through tags */
	tag[TAG_MAX] = '"';
	tag[TAG_MAX + 1] = '\0';
	json = "untouched";
	assert_int_equal(field_tags(tags, 2, &arena, &json, &error), ERR_INVALID);
	assert_non_null(strstr(error.text, "\"tags\""));
	assert_string_equal(json, "untouched");
}

static void refuses_too_many_tags(void **state)
{
	const char *tags[TAGS_MAX + 1];
	const char *json = NULL;
	struct error error;

	(void)state;
	for (size_t i = 0; i <= TAGS_MAX; i++)
		tags[i] = "t";
	assert_int_equal(field_tags(tags, TAGS_MAX, &arena, &json, &error), 0);
	assert_int_equal(field_tags(tags, TAGS_MAX + 1, &arena, &json, &error), ERR_INVALID);
}

static void the_largest_list_fits(void **state)
{
	const char *tags[TAGS_MAX];
	char tag[TAG_MAX + 1];
	const char *json = NULL;
	struct error error;

	(void)state;
	memset(tag, '\n', TAG_MAX);
	tag[TAG_MAX] = '\0';
	for (size_t i = 0; i < TAGS_MAX; i++)
		tags[i] = tag;
	assert_int_equal(field_tags(tags, TAGS_MAX, &arena, &json, &error), 0);
	assert_int_equal(strlen(json), TAGS_MAX * (2 * TAG_MAX + 3) + 1);
}

static void lists_addresses_within_their_limits(void **state)
{
	char address[ADDRESS_MAX + 2];
	const char *addresses[ADDRESSES_MAX / ADDRESS_MAX] = {"shop.example.com", "", "10.0.0.1"};
	const char *json = NULL;
	struct error error;

	(void)state;
	assert_int_equal(field_addresses("app-hosts", addresses, 3, &arena, &json, &error), 0);
	assert_string_equal(json, "[\"shop.example.com\",\"10.0.0.1\"]");
	memset(address, 'h', sizeof(address));
	address[ADDRESS_MAX] = '\0';
	for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++)
		addresses[i] = address;
	assert_int_equal(field_addresses("app-hosts", addresses, 15, &arena, &json, &error), 0);
	assert_int_equal(field_addresses("app-hosts", addresses, 16, &arena, &json, &error), ERR_INVALID);
	assert_string_equal(error.text, "the field \"app-hosts\" has 16433 bytes as JSON; at most 16384 are allowed");
	/* cppcheck-suppress redundantAssignment; the first value was read through addresses */
	address[ADDRESS_MAX] = 'h';
	address[ADDRESS_MAX + 1] = '\0';
	assert_int_equal(field_addresses("app-hosts", addresses, 1, &arena, &json, &error), ERR_INVALID);
	assert_non_null(strstr(error.text, "\"app-hosts\""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(lists_tags, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(no_tags_are_no_list, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(refuses_a_tag_over_its_limit, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(refuses_too_many_tags, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(the_largest_list_fits, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(lists_addresses_within_their_limits, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
