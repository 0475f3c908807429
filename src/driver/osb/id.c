/* Ids as UUIDs (RFC 9562): version 8 holds 122 bits of a hash, version 4 as many of chance. */
#include "id.h"

#include <stdio.h>

#include "base/secret.h"

#define HASH_BYTES 16

#define HEX_SIZE (2 * HASH_BYTES + 1)

static void format_id(char ret_id[ID_SIZE], char hex[HEX_SIZE], char version)
{
	static const char variants[] = "89ab";

	hex[12] = version;
	hex[16] = variants[hex[16] % 4];
	snprintf(ret_id, ID_SIZE, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

static void hash_id(char ret_id[ID_SIZE], const char *const *parts, size_t count)
{
	char hex[HEX_SIZE];

	secret_hash_hex(hex, HASH_BYTES, parts, count);
	format_id(ret_id, hex, '8');
}

void osb_id_random(char ret_id[ID_SIZE])
{
	char hex[HEX_SIZE];

	secret_random_hex(hex, HASH_BYTES);
	format_id(ret_id, hex, '4');
}

void osb_id_of_instance(char ret_id[ID_SIZE], const struct instance *instance)
{
	const char *const parts[] = {"tsuru-broker instance", instance->service, instance->incarnation};

	hash_id(ret_id, parts, sizeof(parts) / sizeof(*parts));
}

/* The time of the record tells it from an earlier bind of the same app, which counted its versions from 1, too. */
void osb_id_of_binding(char ret_id[ID_SIZE], const struct bind *bind, int64_t version)
{
	char made[24], number[24];
	const char *const parts[] = {
	    "tsuru-broker binding", bind->incarnation, bind_kind_name(bind->kind), bind->name, made, number};

	snprintf(made, sizeof(made), "%lld", (long long)bind->created_at);
	snprintf(number, sizeof(number), "%lld", (long long)version);
	hash_id(ret_id, parts, sizeof(parts) / sizeof(*parts));
}
