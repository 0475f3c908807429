/* Answers of upstream brokers: catalogs, statuses, progress and credentials. The first byte chooses status and verb. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "driver/osb/catalog.h"
#include "driver/osb/credentials.h"
#include "driver/osb/outcome.h"
#include "model/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What becomes a variable must be fit for one. */
static void check(void *arg, const char *name, const char *value)
{
	(void)arg;
	if (template_check_name(name, NULL) != 0 || value == NULL)
		abort();
}

static void try_catalog(const char *text)
{
	struct osb_catalog *catalog;
	struct offer offer;

	if (catalog_parse(text, "s", &catalog, NULL) != 0)
		return;
	if (catalog_find(catalog, "p", &offer, NULL) == 0 && (offer.plan_id == NULL || offer.maximum_polling < 0))
		abort();
	catalog_drop(catalog);
}

static void try_outcome(enum osb_verb verb, int status, const char *text)
{
	struct outcome outcome;

	outcome_read(verb, status, text, &outcome);
	if ((outcome.kind == OUTCOME_FAILED) != (outcome.error.code != 0))
		abort();
	if (outcome.answer != NULL)
		(void)credentials_flatten(outcome.answer, check, NULL, NULL);
	outcome_release(&outcome);
	outcome_read_progress(verb, status, text, &outcome);
	outcome_release(&outcome);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int statuses[] = {200, 201, 202, 204, 302, 400, 404, 409, 410, 422, 500};
	const uint8_t first = size > 0 ? data[0] : 0;
	char *text = calloc(1, size + 1);

	if (size > 1)
		memcpy(text, data + 1, size - 1);
	try_catalog(text);
	try_outcome(first % 4, statuses[first / 4 % 11], text);
	free(text);
	return 0;
}
