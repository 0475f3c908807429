/* A request's head: head_scan finds its end and refuses bytes that have no place in one, head_parse takes it apart.
 * Everything that could make a proxy in front and this server disagree on where a request ends is refused. */
#include "http/head.h"

#include <string.h>
#include <strings.h>

/* RFC 9110, 5.6.2. */
static bool is_token_byte(unsigned char byte)
{
	static const char others[] = "!#$%&'*+-.^_`|~";

	return (byte >= '0' && byte <= '9') || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z') ||
	       (byte != '\0' && strchr(others, byte) != NULL);
}

/* A line's bytes, its CR included and its LF not. */
static bool has_control_byte(const char *line, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		const unsigned char byte = (unsigned char)line[i];

		if (byte >= 0x20 ? byte == 0x7f : byte != '\t' && byte != '\r')
			return true;
	}
	return false;
}

/* What has come of a line: no control byte, and a CR at the most as its last byte. */
static int check_line(const char *line, size_t length, struct refusal *ret_refusal)
{
	const char *carriage_return = memchr(line, '\r', length);

	if (carriage_return != NULL && carriage_return < line + length - 1)
		return refuse(ret_refusal, 400, "a carriage return stands alone in the request's head");
	if (has_control_byte(line, length))
		return refuse(ret_refusal, 400, "the request's head has a control character");
	return 0;
}

/* 1: the empty line. */
static int end_line(struct head_scan *scan, const char *line, size_t length, struct refusal *ret_refusal)
{
	if (length == 0 || line[length - 1] != '\r')
		return refuse(ret_refusal, 400, "a line of the request's head ends without a carriage return");
	if (length == 1 && scan->lines == 0)
		return refuse(ret_refusal, 400, "the request begins with an empty line");
	if (length == 1)
		return 1;
	if (scan->lines++ > HEADERS_MAX)
		return refuse(ret_refusal, 431, "the request has too many headers");
	return 0;
}

long head_scan(struct head_scan *scan, const char *bytes, size_t length, struct refusal *ret_refusal)
{
	while (scan->offset < length) {
		const char *from = bytes + scan->offset - scan->overlap;
		const char *feed = memchr(bytes + scan->offset, '\n', length - scan->offset);
		const size_t known = (size_t)((feed != NULL ? feed : bytes + length) - from);
		int ended = check_line(from, known, ret_refusal);

		if (ended < 0)
			return -1;
		scan->offset = length;
		scan->overlap = 1;
		if (feed == NULL)
			return 0;
		scan->offset = (size_t)(feed - bytes) + 1;
		scan->overlap = 0;
		ended = end_line(scan, bytes + scan->line, (size_t)(feed - bytes) - scan->line, ret_refusal);
		if (ended != 0)
			return ended < 0 ? -1 : (long)scan->offset;
		scan->line = scan->offset;
	}
	return 0;
}

