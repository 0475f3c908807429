/* Secrets of binds, opened where they are needed, into an arena that is wiped. */
#include "life/seal.h"

#include "store/store.h"

int seal_open(const struct keyring *keyring, struct arena *arena, const struct bind *bind, const char *behind,
              const unsigned char *sealed, size_t length, const char **ret_plain, struct error *error)
{
	struct text context;
	char *plain;
	int rc;

	if (length < SECRET_SEAL_OVERHEAD)
		return error_set(error, ERR_CORRUPT, "the bind of \"%s\" has no secret", bind->name);
	plain = arena_alloc(arena, length - SECRET_SEAL_OVERHEAD + 1);
	if (plain == NULL)
		return error_no_memory(error);
	text_init(&context, STORE_KEY_MAX);
	bind_context(bind, &context);
	text_add(&context, behind);
	rc = context.failed ? error_no_memory(error)
	                    : keyring_open(keyring, text_string(&context), sealed, length, plain, error);
	text_release(&context);
	if (rc == 0)
		*ret_plain = plain;
	return rc;
}
