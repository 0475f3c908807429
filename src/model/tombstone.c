/* Tombstones of removed instances: their fields. Neighbour: codec.c, which walks the table. */
#include "model/codec.h"
#include "model/model.h"

#define AT(member) .offset = offsetof(struct tombstone, member)

static const struct field fields[] = {
    {"incarnation", 1, FIELD_TEXT, true, AT(incarnation), .min = INCARNATION_LENGTH, .max = INCARNATION_LENGTH},
    {"removal time", 2, FIELD_NUMBER, true, AT(removed_at)},
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
