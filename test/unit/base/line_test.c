/* Errors, arenas and log lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/log.h"

static void test_errors(void **state)
{
	struct error error;
	char longer[ERROR_TEXT_MAX + 10];

	(void)state;
	assert_int_equal(error_set(&error, ERR_INVALID, "the %s is %d", "number", 7), ERR_INVALID);
	assert_string_equal(error.text, "the number is 7");
	assert_int_equal(error_set(&error, ERR_REFUSED, "server: %s", error.text), ERR_REFUSED);
	assert_string_equal(error.text, "server: the number is 7");
	assert_int_equal(error_set(NULL, ERR_BUSY, "x"), ERR_BUSY);
	memset(longer, 'a', sizeof(longer));
	longer[ERROR_TEXT_MAX - 2] = '\xc3'; /* a character that the limit would cut in two */
	longer[ERROR_TEXT_MAX - 1] = '\xa4';
	longer[ERROR_TEXT_MAX] = '\0';
	error_set(&error, ERR_INVALID, "%s", longer);
	assert_int_equal(strlen(error.text), ERROR_TEXT_MAX - 2);
	assert_int_equal(error_http_status(ERR_EXISTS), 409);
	assert_int_equal(error_http_status(-999), 500);
	assert_true(error_may_pass(ERR_UNAVAILABLE));
	assert_false(error_may_pass(ERR_REFUSED));
	assert_string_equal(error_name(ERR_NOT_FOUND), "not-found");
}

static void test_arena(void **state)
{
	struct arena arena;
	char *texts[500];

	(void)state;
	arena_init(&arena);
	assert_null(arena_text(&arena, NULL));
	assert_false(arena_failed(&arena));
	for (int i = 0; i < 500; i++)
		texts[i] = arena_format(&arena, "text %d %*s", i, i * 10, "x");
	for (int i = 0; i < 500; i++) {
		assert_int_equal((uintptr_t)texts[i] % _Alignof(max_align_t), 0);
		assert_int_equal(strncmp(texts[i], "text ", 5), 0);
	}
	assert_int_equal(((char *)arena_alloc(&arena, 100000))[99999], 0);
	assert_null(arena_alloc(&arena, SIZE_MAX));
	assert_true(arena_failed(&arena));
	assert_null(arena_text(&arena, "x"));
	arena_wipe(&arena);
	assert_non_null(arena_text(&arena, "x"));
	arena_release(&arena);
}

/* Writes a line with the fields to a pipe and gives it back. */
static const char *write_line(bool json, enum log_level level, const char *value)
{
	static char written[2 * LOG_LINE_MAX];
	struct log log = {.level = LOG_INFO, .json = json};
	struct log_line line;
	ssize_t length;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	log.fd = fds[1];
	log_begin(&line, &log, level, "test");
	log_text(&line, "value", value);
	log_text(&line, "absent", NULL);
	log_number(&line, "number", -7);
	log_end(&line);
	assert_int_equal(close(fds[1]), 0);
	length = read(fds[0], written, sizeof(written) - 1);
	assert_true(length >= 0);
	written[length] = '\0';
	assert_int_equal(close(fds[0]), 0);
	return written;
}

static void test_log_lines(void **state)
{
	(void)state;
	assert_non_null(strstr(write_line(false, LOG_INFO, "plain"), " level=info event=test value=plain number=-7\n"));
	assert_non_null(strstr(write_line(false, LOG_INFO, "a b\n\"c"), " value=\"a b\\u000a\\\"c\" number=-7\n"));
	assert_non_null(
	    strstr(write_line(true, LOG_ERROR, "a\tb"), "\"event\":\"test\",\"value\":\"a\\u0009b\",\"number\":-7}\n"));
	assert_string_equal(write_line(false, LOG_DEBUG, "x"), "");
}

static void test_long_lines_are_cut_and_marked(void **state)
{
	static char value[LOG_LINE_MAX * 2];
	const char *written;

	(void)state;
	memset(value, '"', sizeof(value) - 1);
	written = write_line(true, LOG_INFO, value);
	assert_true(strlen(written) <= LOG_LINE_MAX);
	assert_string_equal(written + strlen(written) - strlen("\\\"\",\"cut\":true}\n"), "\\\"\",\"cut\":true}\n");
	written = write_line(false, LOG_INFO, value);
	assert_true(strlen(written) <= LOG_LINE_MAX);
	assert_string_equal(written + strlen(written) - strlen("\" cut=true\n"), "\" cut=true\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_errors),
	    cmocka_unit_test(test_arena),
	    cmocka_unit_test(test_log_lines),
	    cmocka_unit_test(test_long_lines_are_cut_and_marked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
