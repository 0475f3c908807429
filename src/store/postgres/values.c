/* What goes with a statement, and what an answer's fields hold: all in PostgreSQL's binary formats. */
#include <string.h>

#include "internal.h"

void operands_bytes(struct operands *operands, const void *bytes, size_t length)
{
	operands->values[operands->count] = bytes;
	operands->lengths[operands->count++] = (int)length;
}

void operands_number(struct operands *operands, uint64_t number)
{
	unsigned char *bytes = operands->numbers[operands->count];

	network_encode(number, bytes);
	operands_bytes(operands, bytes, 8);
}

uint64_t answer_number(const struct pg_journal *journal, const PGresult *result, int column)
{
	return journal->pq.getlength(result, 0, column) == 8 ? network_decode(journal->pq.getvalue(result, 0, column))
	                                                     : 0;
}

bool answer_bytes(const struct pg_journal *journal, const PGresult *result, int column, void *ret_bytes, size_t length)
{
	if (journal->pq.getlength(result, 0, column) != (int)length)
		return false;
	memcpy(ret_bytes, journal->pq.getvalue(result, 0, column), length);
	return true;
}

void answer_text(const struct libpq *pq, const PGresult *result, int row, int column, char *ret_text, size_t size)
{
	const size_t length = (size_t)pq->getlength(result, row, column);
	const char *text = pq->getvalue(result, row, column);
	size_t kept = length < size ? length : size - 1;

	/* Not within a character: the bytes of UTF-8 that are not a character's first one have 10 in front. */
	while (kept < length && kept > 0 && ((unsigned char)text[kept] & 0xc0) == 0x80)
		kept--;
	memcpy(ret_text, text, kept);
	ret_text[kept] = '\0';
}

int answer_refusal(const struct pg_journal *journal, const PGresult *result, struct error *error)
{
	const char *state = journal->pq.resultErrorField(result, PG_DIAG_SQLSTATE);
	const char *text = journal->pq.resultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	int code = ERR_REFUSED;

	if (state != NULL && strncmp(state, "53", 2) == 0)
		code = strcmp(state, "53100") == 0 ? ERR_NO_SPACE : ERR_UNAVAILABLE;
	if (state != NULL && (strncmp(state, "57", 2) == 0 || strcmp(state, "25006") == 0))
		code = ERR_UNAVAILABLE;
	return error_set(error, code, "the store's PostgreSQL refused a statement: %s (%s)",
	                 text != NULL ? text : "it says no reason", state != NULL ? state : "no SQLSTATE");
}
