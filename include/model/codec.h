/* Writes a structure as a record and reads it again, by a table of its fields. A value that does not fit the table is
 * refused by both, so that nothing is stored that could not be read again. */
#ifndef MODEL_CODEC_H
#define MODEL_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

#define TEXT_MAX    4096        /* bytes of a text without a limit of its own */
#define COMMENT_MAX (16 * 1024) /* bytes of a description */

enum field_type {
	FIELD_TEXT,   /* const char * */
	FIELD_BYTES,  /* const unsigned char *, its size_t at length_offset */
	FIELD_ENUM,   /* an enum from 1 to max; 0 when it is not required */
	FIELD_NUMBER, /* int64_t, not negative */
	FIELD_FLAG,   /* bool */
};

struct field {
	const char *name;
	uint8_t tag; /* never reused for another meaning */
	enum field_type type;
	bool required;
	size_t offset, length_offset; /* in the structure */
	size_t min, max; /* of texts and bytes: their length, without the NUL; of an enum: its last value */
};

struct schema {
	const char *subject; /* "instance" */
	const struct field *fields;
	size_t field_count; /* at most 64 */
	/* What fields demand of each other; NULL: nothing. Returns NULL or the name of the field that is lacking. */
	const char *(*find_missing)(const void *object);
};

extern const struct schema schema_instance, schema_bind, schema_operation, schema_tombstone, schema_audit;

/* ERR_TOO_LARGE for a value over its limit, ERR_INTERNAL for one that is missing or makes no sense, ERR_NO_MEMORY. */
int codec_encode(const struct schema *schema, const void *object, struct text *record, struct error *error);
/* Fills a zeroed object, which then borrows from bytes. ERR_CORRUPT: object is in no defined state. */
int codec_decode(const struct schema *schema, const void *bytes, size_t length, void *object, struct error *error);

#endif
