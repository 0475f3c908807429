/* Lines of an export: what is imported makes a record that is exported as it was, or is refused. The first byte chooses
 * the kind of record; from a damaged record, too, comes an export that is imported again or nothing. */
#include <cjson/cJSON.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/record.h"
#include "model/transfer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_import(enum record_kind kind, const char *bytes, size_t length)
{
	cJSON *json = cJSON_ParseWithLength(bytes, length), *again = NULL;
	struct text record, other;

	text_init(&record, RECORD_MAX);
	text_init(&other, RECORD_MAX);
	if (json != NULL && transfer_import(kind, json, &record, NULL) == 0) {
		if (transfer_export(kind, record.bytes, record.length, &again, NULL) != 0 ||
		    transfer_import(kind, again, &other, NULL) != 0 || record.length != other.length ||
		    memcmp(record.bytes, other.bytes, record.length) != 0)
			abort();
	}
	cJSON_Delete(again);
	cJSON_Delete(json);
	text_release(&other);
	text_release(&record);
}

static void try_export(enum record_kind kind, const char *bytes, size_t length)
{
	struct text record;
	cJSON *json = NULL;

	text_init(&record, RECORD_MAX);
	if (transfer_export(kind, bytes, length, &json, NULL) == 0)
		(void)transfer_import(kind, json, &record, NULL);
	cJSON_Delete(json);
	text_release(&record);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	const enum record_kind kind = (enum record_kind)(data[0] % (RECORD_AUDIT + 1));
	char *copy = malloc(size);

	memcpy(copy, data + 1, size - 1);
	copy[size - 1] = '\0';
	try_import(kind, copy, size - 1);
	try_export(kind, copy, size - 1);
	free(copy);
	return 0;
}
