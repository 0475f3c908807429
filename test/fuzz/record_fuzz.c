/* Records from a damaged store: refused, or decoded into what encodes to a record again. */
#include <stdint.h>
#include <stdlib.h>

#include "model/model.h"
#include "model/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int decoded, int encoded, const struct text *record)
{
	if (decoded == 0 && (encoded != 0 || record->failed))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct instance instance;
	struct bind bind;
	struct operation operation;
	struct tombstone tombstone;
	struct text record;
	int rc;

	text_init(&record, RECORD_MAX);
	rc = instance_decode(data, size, &instance, NULL);
	check(rc, rc == 0 ? instance_encode(&instance, &record, NULL) : 0, &record);
	text_reset(&record);
	rc = bind_decode(data, size, &bind, NULL);
	check(rc, rc == 0 ? bind_encode(&bind, &record, NULL) : 0, &record);
	text_reset(&record);
	rc = operation_decode(data, size, &operation, NULL);
	check(rc, rc == 0 ? operation_encode(&operation, &record, NULL) : 0, &record);
	text_reset(&record);
	rc = tombstone_decode(data, size, &tombstone, NULL);
	check(rc, rc == 0 ? tombstone_encode(&tombstone, &record, NULL) : 0, &record);
	text_release(&record);
	return 0;
}
