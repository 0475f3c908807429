/* Tombstones: records. */
#include "hostile.h"

#include "model/model.h"

static int decode(const void *bytes, size_t length, struct error *error)
{
	struct tombstone tombstone;
	int rc = tombstone_decode(bytes, length, &tombstone, error);

	if (rc == 0)
		assert_int_equal(strlen(tombstone.incarnation), INCARNATION_LENGTH);
	return rc;
}

static void test_round_trip_and_hostile(void **state)
{
	const struct tombstone tombstone = {.incarnation = "0123456789abcdef", .removed_at = 1767225600000};
	struct tombstone again;
	struct text record;

	(void)state;
	text_init(&record, RECORD_MAX);
	assert_int_equal(tombstone_encode(&tombstone, &record, NULL), 0);
	assert_int_equal(tombstone_decode(record.bytes, record.length, &again, NULL), 0);
	assert_string_equal(again.incarnation, tombstone.incarnation);
	assert_int_equal(again.removed_at, tombstone.removed_at);
	hostile_all(decode, &record);
	text_release(&record);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_round_trip_and_hostile)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
