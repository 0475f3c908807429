/* Which bytes are text, and which of it is fit to be shown. */
#include "base/utf8.h"

#include <string.h>

#include "base/text.h"

/* The bounds of a character's second byte, which rule out what is overlong, a surrogate or over U+10FFFF. */
static bool is_second(unsigned char first, unsigned char second)
{
	unsigned char least = 0x80, most = 0xbf;

	if (first == 0xe0)
		least = 0xa0;
	else if (first == 0xed)
		most = 0x9f;
	else if (first == 0xf0)
		least = 0x90;
	else if (first == 0xf4)
		most = 0x8f;
	return second >= least && second <= most;
}

size_t utf8_length(const unsigned char *s, size_t left)
{
	size_t length;

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	length = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (length > left || !is_second(s[0], s[1]))
		return 0;
	for (size_t i = 2; i < length; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	return length;
}

/* Bytes of the clean character at s; 0: it is none. */
static size_t clean_length(const char *bytes, size_t left)
{
	const unsigned char *s = (const unsigned char *)bytes;
	const bool is_control = s[0] == 0x7f || (s[0] < 0x20 && s[0] != '\t' && s[0] != '\n' && s[0] != '\r');

	return is_control ? 0 : utf8_length(s, left);
}

/* What nearly all texts are made of. */
static bool is_printable_ascii(char byte)
{
	return byte >= ' ' && byte < 0x7f; /* whether a char has a sign or not */
}

bool text_is_clean(const char *bytes, size_t length)
{
	for (size_t i = 0, step; i < length; i += step) {
		step = is_printable_ascii(bytes[i]) ? 1 : clean_length(bytes + i, length - i);
		if (step == 0)
			return false;
	}
	return true;
}

void text_clean(char *string)
{
	for (size_t left = strlen(string), step; left > 0; left -= step, string += step) {
		step = clean_length(string, left);
		if (step > 0)
			continue;
		*string = '?';
		step = 1;
	}
}
