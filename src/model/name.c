/* Names on a backend: a part that people recognise and a hash that keeps them apart. */
#include <assert.h>
#include <string.h>

#include "base/secret.h"
#include "model/model.h"

#define HASH_BYTES 5
#define HASH_CHARS (2 * HASH_BYTES)
#define NAME_MIN   24 /* the least max: it leaves 13 bytes for the slug */
#define FREED      "tsuru_"

static bool is_reserved(const char *name, const char *const *reserved)
{
	for (; reserved != NULL && *reserved != NULL; reserved++)
		if (strncmp(name, *reserved, strlen(*reserved)) == 0)
			return true;
	return false;
}

/* The slug is for people alone: the hash keeps names apart, with or without something before it. */
static void compose(char *ret_name, const struct name_rule *rule, const char *source, const char *const *parts,
                    size_t count)
{
	size_t length;

	assert(rule->max >= NAME_MIN && rule->max <= BACKEND_NAME_MAX);
	text_slug(source, ret_name, rule->max - HASH_CHARS - 1);
	length = strlen(ret_name);
	strcpy(ret_name + length, "_");
	if (is_reserved(ret_name, rule->reserved)) {
		strcpy(ret_name, FREED);
		text_slug(source, ret_name + strlen(FREED), rule->max - strlen(FREED) - HASH_CHARS - 1);
		length = strlen(ret_name);
	}
	ret_name[length] = '_';
	secret_hash_hex(ret_name + length + 1, HASH_BYTES, parts, count);
}

void name_instance(char *ret_name, const struct name_rule *rule, const char *service, const char *instance,
                   const char *incarnation)
{
	const char *const parts[] = {service, instance, incarnation};

	compose(ret_name, rule, instance, parts, sizeof(parts) / sizeof(*parts));
}

bool same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

bool same_event(const char *a, const char *b)
{
	return a != NULL && a[0] != '\0' && same_text(a, b);
}

bool name_is_ours(const char *name)
{
	const size_t length = strlen(name);

	if (length <= HASH_CHARS + 1)
		return false;
	name += length - HASH_CHARS - 1;
	return name[0] == '_' && strspn(name + 1, "0123456789abcdef") == HASH_CHARS;
}

void name_login(char *ret_name, const struct name_rule *rule, const char *service, const char *instance,
                const char *incarnation, enum bind_kind kind, const char *bind)
{
	const char *const parts[] = {service, instance, incarnation, bind_kind_name(kind), bind};

	compose(ret_name, rule, bind, parts, sizeof(parts) / sizeof(*parts));
}
