/* Instances: their fields, the moves between their states, their names. Neighbour: codec.c, which walks the table. */
#include <assert.h>
#include <string.h>

#include "model/codec.h"
#include "model/model.h"

#define IS(state) (1u << (state))

static const char *const state_names[] = {
    [INSTANCE_CREATING] = "creating", [INSTANCE_READY] = "ready",       [INSTANCE_FAILED] = "failed",
    [INSTANCE_REMOVING] = "removing", [INSTANCE_RETAINED] = "retained", [INSTANCE_REMOVAL_FAILED] = "removal-failed",
};

/* From FAILED a create may be taken up anew. From RETAINED and REMOVAL_FAILED an undelete leads to READY; when it
 * fails, the instance goes back from READY to where it was. */
static const unsigned int moves[] = {
    [INSTANCE_CREATING] = IS(INSTANCE_READY) | IS(INSTANCE_FAILED) | IS(INSTANCE_REMOVING),
    [INSTANCE_READY] = IS(INSTANCE_READY) | IS(INSTANCE_REMOVING) | IS(INSTANCE_RETAINED) | IS(INSTANCE_REMOVAL_FAILED),
    [INSTANCE_FAILED] = IS(INSTANCE_CREATING) | IS(INSTANCE_REMOVING),
    [INSTANCE_REMOVING] = IS(INSTANCE_REMOVING) | IS(INSTANCE_RETAINED) | IS(INSTANCE_REMOVAL_FAILED),
    [INSTANCE_RETAINED] = IS(INSTANCE_READY) | IS(INSTANCE_REMOVING),
    [INSTANCE_REMOVAL_FAILED] = IS(INSTANCE_READY) | IS(INSTANCE_REMOVING),
};

#define AT(member) .offset = offsetof(struct instance, member)

static const struct field fields[] = {
    {"incarnation", 1, FIELD_TEXT, true, AT(incarnation), .min = INCARNATION_LENGTH, .max = INCARNATION_LENGTH},
    {"service", 2, FIELD_TEXT, true, AT(service), .min = 1, .max = TEXT_MAX},
    {"name", 3, FIELD_TEXT, true, AT(name), .min = 1, .max = INSTANCE_NAME_MAX},
    {"team", 4, FIELD_TEXT, false, AT(team), .max = TEXT_MAX},
    {"user", 5, FIELD_TEXT, false, AT(user), .max = TEXT_MAX},
    {"description", 6, FIELD_TEXT, false, AT(description), .max = COMMENT_MAX},
    {"plan", 7, FIELD_TEXT, false, AT(plan), .max = TEXT_MAX},
    {"wanted plan", 8, FIELD_TEXT, true, AT(wanted_plan), .min = 1, .max = TEXT_MAX},
    {"parameters", 9, FIELD_TEXT, false, AT(parameters), .max = PARAMETERS_MAX},
    {"tags", 10, FIELD_TEXT, false, AT(tags), .max = PARAMETERS_MAX},
    {"server", 11, FIELD_TEXT, false, AT(server), .max = TEXT_MAX},
    {"cluster", 12, FIELD_TEXT, false, AT(cluster), .max = TEXT_MAX},
    {"pool", 13, FIELD_TEXT, false, AT(pool), .max = TEXT_MAX},
    {"resource", 14, FIELD_TEXT, true, AT(resource), .min = 1, .max = BACKEND_NAME_MAX},
    {"event", 15, FIELD_TEXT, false, AT(event), .max = TEXT_MAX},
    {"failure", 16, FIELD_TEXT, false, AT(failure), .max = TEXT_MAX},
    {"state", 17, FIELD_ENUM, true, AT(state), .max = INSTANCE_STATE_LAST},
    {"was-bound flag", 18, FIELD_FLAG, false, AT(was_bound)},
    {"update-failed flag", 19, FIELD_FLAG, false, AT(update_failed)},
    {"creation time", 20, FIELD_NUMBER, false, AT(created_at)},
    {"update time", 21, FIELD_NUMBER, false, AT(updated_at)},
    {"end of retention", 22, FIELD_NUMBER, false, AT(retained_until)},
    {"promised removal", 23, FIELD_ENUM, false, AT(removal), .max = REMOVAL_DROP},
    {"promised retention", 24, FIELD_NUMBER, false, AT(retain)},
    {"older flag", 25, FIELD_FLAG, false, AT(older)},
    {"removal time", 26, FIELD_NUMBER, false, AT(removed_at)},
    {"refusal", 27, FIELD_TEXT, false, AT(refusal), .max = TEXT_MAX},
    {"create's forwarding", 28, FIELD_TEXT, false, AT(made_by), .min = 1, .max = REPEAT_MAX},
    {"removal's forwarding", 29, FIELD_TEXT, false, AT(ended_by), .min = 1, .max = REPEAT_MAX},
    {"failure's code", 30, FIELD_NUMBER, false, AT(failure_code)},
};

const struct schema schema_instance = {
    .subject = "instance", .fields = fields, .field_count = sizeof(fields) / sizeof(*fields)};

int instance_encode(const struct instance *instance, struct text *record, struct error *error)
{
	return codec_encode(&schema_instance, instance, record, error);
}

int instance_decode(const void *bytes, size_t length, struct instance *ret_instance, struct error *error)
{
	struct instance instance = {0};
	int rc = codec_decode(&schema_instance, bytes, length, &instance, error);

	if (rc == 0)
		*ret_instance = instance;
	return rc;
}

int instance_move(struct instance *instance, enum instance_state next, struct error *error)
{
	assert(instance->state >= INSTANCE_CREATING && instance->state <= INSTANCE_STATE_LAST);
	if ((moves[instance->state] & IS(next)) == 0)
		return error_set(error, ERR_INTERNAL, "the instance \"%s\" cannot go from %s to %s", instance->name,
		                 instance_state_name(instance->state), instance_state_name(next));
	instance->state = next;
	if (next == INSTANCE_READY)
		instance->removed_at = 0;
	return 0;
}

/* A record of an earlier program does not say when the removal began: its last change is the best that is known. */
int instance_move_to_removal(struct instance *instance, int64_t wall, struct error *error)
{
	const bool again = instance->state == INSTANCE_REMOVING || instance->state == INSTANCE_REMOVAL_FAILED;

	if (instance->removed_at == 0)
		instance->removed_at = again ? instance->updated_at : wall;
	return instance_move(instance, INSTANCE_REMOVING, error);
}

const char *instance_state_name(enum instance_state state)
{
	return state >= INSTANCE_CREATING && state <= INSTANCE_STATE_LAST ? state_names[state] : "unknown";
}

int instance_check_name(const char *name, struct error *error)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	static const char others[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	size_t length = strlen(name);

	if (length < INSTANCE_NAME_MIN || length > INSTANCE_NAME_MAX || strchr(letters, name[0]) == NULL ||
	    strspn(name, others) != length)
		return error_set(
		    error, ERR_INVALID,
		    "the instance's name \"%.*s\" is not allowed: a name is %d to %d letters, digits, - or _, "
		    "the first of them a letter",
		    INSTANCE_NAME_MAX, name, INSTANCE_NAME_MIN, INSTANCE_NAME_MAX);
	if (strcmp(name, "plans") == 0)
		return error_set(error, ERR_INVALID,
		                 "an instance cannot be named \"plans\": its path is that of the plans");
	return 0;
}
