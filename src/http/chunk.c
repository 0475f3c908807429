/* The chunked transfer coding: a state for each place a byte can stand in. Strict: CRLF only, digits only, bounded
 * lines; extensions and trailers are skipped unread. */
#include "http/chunk.h"

static const char malformed[] = "the chunked body is malformed";

void chunk_init(struct chunk_reader *reader, int64_t most)
{
	*reader = (struct chunk_reader){.state = CHUNK_SIZE, .most = most};
}

static int hex_digit(char byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	byte = (char)(byte | 0x20);
	return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

static int read_size(struct chunk_reader *reader, char byte, struct refusal *ret_refusal)
{
	int digit = hex_digit(byte);

	if (digit >= 0) {
		reader->remaining = reader->remaining * 16 + digit;
		/* Checked at each digit, so it cannot overflow. */
		if (reader->total + reader->remaining > reader->most)
			return refuse(ret_refusal, 413, "the request's body is over the limit");
		return 0;
	}
	if (reader->line == 1 || (byte != '\r' && byte != ';'))
		return refuse(ret_refusal, 400, malformed);
	reader->state = byte == ';' ? CHUNK_EXTENSION : CHUNK_SIZE_LF;
	return 0;
}

static int read_trailer(struct chunk_reader *reader, char byte, struct refusal *ret_refusal)
{
	if (++reader->trailer > CHUNK_TRAILER_MAX)
		return refuse(ret_refusal, 431, "the request's trailer is over the limit");
	if (byte == '\r') {
		reader->state = CHUNK_TRAILER_LF;
		return 0;
	}
	reader->line++;
	return byte == '\n' || byte == '\0' ? refuse(ret_refusal, 400, malformed) : 0;
}

/* After a line feed: the state that the ended line leads to. */
static void end_line(struct chunk_reader *reader)
{
	if (reader->state == CHUNK_SIZE_LF)
		reader->state = reader->remaining > 0 ? CHUNK_DATA : CHUNK_TRAILER;
	else if (reader->state == CHUNK_TRAILER_LF)
		reader->state = reader->line == 0 ? CHUNK_DONE : CHUNK_TRAILER;
	else
		reader->state = CHUNK_SIZE;
	reader->line = 0;
}

static int read_byte(struct chunk_reader *reader, char byte, struct refusal *ret_refusal)
{
	switch (reader->state) {
	case CHUNK_SIZE:
	case CHUNK_EXTENSION:
		if (++reader->line > CHUNK_LINE_MAX)
			return refuse(ret_refusal, 400, malformed);
		if (reader->state == CHUNK_SIZE)
			return read_size(reader, byte, ret_refusal);
		if (byte == '\r')
			reader->state = CHUNK_SIZE_LF;
		return byte == '\n' || byte == '\0' ? refuse(ret_refusal, 400, malformed) : 0;
	case CHUNK_DATA_CR:
		reader->state = CHUNK_DATA_LF;
		return byte == '\r' ? 0 : refuse(ret_refusal, 400, malformed);
	case CHUNK_TRAILER:
		return read_trailer(reader, byte, ret_refusal);
	case CHUNK_SIZE_LF:
	case CHUNK_DATA_LF:
	case CHUNK_TRAILER_LF:
		end_line(reader);
		return byte == '\n' ? 0 : refuse(ret_refusal, 400, malformed);
	case CHUNK_DATA:
	case CHUNK_DONE:
		break;
	}
	return 0;
}

static size_t read_data(struct chunk_reader *reader, const char *bytes, size_t length, struct text *body)
{
	size_t size = (int64_t)length < reader->remaining ? length : (size_t)reader->remaining;

	text_add_bytes(body, bytes, size);
	reader->remaining -= (int64_t)size;
	reader->total += (int64_t)size;
	if (reader->remaining == 0)
		reader->state = CHUNK_DATA_CR;
	return size;
}

long chunk_read(struct chunk_reader *reader, const char *bytes, size_t length, struct text *body,
                struct refusal *ret_refusal)
{
	size_t used = 0;

	while (used < length && reader->state != CHUNK_DONE) {
		if (reader->state == CHUNK_DATA)
			used += read_data(reader, bytes + used, length - used, body);
		else if (read_byte(reader, bytes[used++], ret_refusal) < 0)
			return -1;
	}
	return (long)used;
}
