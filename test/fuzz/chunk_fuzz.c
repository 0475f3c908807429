/* The chunked transfer coding: the same body whether it comes at once or byte by byte. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "http/chunk.h"

#define MOST 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct chunk_reader whole, slow;
	struct refusal refusal;
	struct text body, slow_body;
	long used, step = 0;
	size_t done = 0;

	chunk_init(&whole, MOST);
	chunk_init(&slow, MOST);
	text_init(&body, MOST);
	text_init(&slow_body, MOST);
	used = chunk_read(&whole, (const char *)data, size, &body, &refusal);
	while (done < size && step >= 0 && slow.state != CHUNK_DONE) {
		step = chunk_read(&slow, (const char *)data + done, 1, &slow_body, &refusal);
		done += step > 0 ? (size_t)step : 0;
	}
	if ((used < 0) != (step < 0))
		abort();
	if (used >= 0 && (body.length != slow_body.length || strcmp(text_string(&body), text_string(&slow_body)) != 0))
		abort();
	text_release(&body);
	text_release(&slow_body);
	return 0;
}
