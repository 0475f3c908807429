/* libpq's functions, found when they are needed first. */
#include "pq/libpq.h"

#include <string.h>

#include "base/library.h"

#define LIBPQ_NAME(name) "PQ" #name,

static const char *const functions[] = {LIBPQ_FUNCTIONS(LIBPQ_NAME) NULL};
static const struct library library = {.file = "libpq.so.5", .package = "libpq5", .functions = functions};

int libpq_load(struct libpq *ret_pq, struct error *error)
{
	return library_load(&library, ret_pq, error);
}

PQconninfoOption *libpq_parse(const struct libpq *pq, const char *url)
{
	if (strncmp(url, "postgres://", 11) != 0 && strncmp(url, "postgresql://", 13) != 0)
		return NULL;
	return pq->conninfoParse(url, NULL);
}
