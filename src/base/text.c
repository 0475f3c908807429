/* Growing text and conversions. */
#include "base/text.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/utf8.h"

#define CAPACITY_FIRST 512 /* bytes */

/* ---- the buffer ---- */

void text_init(struct text *text, size_t limit)
{
	*text = (struct text){.limit = limit};
}

void text_release(struct text *text)
{
	free(text->bytes);
	text_init(text, text->limit);
}

void text_wipe(struct text *text)
{
	if (text->bytes != NULL)
		sodium_memzero(text->bytes, text->capacity);
	text_release(text);
}

void text_reset(struct text *text)
{
	text->length = 0;
	text->failed = false;
	if (text->bytes != NULL)
		text->bytes[0] = '\0';
}

const char *text_string(const struct text *text)
{
	return text->bytes != NULL ? text->bytes : "";
}

/* Makes room for length more bytes and a NUL. Old bytes are wiped: the text may be a secret. */
static bool reserve(struct text *text, size_t length)
{
	size_t capacity = text->capacity > 0 ? text->capacity : CAPACITY_FIRST;
	char *bytes;

	if (text->failed || length > text->limit - text->length) {
		text->failed = true;
		return false;
	}
	if (text->length + length < text->capacity)
		return true;
	while (capacity <= text->length + length)
		capacity *= 2;
	bytes = malloc(capacity);
	if (bytes == NULL) {
		text->failed = true;
		return false;
	}
	if (text->bytes != NULL) {
		memcpy(bytes, text->bytes, text->length + 1);
		sodium_memzero(text->bytes, text->capacity);
		free(text->bytes);
	}
	text->bytes = bytes;
	text->capacity = capacity;
	return true;
}

void text_add_bytes(struct text *text, const void *bytes, size_t length)
{
	if (!reserve(text, length))
		return;
	if (length > 0)
		memcpy(text->bytes + text->length, bytes, length);
	text->length += length;
	text->bytes[text->length] = '\0';
}

void text_add(struct text *text, const char *string)
{
	text_add_bytes(text, string, strlen(string));
}

void text_add_format(struct text *text, const char *format, ...)
{
	va_list arguments, again;
	int length;

	va_start(arguments, format);
	va_copy(again, arguments);
	length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (length < 0)
		text->failed = true;
	else if (reserve(text, (size_t)length)) {
		vsnprintf(text->bytes + text->length, (size_t)length + 1, format, again);
		text->length += (size_t)length;
	}
	va_end(again);
}

/* ---- JSON ---- */

static void add_json_byte(struct text *text, unsigned char byte)
{
	static const char letters[] = "btn\vfr"; /* from 0x08 on; \v has no short escape */

	if (byte == '"' || byte == '\\')
		text_add_format(text, "\\%c", byte);
	else if (byte >= 0x08 && byte <= 0x0d && byte != 0x0b)
		text_add_format(text, "\\%c", letters[byte - 0x08]);
	else if (byte < 0x20 || byte == 0x7f)
		text_add_format(text, "\\u%04x", byte);
	else
		text_add_bytes(text, &byte, 1);
}

static bool is_plain_in_json(unsigned char byte)
{
	return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

void text_add_json(struct text *text, const char *string)
{
	const unsigned char *s = (const unsigned char *)string;
	size_t left = strlen(string);

	text_add(text, "\"");
	while (left > 0) {
		size_t plain = 0, step;

		while (plain < left && is_plain_in_json(s[plain]))
			plain++;
		text_add_bytes(text, s, plain);
		s += plain;
		left -= plain;
		if (left == 0)
			break;
		step = utf8_length(s, left);
		if (step == 0)
			text_add(text, "\xef\xbf\xbd");
		else if (step == 1)
			add_json_byte(text, *s);
		else
			text_add_bytes(text, s, step);
		step = step > 0 ? step : 1;
		s += step;
		left -= step;
	}
	text_add(text, "\"");
}

/* ---- percent and base64 ---- */

static bool is_letter_or_digit(unsigned char byte)
{
	return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
}

void text_add_percent(struct text *text, const char *string)
{
	for (; *string != '\0'; string++) {
		const unsigned char byte = (unsigned char)*string;

		if (is_letter_or_digit(byte) || strchr("-._~", byte) != NULL)
			text_add_bytes(text, string, 1);
		else
			text_add_format(text, "%%%02X", byte);
	}
}

static int hex_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	return -1;
}

