/* Operations: their fields, the moves between their states, their ids. Neighbour: codec.c, which walks the table. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "model/codec.h"
#include "model/model.h"

#define OPERATION_ID_TIME 12                        /* hex digits of an id */
#define TIME_MAX          ((UINT64_C(1) << 48) - 1) /* the most ms that 12 hex digits hold: the year 10889 */

#define IS(state) (1u << (state))

/* A kind's name, and what it cannot be without beside what all have. */
static const struct operation_row {
	const char *name;
	bool has_bind, has_unit, has_action;
} kinds[] = {
    [0] = {.name = "unknown"},
    [OPERATION_CREATE] = {.name = "create"},
    [OPERATION_UPDATE] = {.name = "update"},
    [OPERATION_REMOVE] = {.name = "remove"},
    [OPERATION_BIND] = {.name = "bind", .has_bind = true},
    [OPERATION_UNBIND] = {.name = "unbind", .has_bind = true},
    [OPERATION_ROTATE] = {.name = "rotate", .has_bind = true},
    [OPERATION_ALLOW_UNIT] = {.name = "allow-unit", .has_unit = true},
    [OPERATION_DENY_UNIT] = {.name = "deny-unit", .has_unit = true},
    [OPERATION_RESTORE] = {.name = "restore"},
    [OPERATION_ADOPT] = {.name = "adopt"},
    [OPERATION_ACT] = {.name = "action", .has_action = true},
};

static const char *const state_names[] = {
    [OPERATION_PENDING] = "pending", [OPERATION_CLEANING] = "cleaning", [OPERATION_DONE] = "done",
    [OPERATION_FAILED] = "failed",   [OPERATION_CANCELED] = "canceled",
};

/* A finished operation keeps its state. */
static const unsigned int moves[] = {
    [OPERATION_PENDING] = IS(OPERATION_PENDING) | IS(OPERATION_CLEANING) | IS(OPERATION_DONE) | IS(OPERATION_FAILED) |
                          IS(OPERATION_CANCELED),
    [OPERATION_CLEANING] = IS(OPERATION_CLEANING) | IS(OPERATION_FAILED),
    [OPERATION_DONE] = 0,
    [OPERATION_FAILED] = 0,
    [OPERATION_CANCELED] = 0,
};

#define AT(member) .offset = offsetof(struct operation, member)

static const struct field fields[] = {
    {"id", 1, FIELD_TEXT, true, AT(id), .min = OPERATION_ID_LENGTH, .max = OPERATION_ID_LENGTH},
    {"incarnation", 2, FIELD_TEXT, true, AT(incarnation), .min = INCARNATION_LENGTH, .max = INCARNATION_LENGTH},
    {"kind", 3, FIELD_ENUM, true, AT(kind), .max = OPERATION_LAST},
    {"state", 4, FIELD_ENUM, true, AT(state), .max = OPERATION_CANCELED},
    {"bind's kind", 5, FIELD_ENUM, false, AT(bind_kind), .max = BIND_JOB},
    {"bind's name", 6, FIELD_TEXT, false, AT(bind_name), .min = 1, .max = APP_NAME_MAX},
    {"unit", 7, FIELD_TEXT, false, AT(unit), .min = 1, .max = TEXT_MAX},
    {"event", 8, FIELD_TEXT, false, AT(event), .max = TEXT_MAX},
    {"user", 9, FIELD_TEXT, false, AT(user), .max = TEXT_MAX},
    {"request", 10, FIELD_TEXT, false, AT(request), .max = TEXT_MAX},
    {"trace", 11, FIELD_TEXT, false, AT(trace), .max = TEXT_MAX},
    {"error", 12, FIELD_TEXT, false, AT(error), .max = TEXT_MAX},
    {"renew flag", 13, FIELD_FLAG, false, AT(renew)},
    {"told flag", 14, FIELD_FLAG, false, AT(told)},
    {"attempts", 15, FIELD_NUMBER, false, AT(attempts)},
    {"creation time", 16, FIELD_NUMBER, false, AT(created_at)},
    {"end time", 17, FIELD_NUMBER, false, AT(finished_at)},
    {"retention", 18, FIELD_NUMBER, false, AT(retain)},
    {"action", 19, FIELD_TEXT, false, AT(action), .min = 1, .max = ACTION_MAX},
    {"parameters", 20, FIELD_TEXT, false, AT(parameters), .max = PARAMETERS_MAX},
    {"mends flag", 21, FIELD_FLAG, false, AT(mends)},
    {"given-up flag", 22, FIELD_FLAG, false, AT(given_up)},
    {"keep-owner flag", 23, FIELD_FLAG, false, AT(keep_owner)},
    {"forwarding", 24, FIELD_TEXT, false, AT(repeat), .min = 1, .max = REPEAT_MAX},
    {"error's code", 25, FIELD_NUMBER, false, AT(error_code)},
    {"bind's version", 26, FIELD_NUMBER, false, AT(bind_version)},
};

