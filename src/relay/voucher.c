/* Vouchers: written, and read strictly. */
#include "relay/voucher.h"

#include <string.h>

#define WORDS      4
#define WORD_MACS  3
#define PARTS      5
#define PEER_BYTES 128 /* of a peer, decoded; the longest there is has under 64 */
#define NAME_BYTES 255

/* Of the key: what is signed for the one listener is nothing at the other. */
static const char *const purposes[RELAY_LISTENERS] = {
    [RELAY_SERVICE] = "tsuru-broker: forwarded request",
    [RELAY_OPERATORS] = "tsuru-broker: forwarded request of an operator",
};

static void fill_parts(const struct voucher_scope *scope, const struct http_forwarded *forwarded,
                       const char *ret_parts[PARTS])
{
	const char *const parts[PARTS] = {scope->method, scope->target, forwarded->by, forwarded->id, forwarded->peer};

	memcpy(ret_parts, parts, sizeof(parts));
}

void voucher_write(const struct voucher_scope *scope, const struct http_forwarded *forwarded, struct text *ret_value)
{
	const char *parts[PARTS];
	char macs[KEYRING_MACS_SIZE];

	fill_parts(scope, forwarded, parts);
	keyring_sign(scope->keyring, purposes[scope->listener], parts, PARTS, macs);
	text_add_percent(ret_value, forwarded->by);
	text_add_format(ret_value, " %s ", forwarded->id);
	text_add_percent(ret_value, forwarded->peer);
	text_add_format(ret_value, " %s", macs);
}

/* Words with one space between two of them, and nothing else. */
static bool split(char *text, char *ret_words[WORDS])
{
	for (size_t i = 0; i < WORDS; i++) {
		const size_t length = strcspn(text, " ");

		if (length == 0 || (text[length] == '\0') != (i == WORDS - 1))
			return false;
		ret_words[i] = text;
		text[length] = '\0';
		text += length + 1;
	}
	return true;
}

static bool decode(char *word, size_t max)
{
	const long length = text_percent_decode(word, strlen(word), false);

	if (length <= 0 || (size_t)length > max)
		return false;
	word[length] = '\0';
	return text_is_clean(word, (size_t)length) && strpbrk(word, "\r\n\t") == NULL;
}

bool voucher_read(const struct voucher_scope *scope, const char *value, struct arena *arena,
                  struct http_forwarded *ret_forwarded)
{
	struct http_forwarded forwarded;
	const char *parts[PARTS];
	char *words[WORDS];
	char *text = strlen(value) <= VOUCHER_TEXT_MAX ? arena_text(arena, value) : NULL;

	if (text == NULL || !split(text, words) || !decode(words[0], NAME_BYTES) || !decode(words[2], PEER_BYTES) ||
	    strlen(words[1]) > VOUCHER_ID_MAX)
		return false;
	forwarded = (struct http_forwarded){.by = words[0], .id = words[1], .peer = words[2]};
	fill_parts(scope, &forwarded, parts);
	if (!keyring_check(scope->keyring, purposes[scope->listener], parts, PARTS, words[WORD_MACS]))
		return false;
	*ret_forwarded = forwarded;
	return true;
}
