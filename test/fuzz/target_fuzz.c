/* Request targets: what passes is a path without a way to name another place. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct refusal refusal;
	char *target = malloc(size + 1);
	char *path, *query;

	memcpy(target, data, size);
	target[size] = '\0';
	if (target_parse(target, &path, &query, &refusal) == 0 && (path[0] != '/' || strstr(path, "/../") != NULL))
		abort();
	free(target);
	return 0;
}
