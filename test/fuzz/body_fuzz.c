/* Bodies, as a form, as JSON and as a query. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "http/body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const types[] = {"application/x-www-form-urlencoded", "application/json"};
	char *bytes = malloc(size + 1);
	struct error error;
	struct arena arena;
	struct body body;

	memcpy(bytes, data, size);
	bytes[size] = '\0';
	for (size_t i = 0; i < 4; i++) {
		const struct body_source source = {
		    .content_type = types[i / 2], .bytes = bytes, .length = size, .known_only = i % 2 == 1};

		arena_init(&arena);
		memset(&body, 0, sizeof(body));
		if (body_parse(&source, &arena, &body, &error) != 0 && error.text[0] == '\0')
			abort();
		arena_release(&arena);
	}
	arena_init(&arena);
	memset(&body, 0, sizeof(body));
	(void)body_parse_query(bytes, &arena, &body.fields, &error);
	arena_release(&arena);
	free(bytes);
	return 0;
}
