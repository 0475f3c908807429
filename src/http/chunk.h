/* The chunked transfer coding (RFC 9112, 7.1), decoded from raw bytes as they come. Pure. */
#ifndef HTTP_CHUNK_H
#define HTTP_CHUNK_H

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "http/refusal.h"

#define CHUNK_LINE_MAX    256  /* bytes of a size line with its extensions */
#define CHUNK_TRAILER_MAX 4096 /* bytes of all trailer lines; they are dropped */

enum chunk_state {
	CHUNK_SIZE,      /* a size line's digits */
	CHUNK_EXTENSION, /* the rest of it, skipped */
	CHUNK_SIZE_LF,   /* its line feed */
	CHUNK_DATA,      /* remaining bytes of data */
	CHUNK_DATA_CR,   /* the data's line end */
	CHUNK_DATA_LF,
	CHUNK_TRAILER,    /* a trailer line */
	CHUNK_TRAILER_LF, /* its line feed; an empty line is the end */
	CHUNK_DONE,
};

struct chunk_reader {
	enum chunk_state state;
	size_t line;         /* bytes of the line under way */
	size_t trailer;      /* bytes of all trailer lines */
	int64_t remaining;   /* of the chunk */
	int64_t total, most; /* data so far, and what is allowed */
};

/* most: bytes of data that are allowed. */
void chunk_init(struct chunk_reader *reader, int64_t most);
/* Appends the data in bytes to body; returns how many bytes were used (all of them, unless the body ended), or -1 and
 * *ret_refusal. */
long chunk_read(struct chunk_reader *reader, const char *bytes, size_t length, struct text *body,
                struct refusal *ret_refusal);

#endif
