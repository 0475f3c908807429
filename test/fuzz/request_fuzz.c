/* The whole path of a request in one process: bytes on an accepted socket, http, api or admin, broker, store and the
 * scripted driver, until every answer is back. The answers have to be HTTP, and the same whether the bytes come at once
 * or in two pieces. The first byte chooses the listener and where the bytes are split; the rest is what is sent.
 * Neighbours: world.c, where it happens, and answers.c, which reads what comes back. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/answers.h"
#include "fuzz/world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world *world;
	struct answers whole, split;
	size_t piece;

	if (world == NULL)
		world = world_new();
	if (size < 2)
		return 0;
	const bool admin = (data[0] & 1) != 0;

	world_exchange(world, admin, (const char *)data + 1, size - 1, size - 1);
	answers_read(&whole, world_answer(world));
	world_reset(world);
	piece = 1 + (size_t)(data[0] >> 1) * (size - 1) / 128;
	world_exchange(world, admin, (const char *)data + 1, size - 1, piece < size - 1 ? piece : size - 1);
	answers_read(&split, world_answer(world));
	world_reset(world);
	if (!answers_equal(&whole, &split))
		abort();
	return 0;
}
