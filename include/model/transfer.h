/* Records as JSON objects, for moving a store: a member a field, by the field's name; enums are numbers, bytes base64.
 */
#ifndef MODEL_TRANSFER_H
#define MODEL_TRANSFER_H

#include <stddef.h>

#include "base/error.h"
#include "base/text.h"

struct cJSON;

enum record_kind {
	RECORD_INSTANCE,
	RECORD_BIND,
	RECORD_OPERATION,
	RECORD_TOMBSTONE,
	RECORD_AUDIT,
};

/* *ret_json is the caller's. ERR_CORRUPT for a record that cannot be read, or holds fields that this program does not
 * know: it would lose them. */
int transfer_export(enum record_kind kind, const void *bytes, size_t length, struct cJSON **ret_json,
                    struct error *error);
/* ERR_INVALID for a member that is no field or of another type, and for what makes no record. */
int transfer_import(enum record_kind kind, const struct cJSON *json, struct text *record, struct error *error);

#endif
