/* Arrays in PostgreSQL's binary format: dimensions, whether there are NULLs, the elements' type, then size and lower
 * bound of the one dimension, and each element behind its length. */
#include "array.h"

#include <arpa/inet.h>
#include <endian.h>
#include <string.h>

#define WORD sizeof(uint32_t)

void network_encode(uint64_t number, unsigned char ret_bytes[8])
{
	const uint64_t big = htobe64(number);

	memcpy(ret_bytes, &big, sizeof(big));
}

uint64_t network_decode(const void *bytes)
{
	uint64_t big;

	memcpy(&big, bytes, sizeof(big));
	return be64toh(big);
}

static void add_word(struct text *array, uint32_t word)
{
	const uint32_t big = htonl(word);

	text_add_bytes(array, &big, sizeof(big));
}

void array_begin(struct text *array, enum array_type type, size_t count)
{
	add_word(array, 1);
	add_word(array, 1);
	add_word(array, (uint32_t)type);
	add_word(array, (uint32_t)count);
	add_word(array, 1);
}

void array_add(struct text *array, const void *bytes, size_t length)
{
	add_word(array, bytes == NULL ? UINT32_MAX : (uint32_t)length);
	if (bytes != NULL && length > 0)
		text_add_bytes(array, bytes, length);
}

/* ---- reading ---- */

static bool take_word(struct elements *elements, uint32_t *ret_word)
{
	uint32_t big;

	if (elements->length < WORD)
		return false;
	memcpy(&big, elements->bytes, WORD);
	elements->bytes += WORD;
	elements->length -= WORD;
	*ret_word = ntohl(big);
	return true;
}

bool elements_begin(struct elements *elements, const char *bytes, size_t length, enum array_type type)
{
	uint32_t dimensions, nulls, found, count, bound;

	*elements = (struct elements){.bytes = bytes, .length = length};
	if (!take_word(elements, &dimensions) || !take_word(elements, &nulls) || !take_word(elements, &found))
		return false;
	if (dimensions == 0)
		return true;
	if (dimensions != 1 || found != (uint32_t)type)
		return false;
	if (!take_word(elements, &count) || !take_word(elements, &bound))
		return false;
	elements->count = count;
	return true;
}

bool elements_next(struct elements *elements, const char **ret_bytes, size_t *ret_length)
{
	uint32_t length;

	if (elements->count == 0 || !take_word(elements, &length))
		return false;
	elements->count--;
	if (length == UINT32_MAX) {
		*ret_bytes = NULL;
		*ret_length = 0;
		return true;
	}
	if (length > elements->length)
		return false;
	*ret_bytes = elements->bytes;
	*ret_length = length;
	elements->bytes += length;
	elements->length -= length;
	return true;
}
