/* Tombstones of removed instances: their fields. Neighbour: codec.c, which walks the table. */
#include "model/codec.h"
#include "model/model.h"

#define AT(member) .offset = offsetof(struct tombstone, member)

static const struct field fields[] = {
    {"incarnation", 1, FIELD_TEXT, true, AT(incarnation), .min = INCARNATION_LENGTH, .max = INCARNATION_LENGTH},
    {"removal time", 2, FIELD_NUMBER, true, AT(removed_at)},
    {"create's forwarding", 3, FIELD_TEXT, false, AT(made_by), .min = 1, .max = REPEAT_MAX},
    {"removal's forwarding", 4, FIELD_TEXT, false, AT(ended_by), .min = 1, .max = REPEAT_MAX},
    {"create's failure", 5, FIELD_TEXT, false, AT(failure), .max = TEXT_MAX},
    {"failure's code", 6, FIELD_NUMBER, false, AT(failure_code)},
};

const struct schema schema_tombstone = {
    .subject = "tombstone", .fields = fields, .field_count = sizeof(fields) / sizeof(*fields)};

int tombstone_encode(const struct tombstone *tombstone, struct text *record, struct error *error)
{
	return codec_encode(&schema_tombstone, tombstone, record, error);
}

int tombstone_decode(const void *bytes, size_t length, struct tombstone *ret_tombstone, struct error *error)
{
	struct tombstone tombstone = {0};
	int rc = codec_decode(&schema_tombstone, bytes, length, &tombstone, error);

	if (rc == 0)
		*ret_tombstone = tombstone;
	return rc;
}
