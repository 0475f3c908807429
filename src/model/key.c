/* Keys in the store: parts joined by NUL, which no part holds, so that a prefix ends where a part ends. */
#include "model/model.h"

static void add_part(struct text *key, const char *part)
{
	if (key->length > 0)
		text_add_bytes(key, "", 1);
	text_add(key, part);
}

void key_name(struct text *ret_key, const char *service, const char *name)
{
	text_reset(ret_key);
	add_part(ret_key, service);
	add_part(ret_key, name);
}

void key_bind(struct text *ret_key, const char *incarnation, enum bind_kind kind, const char *name)
{
	text_reset(ret_key);
	add_part(ret_key, incarnation);
	add_part(ret_key, bind_kind_name(kind));
	add_part(ret_key, name);
}

void key_operation(struct text *ret_key, const char *incarnation, const char *id)
{
	text_reset(ret_key);
	add_part(ret_key, incarnation);
	add_part(ret_key, id);
}

void key_retained(struct text *ret_key, int64_t until, const char *incarnation)
{
	text_reset(ret_key);
	text_add_format(ret_key, "%0*llx", KEY_RETAINED_TIME, (unsigned long long)until);
	add_part(ret_key, incarnation);
}

void key_incarnation_prefix(struct text *ret_key, const char *incarnation)
{
	text_reset(ret_key);
	add_part(ret_key, incarnation);
	add_part(ret_key, "");
}
