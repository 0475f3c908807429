/* Entries of the audit: their fields. Neighbour: codec.c, which walks the table. */
#include "model/codec.h"
#include "model/model.h"

#define AT(member) .offset = offsetof(struct audit, member)

static const struct field fields[] = {
    {"action", 1, FIELD_TEXT, true, AT(action), .min = 1, .max = TEXT_MAX},
    {"outcome", 2, FIELD_TEXT, true, AT(outcome), .min = 1, .max = TEXT_MAX},
    {"time", 3, FIELD_NUMBER, false, AT(at)},
    {"user", 4, FIELD_TEXT, false, AT(user), .max = TEXT_MAX},
    {"event", 5, FIELD_TEXT, false, AT(event), .max = TEXT_MAX},
    {"request", 6, FIELD_TEXT, false, AT(request), .max = TEXT_MAX},
    {"service", 7, FIELD_TEXT, false, AT(service), .max = TEXT_MAX},
    {"instance", 8, FIELD_TEXT, false, AT(instance), .max = INSTANCE_NAME_MAX},
    {"incarnation", 9, FIELD_TEXT, false, AT(incarnation), .max = INCARNATION_LENGTH},
    {"bind", 10, FIELD_TEXT, false, AT(bind), .max = APP_NAME_MAX},
    {"text", 11, FIELD_TEXT, false, AT(text), .max = TEXT_MAX},
    {"asked time", 12, FIELD_NUMBER, false, AT(asked_at)},
};

const struct schema schema_audit = {
    .subject = "audit entry", .fields = fields, .field_count = sizeof(fields) / sizeof(*fields)};

int audit_encode(const struct audit *audit, struct text *record, struct error *error)
{
	return codec_encode(&schema_audit, audit, record, error);
}

int audit_decode(const void *bytes, size_t length, struct audit *ret_audit, struct error *error)
{
	struct audit audit = {0};
	int rc = codec_decode(&schema_audit, bytes, length, &audit, error);

	if (rc == 0)
		*ret_audit = audit;
	return rc;
}
