/* The command line: usage, help and exit codes, and the subcommands that end by themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/cli.h"

#define ARGUMENTS_MAX 8

static const char good[] = "listen: 127.0.0.1:1\n"
                           "data_dir: /nowhere\n"
                           "services:\n"
                           "  - name: smtp\n"
                           "    driver: shared\n"
                           "    password: hush\n"
                           "    plans:\n"
                           "      - {name: relay, description: \"a relay\", env: {SMTP_URL: \"smtp://relay\"}}\n";

struct run {
	char file[64]; /* a configuration; "" for none */
	char *out, *err;
	int code;
};

static void write_file(struct run *run, const char *content)
{
	const char *directory = getenv("TMPDIR");
	int fd;

	snprintf(run->file, sizeof(run->file), "%s/cli_test.XXXXXX", directory != NULL ? directory : "/tmp");
	fd = mkstemp(run->file);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, strlen(content)), strlen(content));
	close(fd);
}

static int set_up(void **state)
{
	*state = calloc(1, sizeof(struct run));
	return *state == NULL;
}

static int tear_down(void **state)
{
	struct run *run = *state;

	if (run->file[0] != '\0')
		unlink(run->file);
	free(run->out);
	free(run->err);
	free(run);
	return 0;
}

/* Runs the words, of which "FILE" stands for the configuration. */
static void run_words(struct run *run, const char *const *words)
{
	char copies[ARGUMENTS_MAX][96];
	char *arguments[ARGUMENTS_MAX + 1] = {NULL};
	size_t out_size, err_size;
	int count = 0;
	FILE *out, *err;

	free(run->out);
	free(run->err);
	for (; count < ARGUMENTS_MAX && words[count] != NULL; count++) {
		snprintf(copies[count], sizeof(copies[count]), "%s",
		         strcmp(words[count], "FILE") == 0 ? run->file : words[count]);
		arguments[count] = copies[count];
	}
	out = open_memstream(&run->out, &out_size);
	err = open_memstream(&run->err, &err_size);
	assert_non_null(out);
	assert_non_null(err);
	run->code = cli_run(count, arguments, out, err);
	fclose(out);
	fclose(err);
}

#define run_cli(run, ...) run_words(run, (const char *const[]){"tsuru-broker", __VA_ARGS__, NULL})

static void assert_usage(const struct run *run, const char *part)
{
	assert_int_equal(run->code, 2);
	assert_string_equal(run->out, "");
	assert_non_null(strstr(run->err, part));
	assert_non_null(strstr(run->err, "--help"));
}

static void says_what_is_wrong_with_the_usage(void **state)
{
	run_words(*state, (const char *const[]){"tsuru-broker", NULL});
	assert_usage(*state, "usage: tsuru-broker");
	run_cli(*state, "sreve");
	assert_usage(*state, "unknown command \"sreve\"; see tsuru-broker --help");
	run_cli(*state, "--verbose");
	assert_usage(*state, "unknown option \"--verbose\"");
	run_cli(*state, "check", "--verbose");
	assert_usage(*state, "\"--verbose\"; see tsuru-broker check --help");
	run_cli(*state, "check", "-xc");
	assert_usage(*state, "\"-x\"");
	run_cli(*state, "check", "--operations");
	assert_usage(*state, "\"--operations\"");
	run_cli(*state, "check", "-c");
	assert_usage(*state, "a value is missing for the option \"-c\"");
	run_cli(*state, "manifest", "--endpoint");
	assert_usage(*state, "a value is missing for the option \"--endpoint\"");
	run_cli(*state, "check", "-c", "x", "more");
	assert_usage(*state, "unexpected argument \"more\"");
	run_cli(*state, "manifest", "one", "two");
	assert_usage(*state, "unexpected argument \"two\"");
	run_cli(*state, "manifest");
	assert_usage(*state, "missing argument \"SERVICE\"");
}

