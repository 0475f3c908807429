/* cJSON, with a second look at the source. The tree holds its names and values in the order in which they stand there,
 * so one walk through both finds the source of each; where cJSON would change it, it takes the place of the value. */
#include "base/json.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define DIGITS_MAX 15 /* that a double always gives back (DBL_DIG) */

size_t json_count_values(const char *bytes, size_t length)
{
	size_t values = 0;

	for (size_t i = 0; i < length; i++)
		values += bytes[i] == ',' || bytes[i] == '[' || bytes[i] == '{';
	return values;
}

bool json_has_nul(const char *bytes, size_t length)
{
	for (size_t i = 0; i + 6 <= length; i++) {
		if (bytes[i] != '\\')
			continue;
		if (memcmp(bytes + i, "\\u0000", 6) == 0)
			return true;
		i++; /* what is escaped begins no escape */
	}
	return false;
}

/* ---- the source ---- */

/* A name, a text (both with their quotes) or a number. */
struct token {
	const char *bytes;
	size_t length;
};

static bool begins_token(char c)
{
	return c == '"' || c == '-' || isdigit((unsigned char)c);
}

static const char *skip_text(const char *at, const char *end)
{
	for (at++; at < end && *at != '"'; at++)
		at += *at == '\\' && at + 1 < end;
	return at < end ? at + 1 : end;
}

static const char *skip_number(const char *at, const char *end)
{
	while (at < end && *at != '\0' && strchr("+-.0123456789Ee", *at) != NULL)
		at++;
	return at;
}

static struct token next_token(const char **at, const char *end)
{
	struct token token;

	while (*at < end && !begins_token(**at))
		(*at)++;
	token.bytes = *at;
	if (*at < end)
		*at = **at == '"' ? skip_text(*at, end) : skip_number(*at, end);
	token.length = (size_t)(*at - token.bytes);
	return token;
}

/* ---- numbers ---- */

static size_t skip_digits(const char **at, const char *end)
{
	const char *begin = *at;

	while (*at < end && isdigit((unsigned char)**at))
		(*at)++;
	return (size_t)(*at - begin);
}

static bool skip_one_of(const char **at, const char *end, const char *characters)
{
	const bool found = *at < end && strchr(characters, **at) != NULL;

	*at += found;
	return found;
}

bool json_is_number_text(const char *bytes, size_t length)
{
	const char *at = bytes, *end = bytes + length;

	skip_one_of(&at, end, "-");
	if (!skip_one_of(&at, end, "0") && skip_digits(&at, end) == 0)
		return false;
	if (skip_one_of(&at, end, ".") && skip_digits(&at, end) == 0)
		return false;
	if (skip_one_of(&at, end, "eE")) {
		skip_one_of(&at, end, "+-");
		if (skip_digits(&at, end) == 0)
			return false;
	}
	return at == end;
}

/* Digits behind zeros at the beginning, which say nothing. */
static size_t count_significant(struct token token)
{
	size_t count = 0;

	for (size_t i = 0; i < token.length && token.bytes[i] != 'e' && token.bytes[i] != 'E'; i++)
		count += isdigit((unsigned char)token.bytes[i]) && (count > 0 || token.bytes[i] != '0');
	return count;
}

static bool fits_double(struct token token, double value)
{
	const size_t digits = count_significant(token);

	return digits == 0 || (digits <= DIGITS_MAX && isfinite(value) && fabs(value) >= DBL_MIN);
}

/* ---- the walk ---- */

static char *copy(const char *bytes, size_t length)
{
	char *text = cJSON_malloc(length + 1);

	if (text == NULL)
		return NULL;
	memcpy(text, bytes, length);
	text[length] = '\0';
	return text;
}

static bool keep_raw(cJSON *item, struct token token)
{
	char *text = copy(token.bytes, token.length);

	if (text == NULL)
		return false;
	cJSON_free(item->valuestring);
	item->valuestring = text;
	item->type = cJSON_Raw;
	return true;
}

static bool keep_name(cJSON *item, struct token token)
{
	char *text;

	if (!json_has_nul(token.bytes, token.length))
		return true;
	text = copy(token.bytes + 1, token.length - 2);
	if (text == NULL)
		return false;
	cJSON_free(item->string);
	item->string = text;
	return true;
}

static bool keep_value(cJSON *item, const char **at, const char *end)
{
	struct token token;

	if (!cJSON_IsString(item) && !cJSON_IsNumber(item))
		return true;
	token = next_token(at, end);
	if (cJSON_IsString(item))
		return !json_has_nul(token.bytes, token.length) || keep_raw(item, token);
	if (!json_is_number_text(token.bytes, token.length))
		return false;
	return fits_double(token, item->valuedouble) || keep_raw(item, token);
}

/* cJSON takes no more than 1,000 levels. */
static bool keep_all(cJSON *item, const char **at, const char *end)
{
	const bool named = cJSON_IsObject(item);
	cJSON *child;

	if (!named && !cJSON_IsArray(item))
		return keep_value(item, at, end);
	cJSON_ArrayForEach(child, item)
	{
		if ((named && !keep_name(child, next_token(at, end))) || !keep_all(child, at, end))
			return false;
	}
	return true;
}

static bool is_blank(const char *at, const char *end)
{
	while (at < end && strchr(" \t\r\n", *at) != NULL && *at != '\0')
		at++;
	return at == end;
}

struct cJSON *json_parse_value(const char *bytes, size_t length)
{
	const char *end = bytes, *at = bytes;
	cJSON *root = NULL;

	if (length > 0 && memchr(bytes, '\0', length) == NULL) /* cJSON would take one for an end, or for a blank */
		root = cJSON_ParseWithLengthOpts(bytes, length, &end, false);
	if (root != NULL && is_blank(end, bytes + length) && keep_all(root, &at, bytes + length))
		return root;
	cJSON_Delete(root);
	return NULL;
}

/* ---- values ---- */

bool json_is_number(const struct cJSON *item)
{
	return cJSON_IsNumber(item) || (cJSON_IsRaw(item) && item->valuestring[0] != '"');
}

bool json_is_text(const struct cJSON *item)
{
	return cJSON_IsString(item) || (cJSON_IsRaw(item) && item->valuestring[0] == '"');
}

bool json_read_whole(const struct cJSON *item, int64_t *ret_number)
{
	const double exact = 9007199254740992.0; /* 2^53 */
	int64_t number;

	if (cJSON_IsRaw(item))
		return text_parse_number(item->valuestring, ret_number) == 0;
	if (!cJSON_IsNumber(item) || !(item->valuedouble >= -exact && item->valuedouble <= exact))
		return false;
	number = (int64_t)item->valuedouble;
	if ((double)number != item->valuedouble)
		return false;
	*ret_number = number;
	return true;
}

struct cJSON *json_new_whole(int64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)number);
	return cJSON_CreateRaw(text);
}
