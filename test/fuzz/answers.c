/* See answers.h. */
#include "fuzz/answers.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct answer {
	int status;
	long length; /* -1: not said */
	bool close, json;
};

static void demand(bool condition, const char *what, const char *at)
{
	if (condition)
		return;
	fprintf(stderr, "the answers have %s at: %.300s\n", what, at);
	abort();
}

/* The line's end; it holds nothing that ends a line for anybody. */
static const char *end_of_line(const char *at)
{
	const char *end = strstr(at, "\r\n");

	demand(end != NULL, "no end of line", at);
	for (const char *byte = at; byte < end; byte++)
		demand((unsigned char)*byte >= 0x20 && *byte != 0x7f, "a control character", at);
	return end;
}

static void read_header(struct answer *answer, const char *line, const char *end)
{
	const size_t name = strcspn(line, ":");
	const char *value = line + name + 2;

	demand(name > 0 && line + name + 1 < end && line[name + 1] == ' ', "a header without a value", line);
	for (size_t i = 0; i < name; i++)
		demand(isalnum((unsigned char)line[i]) || line[i] == '-', "a header that is no word", line);
	if (strncasecmp(line, "Content-Length: ", 16) == 0) {
		demand(answer->length < 0, "two lengths", line);
		answer->length = strtol(value, NULL, 10);
	}
	demand(strncasecmp(line, "Transfer-Encoding:", 18) != 0, "a transfer encoding", line);
	answer->close |= strncasecmp(line, "Connection: close\r", 18) == 0;
	answer->json |= strncasecmp(line, "Content-Type: application/json\r", 31) == 0;
}

static const char *read_head(struct answer *answer, const char *at)
{
	const char *end = end_of_line(at);

	*answer = (struct answer){.length = -1};
	demand(strncmp(at, "HTTP/1.1 ", 9) == 0 && end - at > 13 && at[12] == ' ', "no status line", at);
	answer->status = atoi(at + 9);
	demand(answer->status >= 100 && answer->status <= 599, "an odd status", at);
	for (at = end + 2; strncmp(at, "\r\n", 2) != 0; at = end + 2) {
		end = end_of_line(at);
		read_header(answer, at, end);
	}
	return at + 2;
}

static void check_json(const char *body, size_t length)
{
	cJSON *json = cJSON_ParseWithLength(body, length);

	demand(json != NULL, "a body that is no JSON", body);
	cJSON_Delete(json);
}

/* A HEAD's answer has a length and no body: the next answer, or the end, follows at once. No body of ours begins as an
 * answer does. */
static const char *skip_body(const struct answer *answer, const char *at, const char *end)
{
	if (answer->length <= 0 || at == end || strncmp(at, "HTTP/1.1 ", 9) == 0)
		return at;
	demand(answer->length <= end - at, "a body that is cut short", at);
	if (answer->json)
		check_json(at, (size_t)answer->length);
	return at + answer->length;
}

void answers_read(struct answers *answers, const struct text *bytes)
{
	const char *at = text_string(bytes), *const end = at + bytes->length;
	struct answer answer = {0};

	memset(answers, 0, sizeof(*answers));
	demand(strlen(at) == bytes->length, "a NUL", at);
	while (at < end) {
		demand(!answer.close, "more behind one that closes", at);
		at = read_head(&answer, at);
		if (answer.status == 100)
			continue;
		demand((answer.length < 0) == (answer.status == 204), "no length, or one without a body", at);
		at = skip_body(&answer, at, end);
		demand(answers->count < ANSWERS_MAX, "too many", at);
		answers->statuses[answers->count++] = answer.status;
	}
}

static void show(const struct answers *answers)
{
	for (size_t i = 0; i < answers->count; i++)
		fprintf(stderr, " %d", answers->statuses[i]);
	fputs("\n", stderr);
}

bool answers_equal(const struct answers *one, const struct answers *other)
{
	if (one->count == other->count && memcmp(one->statuses, other->statuses, sizeof(one->statuses)) == 0)
		return true;
	show(one);
	show(other);
	return false;
}
