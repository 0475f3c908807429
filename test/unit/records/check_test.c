/* What leads to what among records, taken in any order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "model/codec.h"
#include "model/model.h"
#include "records/check.h"

#define ONE "1111111111111111"
#define TWO "2222222222222222"
#define ID  "00000000000000000001"

struct checked {
	struct records_check *check;
	char found[1024];
};

static void on_finding(void *arg, const char *finding)
{
	struct checked *checked = arg;
	const size_t length = strlen(checked->found);

	snprintf(checked->found + length, sizeof(checked->found) - length, "%s\n", finding);
}

static void begin(struct checked *checked)
{
	checked->found[0] = '\0';
	assert_int_equal(records_check_new(on_finding, checked, &checked->check, NULL), 0);
}

static const char *end(struct checked *checked)
{
	records_check_end(checked->check);
	records_check_free(checked->check);
	return checked->found;
}

static void take(struct checked *checked, enum keyspace keyspace, const char *key, const void *bytes, size_t length)
{
	const struct store_value value = {.bytes = bytes, .length = length, .revision = 1};

	assert_int_equal(records_check_take(checked->check, keyspace, key, strlen(key), &value, NULL), 0);
}

static void take_text(struct checked *checked, enum keyspace keyspace, const char *key, const char *value)
{
	take(checked, keyspace, key, value, strlen(value));
}

static void take_record(struct checked *checked, enum keyspace keyspace, const char *key, const struct schema *schema,
                        const void *object)
{
	struct error error = {0};
	struct text record;

	text_init(&record, 4096);
	if (codec_encode(schema, object, &record, &error) != 0)
		fail_msg("%s", error.text);
	take(checked, keyspace, key, record.bytes, record.length);
	text_release(&record);
}

static void take_instance(struct checked *checked)
{
	const struct instance instance = {.incarnation = ONE,
	                                  .service = "pg",
	                                  .name = "mydb",
	                                  .team = "red",
	                                  .wanted_plan = "small",
	                                  .resource = "mydb",
	                                  .state = INSTANCE_READY,
	                                  .created_at = 1};

	take_record(checked, KEYSPACE_INSTANCES, ONE, &schema_instance, &instance);
}

static void take_operation(struct checked *checked, enum operation_state state)
{
	const struct operation operation = {
	    .id = ID, .incarnation = ONE, .kind = OPERATION_CREATE, .state = state, .created_at = 1};

	take_record(checked, KEYSPACE_OPERATIONS, ONE "\1" ID, &schema_operation, &operation);
}

static void test_good_in_any_order(void **state)
{
	struct checked checked;

	(void)state;
	begin(&checked);
	take_text(&checked, KEYSPACE_PENDING, ID, ONE);
	take_text(&checked, KEYSPACE_NAMES, "pg\1mydb", ONE);
	take_operation(&checked, OPERATION_PENDING);
	take_instance(&checked);
	take_text(&checked, KEYSPACE_COUNTERS, "audit", "12345678");
	assert_string_equal(end(&checked), "");
}

static void test_an_operation_that_nobody_takes_up(void **state)
{
	struct checked checked;

	(void)state;
	begin(&checked);
	take_instance(&checked);
	take_operation(&checked, OPERATION_PENDING);
	assert_string_equal(end(&checked), "an operation has not ended, and is not in the list of those that are taken "
	                                   "up: \"" ONE "/" ID "\"\n");
}

static void test_a_pending_one_that_has_ended(void **state)
{
	struct checked checked;

	(void)state;
	begin(&checked);
	take_instance(&checked);
	take_operation(&checked, OPERATION_DONE);
	take_text(&checked, KEYSPACE_PENDING, ID, ONE);
	assert_string_equal(end(&checked), "the list of operations that are taken up has one that is not there, or has "
	                                   "ended: \"" ONE "/" ID "\"\n");
}

static void test_what_is_of_no_instance(void **state)
{
	struct checked checked;

	(void)state;
	begin(&checked);
	take_instance(&checked);
	take_text(&checked, KEYSPACE_NAMES, "pg\1other", TWO);
	take_text(&checked, KEYSPACE_NAMES, "pg\1short", "x");
	take_text(&checked, KEYSPACE_RETAINED, "00000000" TWO, "");
	take_text(&checked, KEYSPACE_RETAINED, "short", "");
	assert_string_equal(end(&checked), "a name leads to an instance that is not there: \"" TWO "\"\n"
	                                   "a name leads to an instance that is not there: \"x\"\n"
	                                   "an instance that is not there is retained: \"" TWO "\"\n"
	                                   "an instance that is not there is retained: \"short\"\n");
}

static void test_what_cannot_be_read(void **state)
{
	struct checked checked;

	(void)state;
	begin(&checked);
	take_text(&checked, KEYSPACE_AUDIT, "1\2", "\7");
	assert_non_null(strstr(end(&checked), "\"1?\" of \"audit\": "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_good_in_any_order),
	    cmocka_unit_test(test_an_operation_that_nobody_takes_up),
	    cmocka_unit_test(test_a_pending_one_that_has_ended),
	    cmocka_unit_test(test_what_is_of_no_instance),
	    cmocka_unit_test(test_what_cannot_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
