/* SQLSTATEs: what may pass, what is final, and what is cured by looking again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "driver/postgres/sqlstate.h"

static int code_of(const char *sqlstate)
{
	struct error error;
	const int code = sqlstate_explain(sqlstate, "what the server said", &error);

	assert_int_equal(error.code, code);
	assert_non_null(strstr(error.text, "what the server said"));
	return code;
}

static void test_what_may_pass(void **state)
{
	static const char *const states[] = {"08006", "08P01", "25006", "40001", "40P01", "53100", "53200",
	                                     "53300", "55006", "55P03", "57P01", "57P02", "57P03", "57014",
	                                     "58030", "XX000", "23505", "",      NULL};

	(void)state;
	for (size_t i = 0; states[i] != NULL; i++) {
		if (!error_may_pass(code_of(states[i])))
			fail_msg("%s is final", states[i]);
	}
	assert_true(error_may_pass(code_of(NULL)));
}

/* Somebody else's lock, and what took too long, are no fault of the server's. */
static void test_locks_and_limits(void **state)
{
	static const char *const locks[] = {"55P03", "40P01"}, *const limits[] = {"57014", "25P03", "25P04"};

	(void)state;
	for (size_t i = 0; i < sizeof(locks) / sizeof(*locks); i++) {
		assert_int_equal(code_of(locks[i]), ERR_LOCKED);
		assert_true(sqlstate_is_locked(locks[i]) && sqlstate_is_blocked(locks[i]));
	}
	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++)
		assert_int_equal(code_of(limits[i]), ERR_TIMEOUT);
	assert_false(sqlstate_is_locked("57014"));
}

static void test_what_is_final(void **state)
{
	static const char *const states[] = {"42501", "42601", "42704", "42710", "22023", "22P02",
	                                     "0A000", "58P01", "2BP01", "3D000", "3F000", "23502",
	                                     "P0001", "28000", "28P01", "42939", NULL};

	(void)state;
	for (size_t i = 0; states[i] != NULL; i++)
		assert_int_equal(code_of(states[i]), ERR_REFUSED);
}

static void test_what_somebody_else_holds(void **state)
{
	(void)state;
	assert_int_equal(code_of("55006"), ERR_LOCKED);
	assert_int_equal(code_of("55P03"), ERR_LOCKED);
}

static void refuse(const char *message, int code, const char *text)
{
	struct error error;

	sqlstate_explain_refusal(message, &error);
	assert_int_equal(error.code, code);
	assert_string_equal(error.text, text);
}

static void test_refusals_of_connections(void **state)
{
	(void)state;
	refuse("FATAL:  53300: sorry, too many clients already", ERR_UNAVAILABLE,
	       "FATAL:  sorry, too many clients already");
	refuse("FATAL:  55P03: too long", ERR_LOCKED,
	       "somebody has locked a catalog of the database, which a session needs to begin: FATAL:  too long");
	refuse("Connection refused", ERR_UNAVAILABLE, "Connection refused");
	refuse("connection to server at \"::1\", port 5432 failed: FATAL:  53300: sorry\nDETAIL:  57P03: later",
	       ERR_UNAVAILABLE, "FATAL:  sorry");
	refuse("the server closed it\nconnection failed: not this", ERR_UNAVAILABLE, "the server closed it");
	refuse("FATAL:  55P0: short", ERR_UNAVAILABLE, "FATAL:  55P0: short");
	refuse("FATAL:  ABCDEF: long", ERR_UNAVAILABLE, "FATAL:  ABCDEF: long");
	refuse("FATAL:  55P03", ERR_UNAVAILABLE, "FATAL:  55P03");
	refuse(":  ", ERR_UNAVAILABLE, ":  ");
	refuse("", ERR_UNAVAILABLE, "");
}

static void test_what_an_operator_can_cure(void **state)
{
	static const char *const curable[] = {"0A000", "2BP01", "3D000", "3F000", "42501", "58P01", NULL};
	static const char *const others[] = {"42601", "42704", "22023", "55006", "", NULL};

	(void)state;
	for (size_t i = 0; curable[i] != NULL; i++)
		assert_true(sqlstate_is_curable(curable[i]));
	for (size_t i = 0; others[i] != NULL; i++)
		assert_false(sqlstate_is_curable(others[i]));
}

static void expect(const char *sqlstate, const char *message, int code, const char *sentence)
{
	struct error error;

	assert_int_equal(sqlstate_explain(sqlstate, message, &error), code);
	if (strncmp(error.text, sentence, strlen(sentence)) != 0 || strstr(error.text, message) == NULL)
		fail_msg("\"%s\" should begin with \"%s\"", error.text, sentence);
}

/* credcheck's words of several versions: earlier ones had no state for them. */
static void test_rules_for_names_and_passwords(void **state)
{
	static const char *const words[] = {
	    "password length should match the configured credcheck.password_min_length",
	    "password should not contain username",
	    "password does not contain the configured credcheck.password_min_special characters",
	    "username does not contain the configured credcheck.username_min_upper characters",
	    "username length should match the configured credcheck.username_min_length",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		expect("28000", words[i], ERR_REFUSED, "its rules for names and passwords refuse the login");
		expect("XX000", words[i], ERR_REFUSED, "its rules for names and passwords refuse the login");
	}
	expect("22023", "password is too short", ERR_REFUSED, "its rules for names and passwords");
	expect("28000", "password type is not a plain text", ERR_REFUSED, "it wants to see passwords");
	expect("XX000", "password type is not a plain text", ERR_REFUSED, "it wants to see passwords");
	expect("22023", "invalid value for parameter \"x\"", ERR_REFUSED, "it does not take the value");
}

