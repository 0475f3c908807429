/* Text: a growing buffer with a sticky failure, and the small conversions every floor needs.
 * Neighbours: base/arena.h for text with a request's lifetime. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
	char *bytes; /* NUL-terminated once something was added; NULL before */
	size_t length;
	size_t capacity;
	size_t limit; /* of length, in bytes */
	bool failed;  /* memory or limit ran out: later additions do nothing */
};

/* An empty buffer that may grow to limit bytes. */
void text_init(struct text *text, size_t limit);
void text_release(struct text *text);
/* As text_release, but wipes first. */
void text_wipe(struct text *text);
/* Empties it and clears the failure; the memory stays. */
void text_reset(struct text *text);

void text_add(struct text *text, const char *string);
void text_add_bytes(struct text *text, const void *bytes, size_t length);
void text_add_format(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The string in double quotes with JSON's escapes; invalid UTF-8 becomes U+FFFD. */
void text_add_json(struct text *text, const char *string);
/* Percent-encodes all but RFC 3986's unreserved characters. */
void text_add_percent(struct text *text, const char *string);
/* The content, "" when empty. Borrowed until the next change. */
const char *text_string(const struct text *text);

/* Decodes %XX (and + as a space when plus is set) in place; returns the new length, or -1 for a broken escape or a NUL.
 */
long text_percent_decode(char *bytes, size_t length, bool plus);

/* Standard base64 with padding to bytes; at most capacity. Returns the count or -1. */
long text_base64_decode(const char *text, size_t length, unsigned char *ret_bytes, size_t capacity);

/* Appends bytes as standard base64 with padding. */
void text_add_base64(struct text *text, const void *bytes, size_t length);

/* "250ms", "25s", "2m", "24h", "7d" to milliseconds; 0 or -1. A bare 0 is allowed, no other bare number. */
int text_parse_duration(const char *text, int64_t *ret_ms);
/* "512", "64KiB", "1MiB", "2GiB", "1TiB" to bytes; 0 or -1. */
int text_parse_size(const char *text, int64_t *ret_bytes);
/* A whole decimal number, sign allowed, nothing behind it; 0 or -1. */
int text_parse_number(const char *text, int64_t *ret_number);
/* Milliseconds as the largest whole unit: "25s", "2m", "1500ms". Needs 24 bytes. */
void text_format_duration(int64_t ms, char *ret_text, size_t size);
/* Bytes likewise: "64KiB", "1TiB", "1500". Needs 24 bytes. */
void text_format_size(int64_t bytes, char *ret_text, size_t size);
/* Wall-clock milliseconds as RFC 3339 UTC, "2026-01-31T12:00:00.000Z". Needs 32 bytes. */
void text_format_time(int64_t wall_ms, char *ret_text, size_t size);
/* The same way back, of nothing but what text_format_time writes; 0 or -1. */
int text_parse_time(const char *text, int64_t *ret_wall_ms);

/* Lower-case letters, digits and '_' of source, other runs as one '_', beginning with a letter, at most max bytes
 * before the NUL (ret_slug holds max + 1). Never empty: "x" stands for nothing. */
void text_slug(const char *source, char *ret_slug, size_t max);

/* Whether the bytes are valid UTF-8 without a NUL or, other than tab, LF and CR, a control character. */
bool text_is_clean(const char *bytes, size_t length);
/* Puts '?' in the place of each byte that keeps the string from being clean: what is no text, and what a terminal would
 * obey. */
void text_clean(char *string);

#endif