long text_percent_decode(char *bytes, size_t length, bool plus)
{
	size_t from, to = 0;

	for (from = 0; from < length; from++) {
		int high, low;

		if (bytes[from] == '+' && plus) {
			bytes[to++] = ' ';
			continue;
		}
		if (bytes[from] != '%') {
			bytes[to++] = bytes[from];
			continue;
		}
		if (length - from < 3)
			return -1;
		high = hex_value(bytes[from + 1]);
		low = hex_value(bytes[from + 2]);
		if (high < 0 || low < 0 || high + low == 0)
			return -1;
		bytes[to++] = (char)(high * 16 + low);
		from += 2;
	}
	return (long)to;
}

void text_add_base64(struct text *text, const void *bytes, size_t length)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *from = bytes;

	for (size_t i = 0; i < length; i += 3) {
		const size_t left = length - i;
		const uint32_t group = (uint32_t)from[i] << 16 | (left > 1 ? (uint32_t)from[i + 1] << 8 : 0) |
		                       (left > 2 ? (uint32_t)from[i + 2] : 0);
		const char four[] = {digits[group >> 18], digits[group >> 12 & 63],
		                     (char)(left > 1 ? digits[group >> 6 & 63] : '='),
		                     (char)(left > 2 ? digits[group & 63] : '=')};

		text_add_bytes(text, four, sizeof(four));
	}
}

/* libsodium 1.0.18 takes some bytes over 0x7f for base64 digits, so they are looked for beforehand. */
static bool has_foreign_byte(const char *text, size_t length)
{
	unsigned char all = 0;

	for (size_t i = 0; i < length; i++)
		all |= (unsigned char)text[i];
	return all > 0x7f;
}

long text_base64_decode(const char *text, size_t length, unsigned char *ret_bytes, size_t capacity)
{
	size_t count;

	if (has_foreign_byte(text, length) || sodium_base642bin(ret_bytes, capacity, text, length, NULL, &count, NULL,
	                                                        sodium_base64_VARIANT_ORIGINAL) != 0)
		return -1;
	return (long)count;
}

/* ---- numbers with units ---- */

struct unit {
	const char *name;
	int64_t factor;
};

static const struct unit durations[] = {
    {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1},
};

static const struct unit sizes[] = {
    {"TiB", 1099511627776}, {"GiB", 1073741824}, {"MiB", 1048576}, {"KiB", 1024}, {"", 1},
};

/* Reads digits; *ret_rest is what follows them. */
static int parse_digits(const char *text, int64_t *ret_number, const char **ret_rest)
{
	int64_t number = 0;

	if (*text < '0' || *text > '9')
		return -1;
	for (; *text >= '0' && *text <= '9'; text++) {
		if (__builtin_mul_overflow(number, 10, &number) || __builtin_add_overflow(number, *text - '0', &number))
			return -1;
	}
	*ret_number = number;
	*ret_rest = text;
	return 0;
}

static int parse_with_unit(const char *text, const struct unit *units, size_t count, int64_t *ret_number)
{
	const char *rest;
	int64_t number;

	if (parse_digits(text, &number, &rest) != 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(rest, units[i].name) != 0)
			continue;
		if (__builtin_mul_overflow(number, units[i].factor, &number))
			return -1;
		*ret_number = number;
		return 0;
	}
	return -1;
}

int text_parse_duration(const char *text, int64_t *ret_ms)
{
	if (strcmp(text, "0") == 0) {
		*ret_ms = 0;
		return 0;
	}
	return parse_with_unit(text, durations, sizeof(durations) / sizeof(*durations), ret_ms);
}

int text_parse_size(const char *text, int64_t *ret_bytes)
{
	return parse_with_unit(text, sizes, sizeof(sizes) / sizeof(*sizes), ret_bytes);
}

