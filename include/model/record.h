/* The encoding of records: a version byte, then fields of tag (1 byte), length (4 bytes, little-endian) and bytes.
 * Text fields carry a NUL inside their length, so that a decoded record borrows its strings from the bytes.
 * Unknown tags are skipped: an older program reads a newer record. */
#ifndef MODEL_RECORD_H
#define MODEL_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

#define RECORD_VERSION 1
#define RECORD_MAX     (256 * 1024) /* bytes of one record */

/* Writing: begin, then one call a field; text.failed says at the end whether it all fitted. */
void record_begin(struct text *record);
void record_put_text(struct text *record, uint8_t tag, const char *value); /* NULL writes nothing */
void record_put_bytes(struct text *record, uint8_t tag, const void *bytes, size_t length);
void record_put_number(struct text *record, uint8_t tag, int64_t value); /* 0 writes nothing */

/* Reading. */
struct record_field {
	uint8_t tag;
	const unsigned char *bytes;
	size_t length;
};

struct record_reader {
	const unsigned char *at, *end;
};

/* ERR_CORRUPT for an empty record or a version this program does not know. */
int record_open(struct record_reader *reader, const void *bytes, size_t length, struct error *error);
/* 1 and the field; 0 at the end; ERR_CORRUPT when a length runs over the end. */
int record_next(struct record_reader *reader, struct record_field *ret_field);
/* The field's text, or NULL when it is not a text (no NUL at its end, or one inside). */
const char *record_text(const struct record_field *field);
/* The field's number; false when it is not 8 bytes. */
bool record_number(const struct record_field *field, int64_t *ret_number);

#endif
