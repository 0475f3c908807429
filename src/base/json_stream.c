/* JSON in parts, a byte at a time but for runs in texts: `place` says what may come, and each place has one function
 * that takes a byte. What is open stands in `lists`; a text or a number is gathered in `token` until its end. */
#include "base/json_stream.h"

#include <ctype.h>
#include <string.h>

#include "base/json.h"

static bool fail(struct json_stream *stream)
{
	stream->place = JSON_BROKEN;
	return false;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool tell(struct json_stream *stream, enum json_event event, bool has_text)
{
	const struct text *token = &stream->token;
	const char *text = has_text && !token->failed ? text_string(token) : NULL;

	return stream->visit(stream->arg, event, text, text != NULL ? token->length : 0) || fail(stream);
}

/* ---- what holds others ---- */

static void value_ended(struct json_stream *stream)
{
	stream->place = stream->depth > 0 ? JSON_BEHIND_VALUE : JSON_AT_END;
}

static bool open_level(struct json_stream *stream, bool is_list)
{
	if (stream->depth == JSON_DEPTH_MAX)
		return fail(stream);
	stream->lists[stream->depth++] = is_list;
	stream->place = is_list ? JSON_AT_FIRST_ITEM : JSON_AT_FIRST_NAME;
	return tell(stream, is_list ? JSON_LIST : JSON_OBJECT, false);
}

static bool close_level(struct json_stream *stream, char c)
{
	const bool is_list = c == ']';

	if (stream->depth == 0 || stream->lists[stream->depth - 1] != is_list)
		return fail(stream);
	stream->depth--;
	value_ended(stream);
	return tell(stream, is_list ? JSON_LIST_END : JSON_OBJECT_END, false);
}

static bool take_behind_value(struct json_stream *stream, char c)
{
	if (c == ']' || c == '}')
		return close_level(stream, c);
	if (c != ',')
		return is_blank(c) || fail(stream);
	stream->place = stream->lists[stream->depth - 1] ? JSON_AT_VALUE : JSON_AT_NAME;
	return true;
}

/* ---- texts ---- */

static bool begin_text(struct json_stream *stream, bool is_name)
{
	text_reset(&stream->token);
	stream->is_name = is_name;
	stream->place = JSON_IN_TEXT;
	return true;
}

static bool end_text(struct json_stream *stream)
{
	if (stream->is_name)
		stream->place = JSON_AT_COLON;
	else
		value_ended(stream);
	return tell(stream, stream->is_name ? JSON_NAME : JSON_TEXT, true);
}

static bool take_in_text(struct json_stream *stream, char c)
{
	if (c == '"')
		return end_text(stream);
	if ((unsigned char)c < 0x20)
		return fail(stream);
	stream->place = JSON_IN_ESCAPE; /* all else was taken with its run */
	return c == '\\' || fail(stream);
}

static void add_code(struct json_stream *stream, unsigned code)
{
	char bytes[4];
	size_t length = 0;

	if (code < 0x80) {
		bytes[length++] = (char)code;
	} else {
		const int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
		const unsigned heads[] = {0, 0xc0, 0xe0, 0xf0};

		bytes[length++] = (char)(heads[more] | code >> (6 * more));
		for (int i = more - 1; i >= 0; i--)
			bytes[length++] = (char)(0x80 | (code >> (6 * i) & 0x3f));
	}
	text_add_bytes(&stream->token, bytes, length);
}

/* Four digits are there: a character, or half of one. Half a pair by itself is no character. */
static bool end_hex(struct json_stream *stream)
{
	const unsigned code = stream->code;
	const bool is_high = code >= 0xd800 && code < 0xdc00, is_low = code >= 0xdc00 && code < 0xe000;

	if (is_low != (stream->high != 0))
		return fail(stream);
	stream->place = is_high ? JSON_AT_LOW : JSON_IN_TEXT;
	if (is_low)
		add_code(stream, 0x10000 + ((stream->high - 0xd800) << 10) + (code - 0xdc00));
	else if (!is_high)
		add_code(stream, code);
	stream->high = is_high ? code : 0;
	return true;
}

static bool begin_hex(struct json_stream *stream)
{
	stream->code = 0;
	stream->digits = 4;
	stream->place = JSON_IN_HEX;
	return true;
}

static bool take_in_hex(struct json_stream *stream, char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *digit = c != '\0' ? strchr(digits, tolower((unsigned char)c)) : NULL;

	if (digit == NULL)
		return fail(stream);
	stream->code = stream->code << 4 | (unsigned)(digit - digits);
	return --stream->digits > 0 || end_hex(stream);
}

static bool take_in_escape(struct json_stream *stream, char c)
{
	static const char escapes[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	const char *escape = c != '\0' ? strchr(escapes, c) : NULL;

	if (c == 'u')
		return begin_hex(stream);
	if (escape == NULL)
		return fail(stream);
	text_add_bytes(&stream->token, &meant[escape - escapes], 1);
	stream->place = JSON_IN_TEXT;
	return true;
}

/* ---- numbers and words ---- */

static bool begin_plain(struct json_stream *stream, char c, enum json_place place)
{
	text_reset(&stream->token);
	text_add_bytes(&stream->token, &c, 1);
	stream->place = place;
	return true;
}

static bool end_number(struct json_stream *stream)
{
	if (stream->token.failed || !json_is_number_text(text_string(&stream->token), stream->token.length))
		return fail(stream);
	value_ended(stream);
	return tell(stream, JSON_NUMBER, true);
}

static bool is_of_number(char c)
{
	return c != '\0' && strchr("+-.0123456789Ee", c) != NULL;
}

static bool take_in_number(struct json_stream *stream, char c)
{
	text_add_bytes(&stream->token, &c, 1);
	return true;
}

static bool take_in_word(struct json_stream *stream, char c)
{
	static const struct {
		const char *word;
		enum json_event event;
	} words[] = {{"true", JSON_TRUE}, {"false", JSON_FALSE}, {"null", JSON_NULL}};

	text_add_bytes(&stream->token, &c, 1);
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (strncmp(words[i].word, text_string(&stream->token), stream->token.length) != 0)
			continue;
		if (words[i].word[stream->token.length] != '\0')
			return true;
		value_ended(stream);
		return tell(stream, words[i].event, false);
	}
	return fail(stream);
}

/* ---- what may come ---- */

static bool take_value(struct json_stream *stream, char c)
{
	if (is_blank(c))
		return true;
	if (c == '[' || c == '{')
		return open_level(stream, c == '[');
	if (c == '"')
		return begin_text(stream, false);
	if (c == '-' || isdigit((unsigned char)c))
		return begin_plain(stream, c, JSON_IN_NUMBER);
	if (c == 't' || c == 'f' || c == 'n')
		return begin_plain(stream, c, JSON_IN_WORD);
	return fail(stream);
}

static bool take_name(struct json_stream *stream, char c)
{
	return c == '"' ? begin_text(stream, true) : is_blank(c) || fail(stream);
}

static bool take_first_item(struct json_stream *stream, char c)
{
	return c == ']' ? close_level(stream, c) : take_value(stream, c);
}

static bool take_first_name(struct json_stream *stream, char c)
{
	return c == '}' ? close_level(stream, c) : take_name(stream, c);
}

static bool take_colon(struct json_stream *stream, char c)
{
	if (c != ':')
		return is_blank(c) || fail(stream);
	stream->place = JSON_AT_VALUE;
	return true;
}

static bool take_low(struct json_stream *stream, char c)
{
	stream->place = JSON_AT_LOW_U;
	return c == '\\' || fail(stream);
}

static bool take_low_u(struct json_stream *stream, char c)
{
	return c == 'u' ? begin_hex(stream) : fail(stream);
}

static bool take_blank(struct json_stream *stream, char c)
{
	return is_blank(c) || fail(stream);
}

static bool take_nothing(struct json_stream *stream, char c)
{
	(void)c;
	return fail(stream);
}

static bool (*const takes[])(struct json_stream *stream, char c) = {
    [JSON_AT_VALUE] = take_value, [JSON_AT_FIRST_ITEM] = take_first_item, [JSON_AT_FIRST_NAME] = take_first_name,
    [JSON_AT_NAME] = take_name,   [JSON_AT_COLON] = take_colon,           [JSON_BEHIND_VALUE] = take_behind_value,
    [JSON_AT_END] = take_blank,   [JSON_IN_TEXT] = take_in_text,          [JSON_IN_ESCAPE] = take_in_escape,
    [JSON_IN_HEX] = take_in_hex,  [JSON_IN_NUMBER] = take_in_number,      [JSON_IN_WORD] = take_in_word,
    [JSON_AT_LOW] = take_low,     [JSON_AT_LOW_U] = take_low_u,           [JSON_BROKEN] = take_nothing,
};

/* What follows a number ends it, and is taken for itself. */
static bool take(struct json_stream *stream, char c)
{
	if (stream->place == JSON_IN_NUMBER && !is_of_number(c) && !end_number(stream))
		return false;
	return takes[stream->place](stream, c);
}

void json_stream_init(struct json_stream *stream, json_visit *visit, void *arg)
{
	*stream = (struct json_stream){.visit = visit, .arg = arg, .place = JSON_AT_VALUE};
	text_init(&stream->token, JSON_TEXT_MAX);
}

void json_stream_release(struct json_stream *stream)
{
	text_release(&stream->token);
}

/* How many of the bytes stand for themselves in a text. */
static size_t count_plain(const char *bytes, size_t length)
{
	size_t count = 0;

	while (count < length && bytes[count] != '"' && bytes[count] != '\\' && (unsigned char)bytes[count] >= 0x20)
		count++;
	return count;
}

/* Most of it are texts: they are taken in runs. */
bool json_stream_read(struct json_stream *stream, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		const size_t plain = stream->place == JSON_IN_TEXT ? count_plain(bytes + i, length - i) : 0;

		text_add_bytes(&stream->token, bytes + i, plain);
		i += plain;
		if (i < length && !take(stream, bytes[i]))
			return false;
	}
	return stream->place != JSON_BROKEN;
}

/* A number that nothing holds has no end of its own. */
bool json_stream_end(struct json_stream *stream)
{
	if (stream->place == JSON_IN_NUMBER && stream->depth == 0)
		(void)end_number(stream);
	return stream->place == JSON_AT_END;
}
