/* Vouchers: what one broker writes another reads, and nobody else's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "keys.h"
#include "relay/voucher.h"

static void write_one(const struct keyring *keyring, const struct http_forwarded *forwarded, struct text *value)
{
	const struct voucher_scope scope = {
	    .keyring = keyring, .listener = RELAY_SERVICE, .method = "POST", .target = "/db/resources?a=b"};

	text_init(value, VOUCHER_TEXT_MAX);
	voucher_write(&scope, forwarded, value);
	assert_false(value->failed);
}

static bool reads_for(const struct voucher_scope *scope, const char *value, const struct http_forwarded *wanted)
{
	struct http_forwarded forwarded = {0};
	struct arena arena;
	bool good;

	arena_init(&arena);
	good = voucher_read(scope, value, &arena, &forwarded);
	if (good) {
		assert_string_equal(forwarded.by, wanted->by);
		assert_string_equal(forwarded.id, wanted->id);
		assert_string_equal(forwarded.peer, wanted->peer);
	} else {
		assert_null(forwarded.by);
	}
	arena_release(&arena);
	return good;
}

static bool reads(const struct keyring *keyring, const char *method, const char *target, const char *value,
                  const struct http_forwarded *wanted)
{
	const struct voucher_scope scope = {
	    .keyring = keyring, .listener = RELAY_SERVICE, .method = method, .target = target};

	return reads_for(&scope, value, wanted);
}

static void test_written_and_read(void **state)
{
	static const struct http_forwarded cases[] = {
	    {"first", "0011223344556677", "127.0.0.1:4711"},
	    {"a broker, 100 %", "x", "[2001:db8::1]:80"},
	    {"broker-2.example.com", "0011223344556677", "unix"},
	};
	struct keyring *keyring = keys(FIRST_KEY);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct text value;

		write_one(keyring, &cases[i], &value);
		assert_true(reads(keyring, "POST", "/db/resources?a=b", text_string(&value), &cases[i]));
		assert_false(reads(keyring, "PUT", "/db/resources?a=b", text_string(&value), &cases[i]));
		assert_false(reads(keyring, "POST", "/db/resources?a=c", text_string(&value), &cases[i]));
		text_release(&value);
	}
	keyring_free(keyring);
}

static void test_no_byte_can_be_changed(void **state)
{
	static const struct http_forwarded forwarded = {"first", "0011223344556677", "127.0.0.1:4711"};
	struct keyring *keyring = keys(FIRST_KEY);
	struct text value;

	(void)state;
	write_one(keyring, &forwarded, &value);
	for (size_t i = 0; i < value.length; i++) {
		const char byte = value.bytes[i];

		value.bytes[i] = byte == '9' ? '8' : '9';
		assert_false(reads(keyring, "POST", "/db/resources?a=b", value.bytes, &forwarded));
		value.bytes[i] = '\0';
		assert_false(reads(keyring, "POST", "/db/resources?a=b", value.bytes, &forwarded));
		value.bytes[i] = byte;
	}
	text_add(&value, " x");
	assert_false(reads(keyring, "POST", "/db/resources?a=b", value.bytes, &forwarded));
	text_release(&value);
	keyring_free(keyring);
}

/* What was signed for tsuru's request is nothing at the operators' listener, and the other way round. */
static void test_no_listener_takes_the_others(void **state)
{
	static const struct http_forwarded forwarded = {"first", "0011223344556677", "127.0.0.1:4711"};
	struct keyring *keyring = keys(FIRST_KEY);
	struct voucher_scope scope = {.keyring = keyring, .method = "POST", .target = "/v1/verify"};

	(void)state;
	for (int listener = 0; listener < RELAY_LISTENERS; listener++) {
		struct text value;

		scope.listener = (enum relay_listener)listener;
		text_init(&value, VOUCHER_TEXT_MAX);
		voucher_write(&scope, &forwarded, &value);
		assert_true(reads_for(&scope, text_string(&value), &forwarded));
		scope.listener = listener == RELAY_SERVICE ? RELAY_OPERATORS : RELAY_SERVICE;
		assert_false(reads_for(&scope, text_string(&value), &forwarded));
		text_release(&value);
	}
	keyring_free(keyring);
}

static void test_keys_that_change(void **state)
{
	static const struct http_forwarded forwarded = {"first", "0011223344556677", "127.0.0.1:4711"};
	struct keyring *before = keys(FIRST_KEY), *after = keys(OTHER_KEY);
	struct keyring *between = keys(BOTH_KEYS);
	struct keyring *const readers[] = {before, between, after};
	struct text value;

	(void)state;
	write_one(between, &forwarded, &value);
	for (size_t i = 0; i < 3; i++)
		assert_true(reads(readers[i], "POST", "/db/resources?a=b", text_string(&value), &forwarded));
	text_release(&value);
	write_one(before, &forwarded, &value);
	assert_true(reads(between, "POST", "/db/resources?a=b", text_string(&value), &forwarded));
	assert_false(reads(after, "POST", "/db/resources?a=b", text_string(&value), &forwarded));
	text_release(&value);
	for (size_t i = 0; i < 3; i++)
		keyring_free(readers[i]);
}

static void test_texts_that_are_none(void **state)
{
	static const char *const bad[] = {"",
	                                  " ",
	                                  "first",
	                                  "first 00",
	                                  "first 00 127.0.0.1 ",
	                                  " first 00 127.0.0.1 ff",
	                                  "first 00 127.0.0.1 00000000000000000000000000000000",
	                                  "% 00 x 00",
	                                  "%00 00 x 00"};
	const struct http_forwarded none = {"", "", ""};
	struct keyring *keyring = keys(FIRST_KEY);

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(reads(keyring, "GET", "/", bad[i], &none));
	keyring_free(keyring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_written_and_read),
	    cmocka_unit_test(test_no_byte_can_be_changed),
	    cmocka_unit_test(test_no_listener_takes_the_others),
	    cmocka_unit_test(test_keys_that_change),
	    cmocka_unit_test(test_texts_that_are_none),
	};

	return cmocka_run_group_tests(tests, keys_setup, NULL);
}
