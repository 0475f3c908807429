/* A request's head (request line and header lines) from raw bytes: pure functions, strict where RFC 9110 and 9112
 * leave room, because what two readers read differently is how requests are smuggled. */
#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "http/refusal.h"

#define HEADERS_MAX 256 /* header lines in one head */

/* Where the search for a head's end has got to; zero begins one. Each byte is looked at once. */
struct head_scan {
	size_t offset;  /* bytes seen */
	size_t overlap; /* the last one of them may be a CR whose LF is not here yet: it is looked at again */
	size_t line;    /* where the line under way begins */
	size_t lines;   /* complete ones */
};

struct header {
	const char *name, *value;
};

struct head {
	const char *method; /* one of those served */
	char *target;       /* "/path?query", still encoded */
	struct header *headers;
	size_t header_count;
	const char *host, *authorization, *content_type; /* NULL: absent */
	int64_t content_length;                          /* -1: absent */
	bool chunked, expects_continue, close;
};

/* Goes on over bytes, which begin with the head and have grown to length since the last call. Returns the head's
 * length, its empty line included; 0: more is needed; -1: *ret_refusal. */
long head_scan(struct head_scan *scan, const char *bytes, size_t length, struct refusal *ret_refusal);

/* Takes a whole head apart, in place (bytes are changed, and must outlive head). 0, or -1 and *ret_refusal; head's
 * method and target are then set when they could be read. */
int head_parse(char *bytes, size_t length, size_t lines, struct arena *arena, struct head *head,
               struct refusal *ret_refusal);

#endif
