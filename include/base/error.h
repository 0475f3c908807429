/* The error every module reports: a code and a whole sentence.
 * The one table in src/base/error.c maps a code to its HTTP status and whether a retry may help. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#define ERROR_TEXT_MAX 512 /* bytes, with the NUL; longer sentences are cut at a character's end */

/* Records keep them: a number is never used for another meaning. */
enum error_code {
	ERR_INVALID = -1, /* the caller's input is wrong; the text names the field, the value and what is allowed */
	ERR_UNAUTHORIZED = -2, /* no or wrong credentials */
	ERR_FORBIDDEN = -3,    /* understood, and not allowed (a limit, a protection) */
	ERR_NOT_FOUND = -4,    /* no such record, path or file */
	ERR_METHOD = -5,       /* the path exists, the method does not */
	ERR_EXISTS = -6,       /* the name is somebody else's */
	ERR_NOT_READY = -7,    /* the instance is still being made; ask again */
	ERR_TOO_LARGE = -8,    /* over a stated limit */
	ERR_STALE = -9,        /* a record changed since it was read; read again and decide again */
	ERR_UNAVAILABLE = -10, /* a server refused, is starting, or closed the connection; may pass */
	ERR_TIMEOUT = -11,     /* no answer in time; may pass */
	ERR_BUSY = -12,        /* a limit on work at once; may pass */
	ERR_NO_SPACE = -13,    /* the disk or the map is full */
	ERR_NO_MEMORY = -14,   /* an allocation failed; may pass */
	ERR_CANCELED = -15,    /* given up because something later made it pointless */
	ERR_REFUSED = -16,     /* the backend said no for good (permission, invalid value) */
	ERR_INTERNAL = -17,    /* a broken promise inside the program or of a library */
	ERR_CORRUPT = -18,     /* a record or a secret cannot be read */
	ERR_MEDIA = -19,       /* a body of a type nobody here reads */
	ERR_LOCKED = -20,      /* somebody else's lock is in the way; tried again without holding a place; may pass */
	ERR_ANSWER = -21,      /* what a server answered cannot be used: nothing that the caller could mend */
};

struct error {
	int code; /* 0 or an enum error_code */
	char text[ERROR_TEXT_MAX];
};

/* Fills error (which may be NULL) with code and the formatted sentence; returns code, so that a failure reads
 * `return error_set(error, ERR_INVALID, ...)`. Arguments may point into error->text itself. Never put a secret in. */
int error_set(struct error *error, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same, from a list. */
int error_set_list(struct error *error, int code, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

/* error_set for a failed allocation. */
int error_no_memory(struct error *error);

/* Clears error to code 0 and an empty text. */
void error_clear(struct error *error);

/* What the table says of a code; an unknown code reads as ERR_INTERNAL. */
int error_http_status(int code);
bool error_may_pass(int code);
const char *error_name(int code); /* "invalid", "not-found", ...: static text */

#endif
