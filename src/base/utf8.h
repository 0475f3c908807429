/* Characters of UTF-8 (RFC 3629). */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>

/* The bytes of the character at s (at most left, which is not 0), or 0 when it is not valid UTF-8. */
size_t utf8_length(const unsigned char *s, size_t left);

#endif
