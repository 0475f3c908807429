/* Errors, arenas and log lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
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

/* ---- lines that wait ---- */

/* What a log has written to its pipe since the last look. */
static const char *look(int fd)
{
	static char seen[2 * LOG_LINE_MAX];
	ssize_t length = read(fd, seen, sizeof(seen) - 1);

	seen[length > 0 ? length : 0] = '\0';
	return seen;
}

static void count(void *arg)
{
	++*(int *)arg;
}

static void put_line(const struct log *log, const char *event, const char *value, bool waits)
{
	struct log_line line;

	log_begin(&line, log, LOG_INFO, event);
	log_text(&line, "value", value);
	if (waits)
		log_end_gathered(&line);
	else
		log_end(&line);
}

static size_t lines_of(const char *text)
{
	size_t lines = 0;

	for (; (text = strchr(text, '\n')) != NULL; text++)
		lines++;
	return lines;
}

static void test_lines_that_wait_share_a_write(void **state)
{
	static char long_value[LOG_LINE_MAX / 2];
	int fds[2], firsts = 0;
	struct log_gather gather = {.on_first = count, .arg = &firsts};
	struct log log = {.level = LOG_INFO, .gather = &gather};
	const char *seen;

	(void)state;
	assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
	log.fd = fds[1];
	log_flush(&log);
	put_line(&log, "one", "x", true);
	put_line(&log, "two", "x", true);
	assert_int_equal(firsts, 1);
	assert_string_equal(look(fds[0]), "");
	log_flush(&log);
	seen = look(fds[0]);
	assert_int_equal(lines_of(seen), 2);
	assert_true(strstr(seen, "event=one") < strstr(seen, "event=two"));

	put_line(&log, "three", "x", true);
	put_line(&log, "four", "x", false); /* keeps the order */
	assert_int_equal(firsts, 2);
	seen = look(fds[0]);
	assert_true(strstr(seen, "event=three") < strstr(seen, "event=four"));
	log_flush(&log);
	assert_string_equal(look(fds[0]), "");

	memset(long_value, 'a', sizeof(long_value) - 1);
	put_line(&log, "five", long_value, true);
	put_line(&log, "six", long_value, true); /* no room: the first goes */
	assert_int_equal(firsts, 4);
	assert_non_null(strstr(look(fds[0]), "event=five"));
	log_flush(&log);
	assert_non_null(strstr(look(fds[0]), "event=six"));

	log.gather = NULL;
	put_line(&log, "seven", "x", true); /* nobody would flush it */
	assert_int_equal(lines_of(look(fds[0])), 1);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_errors),
	    cmocka_unit_test(test_arena),
	    cmocka_unit_test(test_log_lines),
	    cmocka_unit_test(test_long_lines_are_cut_and_marked),
	    cmocka_unit_test(test_lines_that_wait_share_a_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
