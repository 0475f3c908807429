/* Request heads: found and taken apart the same whether they come at once or byte by byte. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "http/head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct head_scan whole = {0}, slow = {0};
	struct refusal refusal;
	struct arena arena;
	struct head head = {0};
	char *bytes = malloc(size + 1);
	long length, step = 0;

	memcpy(bytes, data, size);
	bytes[size] = '\0';
	length = head_scan(&whole, bytes, size, &refusal);
	for (size_t i = 1; i <= size && step == 0; i++)
		step = head_scan(&slow, bytes, i, &refusal);
	if (step != length)
		abort();
	arena_init(&arena);
	if (length > 0)
		(void)head_parse(bytes, (size_t)length, whole.lines, &arena, &head, &refusal);
	arena_release(&arena);
	free(bytes);
	return 0;
}
