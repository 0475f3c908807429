/* Structured log lines: one line an event, `key=value` or JSON, to one file descriptor.
 * A line is built in a fixed buffer and written with one write(2); what does not fit is cut and marked. Lines of a kind
 * that comes often may be gathered, and then share a write. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_LINE_MAX 4096 /* bytes of one line, newline included; what a pipe takes whole (PIPE_BUF) */

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

/* Lines that wait. Its owner calls log_flush soon after on_first has told that there are some. */
struct log_gather {
	void (*on_first)(void *arg);
	void *arg;
	size_t length;
	char bytes[LOG_LINE_MAX];
};

struct log {
	int fd;               /* borrowed; -1 writes nothing */
	enum log_level level; /* lines below it are dropped */
	bool json;
	struct log_gather *gather; /* borrowed; NULL: no line waits */
};

struct log_line {
	const struct log *log; /* NULL: the level is off, every call is a no-op */
	size_t length;
	size_t fields; /* so far */
	bool cut;
	char bytes[LOG_LINE_MAX];
};

/* Begins a line with time (RFC 3339, UTC, milliseconds), level and event. log may be NULL (nothing is written). */
void log_begin(struct log_line *line, const struct log *log, enum log_level level, const char *event);
/* Adds a field. A NULL or empty text adds nothing. Values are quoted and escaped as the format needs. */
void log_text(struct log_line *line, const char *key, const char *value);
void log_number(struct log_line *line, const char *key, int64_t value);
/* Ends the line and writes it, behind those that wait; a failed write is dropped. */
void log_end(struct log_line *line);
/* A line of one field. */
void log_event(const struct log *log, enum log_level level, const char *event, const char *key, const char *value);
/* Ends the line and lets it wait for log_flush, for the next line that does not wait, or for want of room. */
void log_end_gathered(struct log_line *line);
/* Writes the lines that wait. */
void log_flush(const struct log *log);

/* "debug", "info", "warning", "error" to a level; -1 for anything else. */
int log_level_parse(const char *text);

#endif
