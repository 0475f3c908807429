/* What answers of an upstream broker mean: every row of the specification's tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "driver/osb/outcome.h"
#include "driver/osb/pending.h"

struct expectation {
	enum osb_verb verb;
	int status;
	const char *body;
	enum outcome_kind kind;
	int code;
	bool orphan;
};

static void expect(const struct expectation *expected, bool progress)
{
	struct outcome outcome;

	if (progress)
		outcome_read_progress(expected->verb, expected->status, expected->body, &outcome);
	else
		outcome_read(expected->verb, expected->status, expected->body, &outcome);
	assert_int_equal(outcome.kind, expected->kind);
	assert_int_equal(outcome.error.code, expected->code);
	assert_int_equal(outcome.orphan, expected->orphan);
	outcome_release(&outcome);
}

static void test_success(void **state)
{
	static const struct expectation rows[] = {
	    {VERB_MAKE, 200, "{}", OUTCOME_DONE, 0, false},
	    {VERB_MAKE, 201, "{\"dashboard_url\":null}", OUTCOME_DONE, 0, false},
	    {VERB_MAKE, 202, "{}", OUTCOME_ACCEPTED, 0, false},
	    {VERB_MAKE, 202, "{\"operation\":null}", OUTCOME_ACCEPTED, 0, false},
	    {VERB_CHANGE, 200, "{}", OUTCOME_DONE, 0, false},
	    {VERB_CHANGE, 202, "{\"operation\":\"x\"}", OUTCOME_ACCEPTED, 0, false},
	    {VERB_REMOVE, 200, "{}", OUTCOME_DONE, 0, false},
	    {VERB_REMOVE, 202, "{}", OUTCOME_ACCEPTED, 0, false},
	    {VERB_REMOVE, 410, "", OUTCOME_DONE, 0, false},
	    {VERB_FETCH, 200, "{}", OUTCOME_DONE, 0, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		expect(&rows[i], false);
}

static void test_orphans(void **state)
{
	static const struct expectation rows[] = {
	    {VERB_MAKE, 200, "no json", OUTCOME_FAILED, ERR_REFUSED, false},
	    {VERB_MAKE, 201, "no json", OUTCOME_FAILED, ERR_REFUSED, true},
	    {VERB_MAKE, 201, "[]", OUTCOME_FAILED, ERR_REFUSED, true},
	    {VERB_MAKE, 202, "{\"operation\":7}", OUTCOME_FAILED, ERR_REFUSED, true},
	    {VERB_MAKE, 204, "", OUTCOME_FAILED, ERR_REFUSED, true},
	    {VERB_MAKE, 400, "{}", OUTCOME_FAILED, ERR_REFUSED, false},
	    {VERB_MAKE, 408, "", OUTCOME_FAILED, ERR_TIMEOUT, false},
	    {VERB_MAKE, 409, "{}", OUTCOME_FAILED, ERR_REFUSED, false},
	    {VERB_MAKE, 410, "{}", OUTCOME_FAILED, ERR_REFUSED, false},
	    {VERB_MAKE, 500, "", OUTCOME_FAILED, ERR_UNAVAILABLE, true},
	    {VERB_MAKE, 503, "{\"description\":\"x\"}", OUTCOME_FAILED, ERR_UNAVAILABLE, true},
	    {VERB_MAKE, 302, "", OUTCOME_FAILED, ERR_UNAVAILABLE, false},
	    {VERB_CHANGE, 201, "{}", OUTCOME_FAILED, ERR_REFUSED, false},
	    {VERB_CHANGE, 500, "{}", OUTCOME_FAILED, ERR_UNAVAILABLE, false},
	    {VERB_REMOVE, 200, "<html>", OUTCOME_FAILED, ERR_UNAVAILABLE, false},
	    {VERB_REMOVE, 204, "", OUTCOME_FAILED, ERR_UNAVAILABLE, false},
	    {VERB_REMOVE, 404, "{}", OUTCOME_FAILED, ERR_REFUSED, false},
	    {VERB_REMOVE, 500, "{}", OUTCOME_FAILED, ERR_UNAVAILABLE, false},
	    {VERB_FETCH, 404, "{}", OUTCOME_FAILED, ERR_NOT_FOUND, false},
	    {VERB_FETCH, 202, "{}", OUTCOME_FAILED, ERR_REFUSED, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		expect(&rows[i], false);
}

static void test_refusals(void **state)
{
	static const struct expectation rows[] = {
	    {VERB_MAKE, 401, "", OUTCOME_FAILED, ERR_UNAVAILABLE, false},
	    {VERB_MAKE, 403, "", OUTCOME_FAILED, ERR_UNAVAILABLE, false},
	    {VERB_MAKE, 422, "{\"error\":\"AsyncRequired\"}", OUTCOME_FAILED, ERR_BUSY, false},
	    {VERB_REMOVE, 422, "{\"error\":\"ConcurrencyError\"}", OUTCOME_FAILED, ERR_BUSY, false},
	    {VERB_MAKE, 422, "{\"error\":\"RequiresApp\"}", OUTCOME_FAILED, ERR_REFUSED, false},
	    {VERB_CHANGE, 422, "{}", OUTCOME_FAILED, ERR_REFUSED, false},
	    {VERB_MAKE, 429, "", OUTCOME_FAILED, ERR_BUSY, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		expect(&rows[i], false);
}

static void test_progress(void **state)
{
	static const struct expectation rows[] = {
	    {VERB_MAKE, 200, "{\"state\":\"in progress\"}", OUTCOME_ACCEPTED, 0, false},
	    {VERB_MAKE, 200, "{\"state\":\"succeeded\"}", OUTCOME_DONE, 0, false},
	    {VERB_MAKE, 200, "{\"state\":\"failed\"}", OUTCOME_FAILED, ERR_REFUSED, true},
	    {VERB_CHANGE, 200, "{\"state\":\"failed\"}", OUTCOME_FAILED, ERR_REFUSED, false},
	    {VERB_REMOVE, 200, "{\"state\":\"failed\"}", OUTCOME_FAILED, ERR_UNAVAILABLE, false},
	    {VERB_REMOVE, 410, "", OUTCOME_DONE, 0, false},
	    /* What makes no sense: it is asked again. */
	    {VERB_MAKE, 410, "", OUTCOME_ACCEPTED, 0, false},
	    {VERB_MAKE, 200, "", OUTCOME_ACCEPTED, 0, false},
	    {VERB_MAKE, 200, "{\"state\":\"done\"}", OUTCOME_ACCEPTED, 0, false},
	    {VERB_MAKE, 500, "{\"state\":\"failed\"}", OUTCOME_ACCEPTED, 0, false},
	    {VERB_MAKE, 404, "{}", OUTCOME_FAILED, ERR_UNAVAILABLE, false},
	    {VERB_REMOVE, 404, "{}", OUTCOME_FAILED, ERR_UNAVAILABLE, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		expect(&rows[i], true);
}