static const struct operation_row *kind_of(enum operation_kind kind)
{
	return &kinds[kind >= OPERATION_CREATE && kind <= OPERATION_LAST ? kind : 0];
}

static const char *find_missing(const void *object)
{
	const struct operation *operation = object;
	const struct operation_row *kind = kind_of(operation->kind);

	if (kind->has_bind && operation->bind_kind == 0)
		return "bind's kind";
	if (kind->has_bind && operation->bind_name == NULL)
		return "bind's name";
	if (kind->has_unit && operation->unit == NULL)
		return "unit";
	return kind->has_action && operation->action == NULL ? "action" : NULL;
}

const struct schema schema_operation = {
    .subject = "operation",
    .fields = fields,
    .field_count = sizeof(fields) / sizeof(*fields),
    .find_missing = find_missing,
};

int operation_encode(const struct operation *operation, struct text *record, struct error *error)
{
	return codec_encode(&schema_operation, operation, record, error);
}

int operation_decode(const void *bytes, size_t length, struct operation *ret_operation, struct error *error)
{
	struct operation operation = {0};
	int rc = codec_decode(&schema_operation, bytes, length, &operation, error);

	if (rc == 0)
		*ret_operation = operation;
	return rc;
}

int operation_move(struct operation *operation, enum operation_state next, struct error *error)
{
	assert(operation->state >= OPERATION_PENDING && operation->state <= OPERATION_CANCELED);
	if ((moves[operation->state] & IS(next)) == 0)
		return error_set(error, ERR_INTERNAL, "the operation \"%s\" cannot go from %s to %s", operation->id,
		                 operation_state_name(operation->state), operation_state_name(next));
	operation->state = next;
	return 0;
}

const char *operation_kind_name(enum operation_kind kind)
{
	return kind_of(kind)->name;
}

const char *operation_state_name(enum operation_state state)
{
	return state >= OPERATION_PENDING && state <= OPERATION_CANCELED ? state_names[state] : "unknown";
}

bool operation_finished(enum operation_state state)
{
	return state == OPERATION_DONE || state == OPERATION_FAILED || state == OPERATION_CANCELED;
}

static void put_hex(uint64_t number, size_t digits, char *ret_digits)
{
	for (; digits > 0; number >>= 4)
		ret_digits[--digits] = "0123456789abcdef"[number & 0xf];
}

/* Each change makes one: snprintf would take 3,000 instructions for it. */
void operation_id(int64_t wall_ms, uint32_t sequence, char *ret_id)
{
	uint64_t ms = wall_ms < 0 ? 0 : (uint64_t)wall_ms;

	if (ms > TIME_MAX)
		ms = TIME_MAX;
	put_hex(ms, OPERATION_ID_TIME, ret_id);
	put_hex(sequence, OPERATION_ID_LENGTH - OPERATION_ID_TIME, ret_id + OPERATION_ID_TIME);
	ret_id[OPERATION_ID_LENGTH] = '\0';
}

int64_t operation_id_time(const char *id)
{
	char digits[OPERATION_ID_TIME + 1] = "";

	memcpy(digits, id, OPERATION_ID_TIME);
	return (int64_t)strtoull(digits, NULL, 16);
}
