/* Answers of programs: what is taken from them, what is refused, and the sentence among their messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "driver/exec/answer.h"

static void note(void *arg, const char *name, const char *value)
{
	text_add_format(arg, "%s=%s;", name, value);
}

/* From a heap block of the exact size, so that a sanitizer sees a read outside. */
static int read_answer(enum call_kind kind, const char *answer, struct text *ret_notes, struct error *error)
{
	char *copy = strdup(answer);
	int rc;

	assert_non_null(copy);
	text_init(ret_notes, 4096);
	error_clear(error);
	rc = answer_read(kind, copy, strlen(copy), note, ret_notes, error);
	assert_int_equal(rc, error->code);
	free(copy);
	return rc;
}

static void expect_notes(enum call_kind kind, const char *answer, const char *expected)
{
	struct error error;
	struct text notes;

	if (read_answer(kind, answer, &notes, &error) != 0)
		fail_msg("%s: %s", answer, error.text);
	assert_string_equal(text_string(&notes), expected);
	text_release(&notes);
}

static void expect_refusal(enum call_kind kind, const char *answer, const char *part)
{
	struct error error;
	struct text notes;

	if (read_answer(kind, answer, &notes, &error) != ERR_REFUSED || strstr(error.text, part) == NULL)
		fail_msg("%s: %d %s", answer, error.code, error.text);
	text_release(&notes);
}

static void test_results(void **state)
{
	(void)state;
	expect_notes(CALL_BIND, "", "");
	expect_notes(CALL_BIND, " \r\n\t", "");
	expect_notes(CALL_BIND, "{}", "");
	expect_notes(CALL_BIND, "{\"variables\":{\"URL\":\"a{b}\",\"b_1\":\"\xc3\xa4\\n\"},\"other\":1}\n",
	             "URL=a{b};b_1=\xc3\xa4\n;");
	expect_notes(CALL_OBSERVE,
	             "{\"items\":[{\"label\":\"Size\",\"value\":\"3 MB\"},{\"label\":\"a\",\"value\":\"\"}]}",
	             "Size=3 MB;a=;");
	expect_notes(CALL_INSPECT,
	             "{\"drift\":[{\"kind\":\"lost\",\"text\":\"gone\"},{\"kind\":\"bind\",\"text\":\"x_1\"}]}",
	             "lost=gone;bind=x_1;");
	expect_notes(CALL_LIST, "{\"instances\":[\"a\",\"b\"],\"logins\":[\"c\"]}", "instance=a;instance=b;login=c;");
	expect_notes(CALL_PROVISION, "{\"variables\":7}", "");
}

static void test_refusals(void **state)
{
	(void)state;
	expect_refusal(CALL_PROVISION, "done", "no JSON object");
	expect_refusal(CALL_PROVISION, "[]", "no JSON object");
	expect_refusal(CALL_PROVISION, "{} {}", "no JSON object");
	expect_refusal(CALL_PROVISION, "{\"a\":", "no JSON object");
	expect_refusal(CALL_BIND, "{\"variables\":[\"a\"]}", "no object");
	expect_refusal(CALL_BIND, "{\"variables\":{\"PORT\":5432}}", "\"PORT\" in its answer is no text");
	expect_refusal(CALL_BIND, "{\"variables\":{\"A\":\"\\u0007\"}}", "\"A\"");
	expect_refusal(CALL_BIND, "{\"variables\":{\"A\":\"\xff\"}}", "\"A\"");
	expect_refusal(CALL_BIND, "{\"variables\":{\"A-B\":\"x\"}}", "A-B");
	expect_refusal(CALL_BIND, "{\"variables\":{\"\":\"x\"}}", "name");
	expect_refusal(CALL_OBSERVE, "{\"items\":{}}", "\"items\" in its answer is no list");
	expect_refusal(CALL_OBSERVE, "{\"items\":[\"x\"]}", "lacks the text \"label\" or \"value\"");
	expect_refusal(CALL_OBSERVE, "{\"items\":[{\"label\":\"a\",\"value\":1}]}", "lacks");
	expect_refusal(CALL_INSPECT, "{\"drift\":[{\"kind\":\"odd\",\"text\":\"x\"}]}",
	               "none of lost, instance and bind");
	expect_refusal(CALL_INSPECT, "{\"drift\":[{\"text\":\"x\"}]}", "lacks");
	expect_refusal(CALL_LIST, "{\"instances\":\"a\"}", "\"instances\" in its answer is no list");
	expect_refusal(CALL_LIST, "{\"instances\":[\"a\"],\"logins\":[1]}", "an item of \"logins\"");
}

static void expect_sentence(const char *messages, const char *expected)
{
	char sentence[ANSWER_SENTENCE_MAX + 1];

	answer_sentence(messages, strlen(messages), sentence);
	assert_string_equal(sentence, expected);
}

static void test_sentences(void **state)
{
	char messages[2 * ANSWER_SENTENCE_MAX + 1], sentence[ANSWER_SENTENCE_MAX + 1];

	(void)state;
	expect_sentence("", "");
	expect_sentence("\n \n\t", "");
	expect_sentence("no room", "no room");
	expect_sentence("+ trace\nno room left\n\n", "no room left");
	expect_sentence("one\r\n  two \x1b[31mred\r\n", "two  [31mred");
	expect_sentence("gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f");
	expect_sentence("a\xff\xc3\xbc", "a???");
	answer_sentence("a\0b", 3, sentence);
	assert_string_equal(sentence, "a b");
	/* Too long: cut before a character of two bytes that does not fit whole. */
	memset(messages, 'x', sizeof(messages));
	messages[sizeof(messages) - 1] = '\0';
	memcpy(messages + ANSWER_SENTENCE_MAX - 1, "\xc3\xbc", 2);
	answer_sentence(messages, strlen(messages), sentence);
	assert_int_equal(strlen(sentence), ANSWER_SENTENCE_MAX - 1);
	assert_int_equal(strspn(sentence, "x"), ANSWER_SENTENCE_MAX - 1);
}

/* A member whose list has count elements. */
static char *long_answer(size_t count)
{
	struct text answer;

	text_init(&answer, 4 * count + 64);
	text_add(&answer, "{\"other\":[1");
	for (size_t i = 1; i < count; i++)
		text_add(&answer, ",1");
	text_add(&answer, "]}");
	assert_false(answer.failed);
	return answer.bytes;
}

static void test_values_are_counted_before_they_are_made(void **state)
{
	char *most = long_answer(99999), *many = long_answer(100000);

	(void)state;
	expect_notes(CALL_BIND, most, "");
	expect_refusal(CALL_BIND, many, "over 100000 values");
	free(most);
	free(many);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_results),
	    cmocka_unit_test(test_values_are_counted_before_they_are_made),
	    cmocka_unit_test(test_refusals),
	    cmocka_unit_test(test_sentences),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
