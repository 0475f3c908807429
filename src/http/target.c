/* The request's target. What decodes to a slash, a backslash, a control character or a dot segment is refused instead
 * of interpreted: no proxy in front may have read the path otherwise than this server does. */
#include "http/target.h"

#include <stdbool.h>
#include <string.h>

#include "base/text.h"

static int hex_value(char byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	byte = (char)(byte | 0x20);
	return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* An escape's byte: none that splits a path or ends a text. */
static int check_escape(const char *text, bool in_path, struct refusal *ret_refusal)
{
	const int high = hex_value(text[1]);
	const int low = high < 0 ? -1 : hex_value(text[2]);
	const int decoded = high * 16 + low;

	if (low < 0)
		return refuse(ret_refusal, 400, "the request's path has a broken percent escape");
	if (decoded == 0 || (in_path && (decoded < 0x20 || decoded == 0x7f)))
		return refuse(ret_refusal, 400, "the request's path has an encoded control character");
	if (in_path && (decoded == '/' || decoded == '\\'))
		return refuse(ret_refusal, 400, "the request's path has an encoded slash");
	return 0;
}

/* Every byte is visible ASCII, every escape whole. */
static int check_bytes(const char *text, bool in_path, struct refusal *ret_refusal)
{
	int rc = 0;

	for (; rc == 0 && *text != '\0'; text++) {
		const unsigned char byte = (unsigned char)*text;

		if (byte <= 0x20 || byte >= 0x7f || byte == '#')
			rc = refuse(ret_refusal, 400, "the request's path has a character that must be encoded");
		else if (in_path && byte == '\\')
			rc = refuse(ret_refusal, 400, "the request's path has a backslash");
		else if (byte == '%')
			rc = check_escape(text, in_path, ret_refusal);
	}
	return rc;
}

static bool has_dot_segment(const char *path)
{
	while (*path == '/') {
		const char *end = strchrnul(++path, '/');
		const size_t length = (size_t)(end - path);

		if ((length == 1 && path[0] == '.') || (length == 2 && path[0] == '.' && path[1] == '.'))
			return true;
		path = end;
	}
	return false;
}

int target_parse(char *target, char **ret_path, char **ret_query, struct refusal *ret_refusal)
{
	char *query = strchr(target, '?');

	if (target[0] != '/')
		return refuse(ret_refusal, 400, "the request's target is not a path");
	if (query != NULL) {
		if (check_bytes(query, false, ret_refusal) < 0)
			return -1;
		*query++ = '\0';
	}
	if (check_bytes(target, true, ret_refusal) < 0)
		return -1;
	long length = text_percent_decode(target, strlen(target), false);
	if (length < 0)
		return refuse(ret_refusal, 400, "the request's path cannot be decoded");
	target[length] = '\0';
	if (!text_is_clean(target, (size_t)length))
		return refuse(ret_refusal, 400, "the request's path is not UTF-8");
	if (has_dot_segment(target))
		return refuse(ret_refusal, 400, "the request's path has a segment of dots");
	*ret_path = target;
	*ret_query = query;
	return 0;
}
