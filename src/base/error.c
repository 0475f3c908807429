/* Errors: the one table of what each code means to clients and to the queue, and the filling of sentences.
 */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct error_row {
	int code;
	const char *name;
	int http_status;
	bool may_pass;
};

static const struct error_row kinds[] = {
    {0, "none", 200, false},
    {ERR_INVALID, "invalid", 400, false},
    {ERR_UNAUTHORIZED, "unauthorized", 401, false},
    {ERR_FORBIDDEN, "forbidden", 403, false},
    {ERR_NOT_FOUND, "not-found", 404, false},
    {ERR_METHOD, "method", 405, false},
    {ERR_EXISTS, "exists", 409, false},
    {ERR_NOT_READY, "not-ready", 412, false},
    {ERR_TOO_LARGE, "too-large", 413, false},
    {ERR_STALE, "stale", 503, true},
    {ERR_UNAVAILABLE, "unavailable", 503, true},
    {ERR_TIMEOUT, "timeout", 503, true},
    {ERR_BUSY, "busy", 503, true},
    {ERR_NO_SPACE, "no-space", 507, true},
    {ERR_NO_MEMORY, "no-memory", 503, true},
    {ERR_CANCELED, "canceled", 503, false},
    {ERR_REFUSED, "refused", 422, false},
    {ERR_INTERNAL, "internal", 500, false},
    {ERR_CORRUPT, "corrupt", 500, false},
    {ERR_MEDIA, "media", 415, false},
    {ERR_LOCKED, "locked", 503, true},
    {ERR_ANSWER, "answer", 502, false},
};

static const struct error_row *find_kind(int code)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (kinds[i].code == code)
			return &kinds[i];
	}
	return find_kind(ERR_INTERNAL);
}

/* Cuts text that filled its buffer before the first byte of a character that did not fit whole. */
static void cut_at_character(char *text, size_t length)
{
	size_t start = length;

	while (start > 0 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
		start--;
	if (start > 0 && (unsigned char)text[start - 1] >= 0xc0)
		text[start - 1] = '\0';
}

int error_set_list(struct error *error, int code, const char *format, va_list arguments)
{
	char text[ERROR_TEXT_MAX];
	int length;

	if (error == NULL)
		return code;
	length = vsnprintf(text, sizeof(text), format, arguments);
	if (length >= (int)sizeof(text))
		cut_at_character(text, sizeof(text) - 1);
	memcpy(error->text, text, strlen(text) + 1);
	error->code = code;
	return code;
}

int error_set(struct error *error, int code, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	error_set_list(error, code, format, arguments);
	va_end(arguments);
	return code;
}

int error_no_memory(struct error *error)
{
	return error_set(error, ERR_NO_MEMORY, "the broker is out of memory");
}

void error_clear(struct error *error)
{
	if (error == NULL)
		return;
	error->code = 0;
	error->text[0] = '\0';
}

int error_http_status(int code)
{
	return find_kind(code)->http_status;
}

bool error_may_pass(int code)
{
	return find_kind(code)->may_pass;
}

const char *error_name(int code)
{
	return find_kind(code)->name;
}
