/* Operations: records, moves, ids. */
#include "hostile.h"

#include "model/model.h"

static const struct operation full = {
    .id = "0123456789abcdef0123",
    .incarnation = "0123456789abcdef",
    .kind = OPERATION_BIND,
    .state = OPERATION_FAILED,
    .bind_kind = BIND_APP,
    .bind_name = "shop",
    .unit = "10.0.0.1",
    .event = "e",
    .user = "ana",
    .request = "r",
    .trace = "t",
    .error = "the server said no",
    .renew = true,
    .told = true,
    .mends = true,
    .given_up = true,
    .attempts = 3,
    .created_at = 10,
    .finished_at = 20,
};

static int decode(const void *bytes, size_t length, struct error *error)
{
	struct operation operation;
	int rc = operation_decode(bytes, length, &operation, error);

	if (rc == 0) {
		assert_int_equal(strlen(operation.id), OPERATION_ID_LENGTH);
		assert_string_not_equal(operation_kind_name(operation.kind), "unknown");
		assert_string_not_equal(operation_state_name(operation.state), "unknown");
		if (operation.kind == OPERATION_BIND)
			assert_non_null(operation.bind_name);
	}
	return rc;
}

static void test_round_trip(void **state)
{
	struct operation operation;
	struct text record;

	(void)state;
	text_init(&record, RECORD_MAX);
	assert_int_equal(operation_encode(&full, &record, NULL), 0);
	assert_int_equal(operation_decode(record.bytes, record.length, &operation, NULL), 0);
	assert_string_equal(operation.id, full.id);
	assert_string_equal(operation.incarnation, full.incarnation);
	assert_int_equal(operation.kind, full.kind);
	assert_int_equal(operation.state, full.state);
	assert_int_equal(operation.bind_kind, full.bind_kind);
	assert_string_equal(operation.bind_name, full.bind_name);
	assert_string_equal(operation.unit, full.unit);
	assert_string_equal(operation.event, full.event);
	assert_string_equal(operation.user, full.user);
	assert_string_equal(operation.request, full.request);
	assert_string_equal(operation.trace, full.trace);
	assert_string_equal(operation.error, full.error);
	assert_true(operation.renew);
	assert_true(operation.told);
	assert_true(operation.mends);
	assert_true(operation.given_up);
	assert_int_equal(operation.attempts, 3);
	assert_int_equal(operation.created_at, 10);
	assert_int_equal(operation.finished_at, 20);
	text_release(&record);
}

static void test_hostile(void **state)
{
	struct text record;

	(void)state;
	text_init(&record, RECORD_MAX);
	assert_int_equal(operation_encode(&full, &record, NULL), 0);
	hostile_all(decode, &record);
	text_release(&record);
}

static int try_encode(enum operation_kind kind, enum bind_kind bind_kind, const char *bind_name, const char *unit)
{
	struct operation operation = full;
	struct text record;
	int rc;

	operation.kind = kind;
	operation.bind_kind = bind_kind;
	operation.bind_name = bind_name;
	operation.unit = unit;
	text_init(&record, RECORD_MAX);
	rc = operation_encode(&operation, &record, NULL);
	text_release(&record);
	return rc;
}

static void test_kinds_demand_their_fields(void **state)
{
	struct error error = {0};
	struct text record;

	(void)state;
	assert_int_equal(try_encode(OPERATION_CREATE, 0, NULL, NULL), 0);
	assert_int_equal(try_encode(OPERATION_BIND, 0, "shop", NULL), ERR_INTERNAL);
	assert_int_equal(try_encode(OPERATION_UNBIND, BIND_APP, NULL, NULL), ERR_INTERNAL);
	assert_int_equal(try_encode(OPERATION_ROTATE, BIND_APP, NULL, NULL), ERR_INTERNAL);
	assert_int_equal(try_encode(OPERATION_ROTATE, BIND_APP, "shop", NULL), 0);
	assert_int_equal(try_encode(OPERATION_ALLOW_UNIT, 0, NULL, NULL), ERR_INTERNAL);
	assert_int_equal(try_encode(OPERATION_DENY_UNIT, 0, NULL, "10.0.0.1"), 0);

	text_init(&record, RECORD_MAX);
	record_begin(&record);
	record_put_text(&record, 1, full.id);
	record_put_text(&record, 2, full.incarnation);
	record_put_number(&record, 3, OPERATION_BIND);
	record_put_number(&record, 4, OPERATION_PENDING);
	assert_int_equal(decode(record.bytes, record.length, &error), ERR_CORRUPT);
	assert_string_equal(error.text, "the operation has no bind's kind");
	text_release(&record);
}

static void test_moves(void **state)
{
	static const bool allowed[6][6] = {
	    [OPERATION_PENDING] = {[OPERATION_PENDING] = true,
	                           [OPERATION_CLEANING] = true,
	                           [OPERATION_DONE] = true,
	                           [OPERATION_FAILED] = true,
	                           [OPERATION_CANCELED] = true},
	    [OPERATION_CLEANING] = {[OPERATION_CLEANING] = true, [OPERATION_FAILED] = true},
	};

	(void)state;
	for (int from = OPERATION_PENDING; from <= OPERATION_CANCELED; from++) {
		for (int to = OPERATION_PENDING; to <= OPERATION_CANCELED; to++) {
			struct operation operation = {.id = "id", .state = (enum operation_state)from};
			int rc = operation_move(&operation, (enum operation_state)to, NULL);

			assert_int_equal(rc, allowed[from][to] ? 0 : ERR_INTERNAL);
			assert_int_equal(operation.state, allowed[from][to] ? to : from);
		}
		assert_int_equal(operation_finished((enum operation_state)from), from >= OPERATION_DONE);
	}
}

static void test_id_is_time_and_sequence(void **state)
{
	char id[OPERATION_ID_LENGTH + 1];

	(void)state;
	operation_id(INT64_C(0x0123456789ab), UINT32_C(0xcdef0123), id);
	assert_string_equal(id, "0123456789abcdef0123");
	assert_int_equal(operation_id_time(id), INT64_C(0x0123456789ab));
	operation_id(1, 10, id);
	assert_string_equal(id, "0000000000010000000a");
	operation_id(INT64_MAX, 0, id);
	assert_string_equal(id, "ffffffffffff00000000");
}

static void test_id_sorts_by_time(void **state)
{
	static const struct {
		int64_t wall_ms;
		uint32_t sequence;
	} order[] = {
	    {-1, 0},       {0, 1}, {0, UINT32_MAX}, {1, 0}, {1767225600000, 9}, {1767225600000, 10}, {1767225600001, 0},
	    {INT64_MAX, 0}};
	char last[OPERATION_ID_LENGTH + 1] = "", id[OPERATION_ID_LENGTH + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++) {
		operation_id(order[i].wall_ms, order[i].sequence, id);
		assert_int_equal(strlen(id), OPERATION_ID_LENGTH);
		assert_int_equal(strspn(id, "0123456789abcdef"), OPERATION_ID_LENGTH);
		assert_true(strcmp(last, id) < 0);
		memcpy(last, id, sizeof(id));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_round_trip),
	    cmocka_unit_test(test_hostile),
	    cmocka_unit_test(test_kinds_demand_their_fields),
	    cmocka_unit_test(test_moves),
	    cmocka_unit_test(test_id_is_time_and_sequence),
	    cmocka_unit_test(test_id_sorts_by_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