static void test_words(void **state)
{
	struct outcome outcome;

	(void)state;
	outcome_read(VERB_MAKE, 400, "{\"error\":\"Quota\",\"description\":\"no more databases\"}", &outcome);
	assert_string_equal(outcome.error.text, "it answered 400: no more databases");
	outcome_release(&outcome);
	outcome_read(VERB_MAKE, 400, "{\"description\":\"bell\\u0007\"}", &outcome);
	assert_string_equal(outcome.error.text, "it answered 400");
	outcome_release(&outcome);
	outcome_read_progress(VERB_MAKE, 200, "{\"state\":\"failed\",\"description\":\"no disk\"}", &outcome);
	assert_string_equal(outcome.error.text, "it failed: no disk");
	outcome_release(&outcome);
	outcome_read(VERB_MAKE, 202, "{\"operation\":\"task 1\"}", &outcome);
	assert_string_equal(outcome.operation, "task 1");
	outcome_release(&outcome);
}

/* An orphan is remembered through its removal, and forgotten with it. */
static void test_pending(void **state)
{
	const char id[ID_SIZE] = "00000000-0000-8000-8000-000000000001";
	struct pendings pendings = LIST_HEAD_INITIALIZER(pendings);
	struct pending *pending;

	(void)state;
	assert_null(pending_find(&pendings, id));
	assert_non_null(pending_note_operation(&pendings, id, VERB_MAKE, "task", 5));
	pending_note_orphan(&pendings, id);
	pending = pending_find(&pendings, id);
	assert_true(pending->orphan && !pending->polled && pending->operation == NULL);
	assert_ptr_equal(pending_note_operation(&pendings, id, VERB_REMOVE, NULL, 7), pending);
	assert_true(pending->orphan && pending->polled && pending->since == 7);
	pending_end_operation(&pendings, id);
	assert_true(pending->orphan && !pending->polled);
	pending_forget(&pendings, id);
	assert_null(pending_find(&pendings, id));
	pending_note_operation(&pendings, id, VERB_CHANGE, "task", 5);
	pending_end_operation(&pendings, id);
	assert_null(pending_find(&pendings, id));
	pending_note_orphan(&pendings, id);
	pendings_release(&pendings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_success),  cmocka_unit_test(test_orphans), cmocka_unit_test(test_refusals),
	    cmocka_unit_test(test_progress), cmocka_unit_test(test_words),   cmocka_unit_test(test_pending),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
