/* libpq's functions, found when they are needed first. */
#include "pq/libpq.h"

#include "base/library.h"

#define LIBPQ_NAME(name) "PQ" #name,

static const char *const functions[] = {LIBPQ_FUNCTIONS(LIBPQ_NAME) NULL};
static const struct library library = {.file = "libpq.so.5", .package = "libpq5", .functions = functions};

int libpq_load(struct libpq *ret_pq, struct error *error)
{
	return library_load(&library, ret_pq, error);
}
