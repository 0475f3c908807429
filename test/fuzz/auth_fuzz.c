/* Authorization headers: nothing but the right one opens. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/secret.h"
#include "http/auth.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct http_site site = {.path = "/",
	                               .username = "user",
	                               .passwords = &(const char *){"a password that is not guessed"},
	                               .password_count = 1};
	char *header = malloc(size + 1);
	struct arena arena;

	(void)secret_init(NULL);
	memcpy(header, data, size);
	header[size] = '\0';
	arena_init(&arena);
	if (auth_check(&site, header, &arena))
		abort();
	arena_release(&arena);
	free(header);
	return 0;
}
