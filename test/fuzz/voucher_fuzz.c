/* The header of a request that another broker passes on: no text is good that no broker has signed, and what one has
 * signed is read as it was written. The input is that text, behind its first byte; or a peer to be vouched for. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "relay/voucher.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct keyring *keys(void)
{
	static struct keyring *keyring;

	if (keyring == NULL &&
	    (secret_init(NULL) != 0 ||
	     keyring_parse("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", &keyring, NULL) != 0))
		abort();
	return keyring;
}

static bool reads(enum relay_listener listener, const char *method, const char *value, struct arena *arena,
                  struct http_forwarded *ret_forwarded)
{
	const struct voucher_scope scope = {.keyring = keys(), .listener = listener, .method = method, .target = "/"};

	return voucher_read(&scope, value, arena, ret_forwarded);
}

static void read_text(const char *value)
{
	struct http_forwarded forwarded;
	struct arena arena;

	arena_init(&arena);
	if (reads(RELAY_SERVICE, "GET", value, &arena, &forwarded) ||
	    reads(RELAY_OPERATORS, "GET", value, &arena, &forwarded))
		abort();
	arena_release(&arena);
}

static void write_and_read(const char *peer)
{
	const struct http_forwarded written = {.by = "a broker", .id = "0011223344556677", .peer = peer};
	const struct voucher_scope scope = {
	    .keyring = keys(), .listener = RELAY_OPERATORS, .method = "GET", .target = "/"};
	struct http_forwarded read;
	struct arena arena;
	struct text value;

	arena_init(&arena);
	text_init(&value, VOUCHER_TEXT_MAX);
	voucher_write(&scope, &written, &value);
	if (reads(RELAY_OPERATORS, "GET", text_string(&value), &arena, &read) &&
	    (strcmp(read.peer, peer) != 0 || strcmp(read.by, written.by) != 0 || strcmp(read.id, written.id) != 0))
		abort();
	if (value.length > 0 && (reads(RELAY_OPERATORS, "PUT", text_string(&value), &arena, &read) ||
	                         reads(RELAY_SERVICE, "GET", text_string(&value), &arena, &read)))
		abort();
	text_release(&value);
	arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (text == NULL)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	if (size > 0 && data[0] == 'w')
		write_and_read(text + 1);
	else
		read_text(size > 0 ? text + 1 : text);
	free(text);
	return 0;
}
