/* JSON that comes in parts: read as it arrives and told as it is read, so that an answer of any size needs no more
 * memory than its longest text. Strict: nothing that is no JSON is taken for some. */
#ifndef BASE_JSON_STREAM_H
#define BASE_JSON_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

#define JSON_DEPTH_MAX 64                  /* levels of lists and objects; deeper is refused */
#define JSON_TEXT_MAX  ((size_t)64 * 1024) /* bytes of a text that is told; a longer one is told to be there */

enum json_event {
	JSON_OBJECT,
	JSON_OBJECT_END,
	JSON_LIST,
	JSON_LIST_END,
	JSON_NAME,   /* of a member; its value follows */
	JSON_TEXT,   /* decoded; a NUL in it counts as any other byte */
	JSON_NUMBER, /* as it stands there */
	JSON_TRUE,
	JSON_FALSE,
	JSON_NULL,
};

/* text, of a name, a text or a number, is borrowed for the call and has a NUL behind its length bytes; NULL: it is over
 * JSON_TEXT_MAX. False: nothing more is to be read. */
typedef bool json_visit(void *arg, enum json_event event, const char *text, size_t length);

/* What may come next, or what is being read. */
enum json_place {
	JSON_AT_VALUE,      /* a value has to come */
	JSON_AT_FIRST_ITEM, /* behind [: a value, or the end */
	JSON_AT_FIRST_NAME, /* behind {: a name, or the end */
	JSON_AT_NAME,       /* behind a comma in an object */
	JSON_AT_COLON,      /* behind a name */
	JSON_BEHIND_VALUE,  /* a comma, or the end of what holds it */
	JSON_AT_END,        /* the one value is whole */
	JSON_IN_TEXT,       /* also of a name */
	JSON_IN_ESCAPE,     /* behind a backslash */
	JSON_IN_HEX,        /* behind \u */
	JSON_IN_NUMBER,     /* its end is seen by what follows */
	JSON_IN_WORD,       /* true, false, null */
	JSON_AT_LOW,        /* behind the first half of a pair: its backslash */
	JSON_AT_LOW_U,      /* and its u */
	JSON_BROKEN,        /* what came is no JSON, or is not wanted */
};

struct json_stream {
	json_visit *visit;
	void *arg;
	enum json_place place;
	bool is_name;               /* the text that is read is one */
	bool lists[JSON_DEPTH_MAX]; /* what is open, from the outside; false: an object */
	size_t depth;
	struct text token;
	unsigned code, high; /* of an escape; high: the first half of a pair, 0: none */
	int digits;          /* of code, that are still to come */
};

/* arg is borrowed until the release. */
void json_stream_init(struct json_stream *stream, json_visit *visit, void *arg);
void json_stream_release(struct json_stream *stream);
/* Reads on. False from the first byte on that is no JSON or that the visit did not want. */
bool json_stream_read(struct json_stream *stream, const char *bytes, size_t length);
/* Whether one whole value came and nothing behind it. Nothing is read any more. */
bool json_stream_end(struct json_stream *stream);

#endif