static void helps(void **state)
{
	static const char *const commands[] = {"serve", "check", "manifest", "ping", "version"};
	struct run *run = *state;

	run_cli(run, "--help");
	assert_int_equal(run->code, 0);
	assert_string_equal(run->err, "");
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		char usage[64];

		run_cli(run, "--help");
		assert_non_null(strstr(run->out, commands[i]));
		run_cli(run, commands[i], "--help");
		assert_int_equal(run->code, 0);
		snprintf(usage, sizeof(usage), "usage: tsuru-broker %s ", commands[i]);
		assert_non_null(strstr(run->out, usage));
	}
	run_cli(run, "manifest", "-h");
	assert_non_null(strstr(run->out, "--endpoint URL"));
	assert_non_null(strstr(run->out, "-c, --config FILE"));
	run_cli(run, "ping", "-h");
	assert_null(strstr(run->out, "--endpoint"));
}

static void tells_its_version(void **state)
{
	struct run *run = *state;

	run_cli(run, "--version");
	assert_int_equal(run->code, 0);
	assert_string_equal(run->out, "tsuru-broker " BROKER_VERSION "\n");
	run_cli(run, "version");
	assert_string_equal(run->out, "tsuru-broker " BROKER_VERSION "\n");
}

static void checks_a_good_file(void **state)
{
	struct run *run = *state;

	write_file(run, good);
	run_cli(run, "check", "-c", "FILE");
	assert_int_equal(run->code, 0);
	assert_string_equal(run->err, "");
	assert_non_null(strstr(run->out, ": good: 1 service\n"));
}

static void checks_show_every_error_with_its_place(void **state)
{
	struct run *run = *state;
	char place[96];

	write_file(run, "listen: nowhere\nservice: []\n");
	run_cli(run, "check", "-c", "FILE");
	assert_int_equal(run->code, 1);
	assert_string_equal(run->out, "");
	snprintf(place, sizeof(place), "%s:1:9: ", run->file);
	assert_non_null(strstr(run->err, place));
	snprintf(place, sizeof(place), "%s:2:1: ", run->file);
	assert_non_null(strstr(run->err, place));
}

static void takes_the_file_from_the_environment(void **state)
{
	struct run *run = *state;

	write_file(run, good);
	setenv("TSURU_BROKER_CONFIG", run->file, 1);
	run_cli(run, "check");
	unsetenv("TSURU_BROKER_CONFIG");
	assert_int_equal(run->code, 0);
	assert_non_null(strstr(run->out, run->file));
}

static void prints_manifests(void **state)
{
	struct run *run = *state;

	write_file(run, good);
	run_cli(run, "manifest", "-c", "FILE", "smtp", "--endpoint", "https://b");
	assert_int_equal(run->code, 0);
	assert_non_null(strstr(run->out, "password: \"hush\"\n"));
	assert_non_null(strstr(run->out, "\"https://b/smtp\"\n"));
	run_cli(run, "manifest", "--operations", "smtp", "-c", "FILE");
	assert_int_equal(run->code, 0);
	assert_non_null(strstr(run->out, "\"operations.retry\""));
	assert_null(strstr(run->out, "hush"));
	run_cli(run, "manifest", "-c", "FILE", "smpt");
	assert_int_equal(run->code, 1);
	assert_string_equal(run->out, "");
	assert_non_null(strstr(run->err, "no service \"smpt\""));
}

static void a_ping_without_a_broker_fails(void **state)
{
	struct run *run = *state;

	write_file(run, good);
	run_cli(run, "ping", "-c", "FILE");
	assert_int_equal(run->code, 1);
	assert_non_null(strstr(run->err, "127.0.0.1:1 does not answer"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(says_what_is_wrong_with_the_usage, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(helps, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(tells_its_version, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(checks_a_good_file, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(checks_show_every_error_with_its_place, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(takes_the_file_from_the_environment, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(prints_manifests, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_ping_without_a_broker_fails, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