int text_parse_number(const char *text, int64_t *ret_number)
{
	const bool negative = *text == '-';
	const char *rest;
	int64_t number;

	if (parse_digits(text + negative, &number, &rest) != 0 || *rest != '\0')
		return -1;
	*ret_number = negative ? -number : number;
	return 0;
}

static void format_with_unit(int64_t number, const struct unit *units, size_t count, char *ret_text, size_t size)
{
	size_t i = 0;

	while (i + 1 < count && (number == 0 || number % units[i].factor != 0))
		i++;
	snprintf(ret_text, size, "%lld%s", (long long)(number / units[i].factor), number == 0 ? "" : units[i].name);
}

void text_format_duration(int64_t ms, char *ret_text, size_t size)
{
	format_with_unit(ms, durations, sizeof(durations) / sizeof(*durations), ret_text, size);
}

void text_format_size(int64_t bytes, char *ret_text, size_t size)
{
	format_with_unit(bytes, sizes, sizeof(sizes) / sizeof(*sizes), ret_text, size);
}

/* Puts value's last digits, as many as there are, in front of end. */
static void put_digits(char *end, int digits, int value)
{
	for (; digits > 0; digits--, value /= 10)
		*--end = (char)('0' + value % 10);
}

/* Every line of the log begins with a time. Made by hand it costs a tenth of what strftime and snprintf take. */
void text_format_time(int64_t wall_ms, char *ret_text, size_t size)
{
	const time_t seconds = (time_t)(wall_ms / 1000);
	char text[] = "0000-00-00T00:00:00.000Z";
	struct tm tm;

	gmtime_r(&seconds, &tm);
	put_digits(text + 4, 4, tm.tm_year + 1900);
	put_digits(text + 7, 2, tm.tm_mon + 1);
	put_digits(text + 10, 2, tm.tm_mday);
	put_digits(text + 13, 2, tm.tm_hour);
	put_digits(text + 16, 2, tm.tm_min);
	put_digits(text + 19, 2, tm.tm_sec);
	put_digits(text + 23, 3, (int)(wall_ms % 1000));
	memcpy(ret_text, text, size < sizeof(text) ? size : sizeof(text));
	ret_text[size - 1] = '\0';
}

/* The number of that many digits; what is none counts as 0. */
static int take_digits(const char *text, int digits)
{
	int value = 0;

	for (; digits > 0; digits--, text++)
		value = value * 10 + (*text >= '0' && *text <= '9' ? *text - '0' : 0);
	return value;
}

/* Whether it was one shows by writing it again. */
int text_parse_time(const char *text, int64_t *ret_wall_ms)
{
	char again[32];
	struct tm tm;
	int64_t wall;

	if (strlen(text) != strlen("0000-00-00T00:00:00.000Z"))
		return -1;
	tm = (struct tm){
	    .tm_year = take_digits(text, 4) - 1900,
	    .tm_mon = take_digits(text + 5, 2) - 1,
	    .tm_mday = take_digits(text + 8, 2),
	    .tm_hour = take_digits(text + 11, 2),
	    .tm_min = take_digits(text + 14, 2),
	    .tm_sec = take_digits(text + 17, 2),
	};
	wall = (int64_t)timegm(&tm) * 1000 + take_digits(text + 20, 3);
	if (wall < 0)
		return -1;
	text_format_time(wall, again, sizeof(again));
	if (strcmp(again, text) != 0)
		return -1;
	*ret_wall_ms = wall;
	return 0;
}

void text_slug(const char *source, char *ret_slug, size_t max)
{
	size_t length = 0;

	for (; *source != '\0' && length < max; source++) {
		unsigned char byte = (unsigned char)*source;

		if (byte >= 'A' && byte <= 'Z')
			byte = (unsigned char)(byte - 'A' + 'a');
		if (!is_letter_or_digit(byte))
			byte = '_';
		if ((byte == '_' && (length == 0 || ret_slug[length - 1] == '_')) || (length == 0 && byte <= '9'))
			continue;
		ret_slug[length++] = (char)byte;
	}
	while (length > 0 && ret_slug[length - 1] == '_')
		length--;
	if (length == 0)
		ret_slug[length++] = 'x';
	ret_slug[length] = '\0';
}