static int parse_method(struct head *head, const char *word, struct refusal *ret_refusal)
{
	static const char *const served[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"};

	for (const char *byte = word; *byte != '\0'; byte++) {
		if (!is_token_byte((unsigned char)*byte))
			return refuse(ret_refusal, 400, "the request's method is not a word");
	}
	head->method = word;
	for (size_t i = 0; i < sizeof(served) / sizeof(served[0]); i++) {
		if (strcmp(word, served[i]) == 0)
			return 0;
	}
	/* No proxy passes it on: what comes behind it on the connection is not read either. */
	if (strcmp(word, "TRACE") == 0)
		return refuse(ret_refusal, 405, "TRACE is not served here");
	return refuse(ret_refusal, 501, "the request's method is not served here");
}

static int parse_version(const char *word, bool *ret_1_1, struct refusal *ret_refusal)
{
	if (strcmp(word, "HTTP/1.1") != 0 && strcmp(word, "HTTP/1.0") != 0) {
		bool other = strlen(word) == 8 && strncmp(word, "HTTP/", 5) == 0 && word[6] == '.';
		return refuse(ret_refusal, other ? 505 : 400, "only HTTP/1.1 and HTTP/1.0 are spoken here");
	}
	*ret_1_1 = word[7] == '1';
	return 0;
}

static int parse_request_line(struct head *head, char *line, bool *ret_1_1, struct refusal *ret_refusal)
{
	char *target = strchr(line, ' ');
	char *version = target != NULL ? strchr(target + 1, ' ') : NULL;

	if (target == NULL || version == NULL || target == line || version == target + 1)
		return refuse(ret_refusal, 400, "the request line is not a method, a path and a version");
	*target++ = '\0';
	*version++ = '\0';
	head->target = target;
	if (parse_version(version, ret_1_1, ret_refusal) < 0)
		return -1;
	return parse_method(head, line, ret_refusal);
}

/* ---- what single headers mean for reading the request; each is called with the header's trimmed value ---- */

static int note_host(struct head *head, const char *value, struct refusal *ret_refusal)
{
	static const char allowed[] = "-._~:[]%!$&'()*+;=";

	if (head->host != NULL)
		return refuse(ret_refusal, 400, "the request has two Host headers");
	for (const char *byte = value; *byte != '\0'; byte++) {
		unsigned char c = (unsigned char)*byte;
		bool plain = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
		if ((!plain && strchr(allowed, c) == NULL) || (c == '.' && byte[1] == '.'))
			return refuse(ret_refusal, 400, "the Host header is no host");
	}
	if (*value == '\0')
		return refuse(ret_refusal, 400, "the Host header is empty");
	head->host = value;
	return 0;
}

static int note_content_length(struct head *head, const char *value, struct refusal *ret_refusal)
{
	int64_t length = 0;

	if (head->content_length >= 0)
		return refuse(ret_refusal, 400, "the request has two Content-Length headers");
	if (*value == '\0')
		return refuse(ret_refusal, 400, "Content-Length is not a number");
	for (; *value != '\0'; value++) {
		if (*value < '0' || *value > '9')
			return refuse(ret_refusal, 400, "Content-Length is not a number");
		if (length > (INT64_MAX - 9) / 10)
			return refuse(ret_refusal, 400, "Content-Length is beyond all bounds");
		length = length * 10 + (*value - '0');
	}
	head->content_length = length;
	return 0;
}

static int note_transfer_encoding(struct head *head, const char *value, struct refusal *ret_refusal)
{
	if (head->chunked)
		return refuse(ret_refusal, 400, "the request has two Transfer-Encoding headers");
	if (strcasecmp(value, "chunked") != 0)
		return refuse(ret_refusal, 501, "of transfer encodings only chunked is read here");
	head->chunked = true;
	return 0;
}

static int note_connection(struct head *head, const char *value, struct refusal *ret_refusal)
{
	static const char between[] = ", \t";

	(void)ret_refusal;
	for (value += strspn(value, between); *value != '\0'; value += strspn(value, between)) {
		size_t length = strcspn(value, between);
		if (length == 5 && strncasecmp(value, "close", 5) == 0)
			head->close = true;
		value += length;
	}
	return 0;
}

static int note_expect(struct head *head, const char *value, struct refusal *ret_refusal)
{
	if (strcasecmp(value, "100-continue") != 0)
		return refuse(ret_refusal, 417, "of expectations only 100-continue is met here");
	head->expects_continue = true;
	return 0;
}

static int note_content_type(struct head *head, const char *value, struct refusal *ret_refusal)
{
	if (head->content_type != NULL)
		return refuse(ret_refusal, 400, "the request has two Content-Type headers");
	head->content_type = value;
	return 0;
}

static int note_authorization(struct head *head, const char *value, struct refusal *ret_refusal)
{
	if (head->authorization != NULL)
		return refuse(ret_refusal, 400, "the request has two Authorization headers");
	head->authorization = value;
	return 0;
}

static int note_header(struct head *head, const struct header *header, size_t name_length, struct refusal *ret_refusal)
{
	static const struct {
		size_t length;
		const char *name;
		int (*note)(struct head *head, const char *value, struct refusal *ret_refusal);
	} known[] = {
	    {4, "Host", note_host},
	    {6, "Expect", note_expect},
	    {10, "Connection", note_connection},
	    {12, "Content-Type", note_content_type},
	    {13, "Authorization", note_authorization},
	    {14, "Content-Length", note_content_length},
	    {17, "Transfer-Encoding", note_transfer_encoding},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].length == name_length && strcasecmp(known[i].name, header->name) == 0)
			return known[i].note(head, header->value, ret_refusal);
	}
	return 0;
}

/* nginx takes a tab beside a value for a part of it, RFC 9110 does not: where a request ends may not hang on that. */
static bool is_framing(const char *name)
{
	return strcasecmp(name, "Content-Length") == 0 || strcasecmp(name, "Transfer-Encoding") == 0;
}

static bool has_tab(const char *from, const char *to)
{
	return memchr(from, '\t', (size_t)(to - from)) != NULL;
}

static int parse_header(struct head *head, char *line, char *end, struct refusal *ret_refusal)
{
	const char *const line_end = end;
	struct header *header = &head->headers[head->header_count];
	char *colon = line;

	while (is_token_byte((unsigned char)*colon))
		colon++;
	if (colon == line || *colon != ':')
		return refuse(ret_refusal, 400, "a header's name is not a word followed by a colon");
	*colon = '\0';
	char *value = colon + 1 + strspn(colon + 1, " \t");
	while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	if ((has_tab(colon + 1, value) || has_tab(end, line_end)) && is_framing(line))
		return refuse(ret_refusal, 400, "the request has a tab beside its length");
	*end = '\0';
	*header = (struct header){line, value};
	head->header_count++;
	return note_header(head, header, (size_t)(colon - line), ret_refusal);
}

static int check_framing(const struct head *head, bool is_1_1, struct refusal *ret_refusal)
{
	if (is_1_1 && head->host == NULL)
		return refuse(ret_refusal, 400, "the request has no Host header");
	if (head->chunked && head->content_length >= 0)
		return refuse(ret_refusal, 400, "the request has both Content-Length and Transfer-Encoding");
	if (head->chunked && !is_1_1)
		return refuse(ret_refusal, 400, "HTTP/1.0 has no Transfer-Encoding");
	return 0;
}

int head_parse(char *bytes, size_t length, size_t lines, struct arena *arena, struct head *head,
               struct refusal *ret_refusal)
{
	char *line = bytes, *last = bytes + length - 2; /* the empty line */
	bool is_1_1 = false;

	*head = (struct head){.content_length = -1};
	head->headers = arena_alloc(arena, lines * sizeof(*head->headers));
	if (head->headers == NULL)
		return refuse(ret_refusal, 503, "memory is short");
	while (line < last) {
		char *end = memchr(line, '\r', (size_t)(last - line));
		*end = '\0';
		int rc = line == bytes ? parse_request_line(head, line, &is_1_1, ret_refusal)
		                       : parse_header(head, line, end, ret_refusal);
		if (rc < 0)
			return -1;
		line = end + 2;
	}
	if (!is_1_1) {
		head->close = true;
		head->expects_continue = false;
	}
	return check_framing(head, is_1_1, ret_refusal);
}