static void test_one_state_of_several_meanings(void **state)
{
	(void)state;
	expect("XX000", "template database \"t\" has a collation version mismatch", ERR_REFUSED,
	       "the template's order");
	expect("XX000",
	       "template database \"t\" has a collation version, but no actual collation version could be determined",
	       ERR_REFUSED, "the template's order");
	expect("XX000", "pg_cron can only be loaded via shared_preload_libraries", ERR_REFUSED, "the library of");
	expect("55000", "x must be loaded via shared_preload_libraries", ERR_REFUSED, "the library of an extension");
	expect("XX000", "extension \"timescaledb\" must be preloaded", ERR_REFUSED, "the library of an extension");
	expect("XX000", "can only create extension in database postgres", ERR_REFUSED, "the extension is for one");
	expect("55000", "cannot connect to invalid database \"x\"", ERR_UNAVAILABLE, "a removal of the database");
	expect("55000", "database \"x\" is not currently accepting connections", ERR_UNAVAILABLE,
	       "it is not in the state");
	expect("XX000", "cache lookup failed for relation 1", ERR_UNAVAILABLE, "it failed inside");
	expect("57P01", "terminating connection due to administrator command", ERR_UNAVAILABLE,
	       "the session was ended");
	expect("57P03", "the database system is starting up", ERR_UNAVAILABLE, "it is starting or stopping");
	expect("57P04", "the database was dropped", ERR_UNAVAILABLE, "the database was dropped");
	expect("57P05", "terminating connection due to idle-session timeout", ERR_UNAVAILABLE, "it ends sessions");
	expect("42939", "role name \"pg_x\" is reserved", ERR_REFUSED, "it keeps names like that to itself");
}

static void test_what_does_not_know_options(void **state)
{
	(void)state;
	assert_true(sqlstate_is_about_options("failed: FATAL:  08P01: unsupported startup parameter: options\n"));
	assert_true(sqlstate_is_about_options("failed: FATAL:  0A000: Feature not supported: command-line options\n"));
	assert_false(sqlstate_is_about_options("failed: FATAL:  28P01: password authentication failed\n"));
	assert_false(sqlstate_is_about_options("failed: Connection refused\n"));
}

static void test_sentences_are_of_the_whole_state_first(void **state)
{
	struct error error;

	(void)state;
	sqlstate_explain("42501", "permission denied to create role", &error);
	assert_string_equal(error.text, "the broker's user lacks the right: permission denied to create role "
	                                "(SQLSTATE 42501)");
	sqlstate_explain("42601", "syntax error", &error);
	assert_string_equal(error.text, "it does not take the statement: syntax error (SQLSTATE 42601)");
}

static void test_a_wrong_password(void **state)
{
	static const char *const wrong[] = {
	    "connection to server at \"h\" (::1), port 5432 failed: FATAL:  28P01: password authentication failed\n",
	    "connection to server at \"h\" (::1), port 5432 failed: SCHWERWIEGEND:  28P01: "
	    "Passwort-Authentifizierung f\303\274r Benutzer \302\273x\302\253 fehlgeschlagen\nORT:  auth.c:333\n",
	    "failed: FATAL:  28000: no pg_hba.conf entry\nfailed: FATAL:  28P01: password authentication failed\n",
	    NULL};
	static const char *const others[] = {"failed: FATAL:  28000: role \"x\" is not permitted to log in\n",
	                                     "failed: FATAL:  53300: too many connections\n",
	                                     "failed: Connection refused\n",
	                                     "failed: FATAL:  3D000: database \"28P01\" does not exist\n",
	                                     "",
	                                     NULL};

	(void)state;
	for (size_t i = 0; wrong[i] != NULL; i++)
		assert_true(sqlstate_is_wrong_password(wrong[i]));
	for (size_t i = 0; others[i] != NULL; i++)
		assert_false(sqlstate_is_wrong_password(others[i]));
}

static void test_what_was_overtaken(void **state)
{
	(void)state;
	assert_true(sqlstate_is_overtaken("42710", "role \"x\" already exists"));
	assert_true(sqlstate_is_overtaken("42P04", "database \"x\" already exists"));
	assert_true(sqlstate_is_overtaken("XX000", "tuple concurrently updated"));
	assert_true(sqlstate_is_overtaken("XX000", "tuple concurrently deleted"));
	assert_false(sqlstate_is_overtaken("XX000", "could not open file"));
	assert_false(sqlstate_is_overtaken("42501", "concurrently updated"));
	assert_false(sqlstate_is_overtaken("", ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_what_may_pass),
	    cmocka_unit_test(test_locks_and_limits),
	    cmocka_unit_test(test_what_is_final),
	    cmocka_unit_test(test_what_somebody_else_holds),
	    cmocka_unit_test(test_refusals_of_connections),
	    cmocka_unit_test(test_what_an_operator_can_cure),
	    cmocka_unit_test(test_rules_for_names_and_passwords),
	    cmocka_unit_test(test_one_state_of_several_meanings),
	    cmocka_unit_test(test_what_does_not_know_options),
	    cmocka_unit_test(test_sentences_are_of_the_whole_state_first),
	    cmocka_unit_test(test_a_wrong_password),
	    cmocka_unit_test(test_what_was_overtaken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
