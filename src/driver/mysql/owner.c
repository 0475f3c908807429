/* A tenant may change the comment of its own database. So a comment counts only when its second half, a hash over the
 * store's seal, the database's name and the first half, is right: nobody else can make one that says "another
 * instance's", and one that is wrong says nothing. Neither half gives away the incarnation or the seal. (The store's id
 * would not do: it is in the marks, which every login of a PostgreSQL server can read.) */
#include "owner.h"

#include <stdio.h>
#include <string.h>

#include "base/secret.h"

#define HALF_BYTES 8 /* in hex: 16 digits */
#define HALF_SIZE  (2 * HALF_BYTES + 1)
#define LOCK_BYTES 16
#define PREFIX     "tsuru-broker: instance "

static const char *or_empty(const char *text)
{
	return text != NULL ? text : "";
}

static void name_owner(const struct driver_call *call, char ret_id[HALF_SIZE])
{
	const char *const parts[] = {"mysql owner", or_empty(call->seal), or_empty(call->instance->incarnation)};

	secret_hash_hex(ret_id, HALF_BYTES, parts, sizeof(parts) / sizeof(*parts));
}

static void write_proof(const struct driver_call *call, const char *database, const char *id, char ret_proof[HALF_SIZE])
{
	const char *const parts[] = {"mysql proof", or_empty(call->seal), database, id};

	secret_hash_hex(ret_proof, HALF_BYTES, parts, sizeof(parts) / sizeof(*parts));
}

void maria_owner_comment(const struct driver_call *call, const char *database, char ret_comment[OWNER_COMMENT_SIZE])
{
	char id[HALF_SIZE], proof[HALF_SIZE];

	name_owner(call, id);
	write_proof(call, database, id, proof);
	snprintf(ret_comment, OWNER_COMMENT_SIZE, PREFIX "%s %s", id, proof);
}

enum owner maria_owner_of(const struct driver_call *call, const char *database, const char *comment)
{
	char own[OWNER_COMMENT_SIZE], id[HALF_SIZE], proof[HALF_SIZE];

	maria_owner_comment(call, database, own);
	if (comment == NULL || strlen(comment) != strlen(own) || strncmp(comment, PREFIX, strlen(PREFIX)) != 0)
		return OWNER_UNKNOWN;
	if (strcmp(comment, own) == 0)
		return OWNER_SELF;
	memcpy(id, comment + strlen(PREFIX), HALF_SIZE - 1);
	id[HALF_SIZE - 1] = '\0';
	write_proof(call, database, id, proof);
	return strcmp(comment + strlen(PREFIX) + HALF_SIZE, proof) == 0 ? OWNER_OTHER : OWNER_UNKNOWN;
}

void maria_lock_name(const struct driver_call *call, char ret_name[LOCK_NAME_SIZE])
{
	const char *const parts[] = {"mysql lock", or_empty(call->seal), or_empty(call->instance->incarnation),
	                             call->instance->resource};

	memcpy(ret_name, "tsuru-broker ", sizeof("tsuru-broker "));
	secret_hash_hex(ret_name + strlen("tsuru-broker "), LOCK_BYTES, parts, sizeof(parts) / sizeof(*parts));
}
