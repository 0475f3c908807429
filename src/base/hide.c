/* Hides the broker from programs that it runs. Such a program has the broker's own user, unless the configuration gives
 * it another, and the kernel would let it read the broker's memory and environment under /proc. */
#include "base/hide.h"

#include <errno.h>
#include <sodium.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/secret.h"

static size_t measure_environment(void)
{
	size_t size = 0;

	for (char **entry = environ; *entry != NULL; entry++)
		size += strlen(*entry) + 1;
	return size;
}

/* Moves all variables to one block, which is never freed. It has guard pages, is locked in memory and left out of core
 * files, as far as the limits of the process allow. */
static int move_environment(struct error *error)
{
	const size_t size = measure_environment();
	char *block = size > 0 ? sodium_malloc(size) : NULL;

	if (size == 0)
		return 0;
	if (block == NULL)
		return error_no_memory(error);
	for (char **entry = environ; *entry != NULL; entry++) {
		const size_t length = strlen(*entry);

		memcpy(block, *entry, length + 1);
		secret_wipe(*entry, length);
		*entry = block;
		block += length + 1;
	}
	return 0;
}

int hide_process(struct error *error)
{
	int rc = secret_init(error);

	if (rc == 0 && prctl(PR_SET_DUMPABLE, 0) != 0)
		rc = error_set(error, ERR_INTERNAL, "the process cannot be made private: %s", strerror(errno));
	return rc == 0 ? move_environment(error) : rc;
}
