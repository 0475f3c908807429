/* One-dimensional arrays as PostgreSQL sends and reads them in its binary format (array_send, array_recv). */
#ifndef STORE_POSTGRES_ARRAY_H
#define STORE_POSTGRES_ARRAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

/* The types of elements, by PostgreSQL's object ids (catalog/pg_type.dat). */
enum array_type { ARRAY_BYTEA = 17, ARRAY_INT8 = 20, ARRAY_TEXT = 25 };

/* Whole numbers in network order, as PostgreSQL has them. */
void network_encode(uint64_t number, unsigned char ret_bytes[8]);
uint64_t network_decode(const void *bytes);

void array_begin(struct text *array, enum array_type type, size_t count);
/* bytes NULL: an SQL NULL. */
void array_add(struct text *array, const void *bytes, size_t length);

/* An array that is read, element by element. */
struct elements {
	const char *bytes;
	size_t length; /* that are left */
	size_t count;  /* of elements that are left */
};

/* False when the bytes are no such array. An array without elements has no dimension. */
bool elements_begin(struct elements *elements, const char *bytes, size_t length, enum array_type type);
/* The next; *ret_bytes NULL for an SQL NULL. False at the end, or when the bytes are cut. */
bool elements_next(struct elements *elements, const char **ret_bytes, size_t *ret_length);

#endif
