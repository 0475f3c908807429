/* Binds: their fields, the moves between their states, the names of who is bound. Neighbour: codec.c, which walks the
 * table. */
#include <assert.h>
#include <string.h>

#include "base/secret.h"
#include "model/codec.h"
#include "model/model.h"

#define LOWER          "abcdefghijklmnopqrstuvwxyz"
#define UPPER          "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS         "0123456789"
#define TSURU_NAME_MAX 40   /* bytes of an app's or job's name */
#define SEALED_MAX     1024 /* bytes of a sealed password */

#define IS(state) (1u << (state))

static const char *const kind_names[] = {[BIND_APP] = "app", [BIND_JOB] = "job"};

static const char *const state_names[] = {
    [BIND_BINDING] = "binding", [BIND_BOUND] = "bound", [BIND_UNBINDING] = "unbinding"};

/* BINDING and BOUND go to BINDING again for a retry or a new password, UNBINDING when tsuru takes its unbind back. */
static const unsigned int moves[] = {
    [BIND_BINDING] = IS(BIND_BINDING) | IS(BIND_BOUND) | IS(BIND_UNBINDING),
    [BIND_BOUND] = IS(BIND_BINDING) | IS(BIND_BOUND) | IS(BIND_UNBINDING),
    [BIND_UNBINDING] = IS(BIND_BINDING) | IS(BIND_UNBINDING),
};

#define AT(member) .offset = offsetof(struct bind, member)

static const struct field fields[] = {
    {"incarnation", 1, FIELD_TEXT, true, AT(incarnation), .min = INCARNATION_LENGTH, .max = INCARNATION_LENGTH},
    {"kind", 2, FIELD_ENUM, true, AT(kind), .max = BIND_JOB},
    {"name", 3, FIELD_TEXT, true, AT(name), .min = 1, .max = APP_NAME_MAX},
    {"login", 4, FIELD_TEXT, true, AT(login), .min = 1, .max = BACKEND_NAME_MAX},
    {"secret", 5, FIELD_BYTES, true, AT(secret), .length_offset = offsetof(struct bind, secret_length),
     .min = SECRET_SEAL_OVERHEAD, .max = SEALED_MAX},
    {"parameters", 6, FIELD_TEXT, false, AT(parameters), .max = PARAMETERS_MAX},
    {"user", 7, FIELD_TEXT, false, AT(user), .max = TEXT_MAX},
    {"event", 8, FIELD_TEXT, false, AT(event), .max = TEXT_MAX},
    {"unbind's event", 9, FIELD_TEXT, false, AT(unbind_event), .max = TEXT_MAX},
    {"operation", 10, FIELD_TEXT, false, AT(operation), .min = OPERATION_ID_LENGTH, .max = OPERATION_ID_LENGTH},
    {"state", 11, FIELD_ENUM, true, AT(state), .max = BIND_UNBINDING},
    {"creation time", 12, FIELD_NUMBER, false, AT(created_at)},
    {"update time", 13, FIELD_NUMBER, false, AT(updated_at)},
    {"oldest version", 14, FIELD_NUMBER, false, AT(oldest)},
    {"version", 15, FIELD_NUMBER, false, AT(version)},
    {"kept text", 16, FIELD_BYTES, false, AT(kept), .length_offset = offsetof(struct bind, kept_length),
     .min = SECRET_SEAL_OVERHEAD, .max = KEPT_MAX + SECRET_SEAL_OVERHEAD},
    {"failure", 17, FIELD_TEXT, false, AT(failure), .max = TEXT_MAX},
    {"unbind's time", 18, FIELD_NUMBER, false, AT(ended_at)},
    {"hosts", 19, FIELD_TEXT, false, AT(whereabouts.hosts), .max = ADDRESSES_MAX},
    {"internal hosts", 20, FIELD_TEXT, false, AT(whereabouts.internal_hosts), .max = ADDRESSES_MAX},
    {"pool", 21, FIELD_TEXT, false, AT(whereabouts.pool), .max = TEXT_MAX},
    {"pool's provisioner", 22, FIELD_TEXT, false, AT(whereabouts.pool_provisioner), .max = TEXT_MAX},
    {"cluster", 23, FIELD_TEXT, false, AT(whereabouts.cluster), .max = TEXT_MAX},
    {"cluster's provisioner", 24, FIELD_TEXT, false, AT(whereabouts.cluster_provisioner), .max = TEXT_MAX},
    {"cluster's addresses", 25, FIELD_TEXT, false, AT(whereabouts.cluster_addresses), .max = ADDRESSES_MAX},
    {"sent parameters", 26, FIELD_TEXT, false, AT(sent), .max = SENT_MAX},
    {"forwarding", 27, FIELD_TEXT, false, AT(made_by), .min = 1, .max = REPEAT_MAX},
};

