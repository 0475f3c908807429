/* Log lines: built in a fixed buffer, escaped for their format, written with one write(2), or with others. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"

#define END_ROOM   32 /* bytes kept free for a quote, the mark of a cut line, the brace and the newline */
#define VALUE_ROOM 32 /* bytes that a field needs besides its key to be begun */

static const char *const level_names[] = {"debug", "info", "warning", "error"};

int log_level_parse(const char *text)
{
	for (int i = 0; i < (int)(sizeof(level_names) / sizeof(*level_names)); i++) {
		if (strcmp(text, level_names[i]) == 0)
			return i;
	}
	return -1;
}

static void put_byte(struct log_line *line, char byte)
{
	if (line->length < LOG_LINE_MAX - END_ROOM)
		line->bytes[line->length++] = byte;
	else
		line->cut = true;
}

static void put_plain(struct log_line *line, const char *text, size_t length)
{
	const size_t room = LOG_LINE_MAX - END_ROOM - line->length;

	line->cut |= length > room;
	if (length > room)
		length = room;
	memcpy(line->bytes + line->length, text, length);
	line->length += length;
}

static void put(struct log_line *line, const char *text)
{
	put_plain(line, text, strlen(text));
}

/* Escapes what would end the value or the line; the same escapes are JSON's. */
static void put_escaped(struct log_line *line, const char *value)
{
	char escape[8];

	for (; *value != '\0' && !line->cut; value++) {
		const unsigned char byte = (unsigned char)*value;

		if (line->length + sizeof(escape) > LOG_LINE_MAX - END_ROOM)
			line->cut = true; /* a cut comes before an escape, never inside one */
		else if (byte == '"' || byte == '\\') {
			put_byte(line, '\\');
			put_byte(line, (char)byte);
		} else if (byte < 0x20 || byte == 0x7f) {
			snprintf(escape, sizeof(escape), "\\u%04x", byte);
			put(line, escape);
		} else {
			put_byte(line, (char)byte);
		}
	}
}

static bool is_plain(const char *value)
{
	for (; *value != '\0'; value++) {
		const unsigned char byte = (unsigned char)*value;

		if (byte > '=' ? byte == '\\' || byte == 0x7f : byte <= '"' ? byte != '!' : byte == '=')
			return false;
	}
	return true;
}

/* False when the rest of the line has no room for the key and a short value. */
static bool put_key(struct log_line *line, const char *key)
{
	const bool json = line->log->json;
	const size_t length = strlen(key);

	if (line->cut || line->length + length + VALUE_ROOM > LOG_LINE_MAX - END_ROOM) {
		line->cut = true;
		return false;
	}
	if (line->fields++ > 0)
		put_byte(line, json ? ',' : ' ');
	if (json)
		put_byte(line, '"');
	put_plain(line, key, length);
	put(line, json ? "\":" : "=");
	return true;
}

void log_text(struct log_line *line, const char *key, const char *value)
{
	bool plain, quoted;
	size_t length;

	if (line->log == NULL || value == NULL || value[0] == '\0' || !put_key(line, key))
		return;
	length = strlen(value);
	plain = is_plain(value);
	quoted = line->log->json || !plain;
	if (quoted)
		put_byte(line, '"');
	if (plain)
		put_plain(line, value, length);
	else
		put_escaped(line, value);
	if (quoted) /* also behind a value that was cut: END_ROOM has kept its place */
		line->bytes[line->length++] = '"';
}

void log_number(struct log_line *line, const char *key, int64_t value)
{
	uint64_t left = value < 0 ? -(uint64_t)value : (uint64_t)value;
	char number[20], *digit = number + sizeof(number);

	if (line->log == NULL || !put_key(line, key))
		return;
	do {
		*--digit = (char)('0' + left % 10);
		left /= 10;
	} while (left > 0);
	if (value < 0)
		put_byte(line, '-');
	put_plain(line, digit, (size_t)(number + sizeof(number) - digit));
}

void log_begin(struct log_line *line, const struct log *log, enum log_level level, const char *event)
{
	struct timespec now;
	char time[32];

	line->log = log != NULL && log->fd >= 0 && level >= log->level ? log : NULL;
	line->length = line->fields = 0;
	line->cut = false;
	if (line->log == NULL)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	text_format_time((int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000, time, sizeof(time));
	put(line, log->json ? "{" : "");
	log_text(line, "time", time);
	log_text(line, "level", level_names[level]);
	log_text(line, "event", event);
}

static void append(struct log_line *line, const char *text)
{
	const size_t length = strlen(text);

	memcpy(line->bytes + line->length, text, length);
	line->length += length;
}

static void finish(struct log_line *line)
{
	if (line->cut)
		append(line, line->log->json ? ",\"cut\":true" : " cut=true");
	append(line, line->log->json ? "}\n" : "\n");
}

void log_end(struct log_line *line)
{
	if (line->log == NULL)
		return;
	finish(line);
	log_flush(line->log);
	(void)!write(line->log->fd, line->bytes, line->length);
}

void log_event(const struct log *log, enum log_level level, const char *event, const char *key, const char *value)
{
	struct log_line line;

	log_begin(&line, log, level, event);
	log_text(&line, key, value);
	log_end(&line);
}

void log_end_gathered(struct log_line *line)
{
	struct log_gather *gather = line->log != NULL ? line->log->gather : NULL;

	if (gather == NULL) {
		log_end(line);
		return;
	}
	finish(line);
	if (gather->length + line->length > sizeof(gather->bytes))
		log_flush(line->log);
	memcpy(gather->bytes + gather->length, line->bytes, line->length);
	gather->length += line->length;
	if (gather->length == line->length)
		gather->on_first(gather->arg);
}

void log_flush(const struct log *log)
{
	struct log_gather *gather = log->gather;

	if (gather == NULL || gather->length == 0)
		return;
	(void)!write(log->fd, gather->bytes, gather->length);
	gather->length = 0;
}