const struct schema schema_bind = {
    .subject = "bind", .fields = fields, .field_count = sizeof(fields) / sizeof(*fields)};

int bind_encode(const struct bind *bind, struct text *record, struct error *error)
{
	return codec_encode(&schema_bind, bind, record, error);
}

int bind_decode(const void *bytes, size_t length, struct bind *ret_bind, struct error *error)
{
	struct bind bind = {0};
	int rc = codec_decode(&schema_bind, bytes, length, &bind, error);

	if (rc == 0)
		*ret_bind = bind;
	return rc;
}

int bind_move(struct bind *bind, enum bind_state next, struct error *error)
{
	assert(bind->state >= BIND_BINDING && bind->state <= BIND_UNBINDING);
	if ((moves[bind->state] & IS(next)) == 0)
		return error_set(error, ERR_INTERNAL, "the bind of \"%s\" cannot go from %s to %s", bind->name,
		                 bind_state_name(bind->state), bind_state_name(next));
	bind->state = next;
	if (next != BIND_UNBINDING)
		bind->ended_at = 0;
	return 0;
}

/* A record of an earlier program does not say when the unbind began: its last change is the best that is known. */
int bind_move_to_end(struct bind *bind, int64_t wall, struct error *error)
{
	if (bind->ended_at == 0)
		bind->ended_at = bind->state == BIND_UNBINDING ? bind->updated_at : wall;
	return bind_move(bind, BIND_UNBINDING, error);
}

const char *bind_sent(const struct bind *bind)
{
	return bind->sent != NULL ? bind->sent : bind->parameters;
}

const char *bind_kind_name(enum bind_kind kind)
{
	return kind == BIND_APP || kind == BIND_JOB ? kind_names[kind] : "unknown";
}

const char *bind_state_name(enum bind_state state)
{
	return state >= BIND_BINDING && state <= BIND_UNBINDING ? state_names[state] : "unknown";
}

int bind_check_name(enum bind_kind kind, const char *name, struct error *error)
{
	size_t length = strlen(name);

	if (length == 0 || length > TSURU_NAME_MAX || strchr(LOWER, name[0]) == NULL ||
	    strspn(name, LOWER DIGITS "-") != length)
		return error_set(error, ERR_INVALID,
		                 "the %s's name \"%.*s\" is not a small letter followed by at most %d small letters, "
		                 "digits or -",
		                 bind_kind_name(kind), APP_NAME_MAX, name, TSURU_NAME_MAX - 1);
	return 0;
}

int bind_check_host(const char *host, struct error *error)
{
	size_t length = strlen(host);

	if (length == 0 || length > APP_NAME_MAX || strspn(host, LOWER UPPER DIGITS ".:_-[]") != length)
		return error_set(error, ERR_INVALID,
		                 "the app's host \"%.*s\" is not a host or host:port of 1 to %d bytes", APP_NAME_MAX,
		                 host, APP_NAME_MAX);
	return 0;
}

bool whereabouts_same(const struct whereabouts *a, const struct whereabouts *b)
{
	return same_text(a->hosts, b->hosts) && same_text(a->internal_hosts, b->internal_hosts) &&
	       same_text(a->pool, b->pool) && same_text(a->pool_provisioner, b->pool_provisioner) &&
	       same_text(a->cluster, b->cluster) && same_text(a->cluster_provisioner, b->cluster_provisioner) &&
	       same_text(a->cluster_addresses, b->cluster_addresses);
}

/* The parts of the record's key, joined by a slash where the key has a NUL, which would end the context. An incarnation
 * and a kind hold no slash, so no two binds have the same context. */
void bind_context(const struct bind *bind, struct text *ret_context)
{
	text_reset(ret_context);
	text_add(ret_context, bind->incarnation);
	text_add(ret_context, "/");
	text_add(ret_context, bind_kind_name(bind->kind));
	text_add(ret_context, "/");
	text_add(ret_context, bind->name);
}
