/* Rules of ACL users, written in the order in which Redis applies them: what the plan may change comes in the middle,
 * what it may not at the end. */
#include "acl.h"

#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "reply.h"

#define RULES_HASH_BYTES 5
#define RULE_COUNT_MAX   200
#define PATTERN_MAX      160
#define PASSWORD_WORD    (2 + 2 * SECRET_SHA256_BYTES)

/* A login of a shared server: commands that name their keys and channels, so that Redis can confine them. Those that
 * look at the whole server are away, and commands of modules, which Redis knows too little of. */
static const char *const shared_rules[] = {
    "+@keyspace",    "+@string",       "+@bitmap",        "+@hash",         "+@list",        "+@set",
    "+@sortedset",   "+@stream",       "+@hyperloglog",   "+@geo",          "+@pubsub",      "+@transaction",
    "+@connection",  "+time",          "+memory|usage",   "+acl|whoami",    "+cluster|info", "+cluster|keyslot",
    "+cluster|myid", "+cluster|nodes", "+cluster|shards", "+cluster|slots", "-@dangerous",   NULL,
};
/* rules.c refuses all of this in a plan; here it is away whatever was taken once. */
static const char *const shared_last[] = {"-@admin", "-@scripting",      "-keys",    "-scan",           "-randomkey",
                                          "-dbsize", "-flushall",        "-flushdb", "-swapdb",         "-move",
                                          "-copy",   "-migrate",         "-restore", "-restore-asking", "-info",
                                          "-pubsub", "-client|tracking", "-select",  "+select|0",       NULL};

static const char *const dedicated_rules[] = {"+@all", NULL};
static const char *const dedicated_last[] = {"-@admin", "-migrate", "-restore-asking", NULL};

/* Of a login that only reads, on top of the others. What changes scripts and functions is not all in @write. */
static const char *const reader_last[] = {"-@write", "-publish", "-spublish", "-script", "-function", NULL};

/* ---- rules ---- */

struct acl_rules {
	const char *items[RULE_COUNT_MAX];
	size_t count;
};

static void append(struct acl_rules *rules, const char *const *list)
{
	for (; *list != NULL && rules->count < RULE_COUNT_MAX; list++)
		rules->items[rules->count++] = *list;
}

static void collect(const struct acl *acl, bool read_only, struct acl_rules *ret_rules)
{
	const struct option *own = options_find(&acl->plan->options, "commands");

	ret_rules->count = 0;
	append(ret_rules, acl->dedicated ? dedicated_rules : shared_rules);
	for (size_t i = 0; own->set && i < own->value.list.count && ret_rules->count < RULE_COUNT_MAX; i++)
		ret_rules->items[ret_rules->count++] = own->value.list.items[i];
	append(ret_rules, acl->dedicated ? dedicated_last : shared_last);
	if (read_only)
		append(ret_rules, reader_last);
}

static void format_keys(const struct acl *acl, bool read_only, char *ret_pattern)
{
	snprintf(ret_pattern, PATTERN_MAX, "%s%s*", read_only ? "%R~" : "~", acl->prefix);
}

static void format_channels(const struct acl *acl, char *ret_pattern)
{
	snprintf(ret_pattern, PATTERN_MAX, "&%s*", acl->prefix);
}

/* A channel of the template that nobody can use, and that tells which rules it was made of. */
static void format_mark(const struct acl *acl, char *ret_pattern)
{
	struct acl_rules rules;
	char hex[2 * RULES_HASH_BYTES + 1];

	collect(acl, true, &rules);
	secret_hash_hex(hex, RULES_HASH_BYTES, rules.items, rules.count);
	snprintf(ret_pattern, PATTERN_MAX, "&rules:%s", hex);
}

/* ---- commands ---- */

static void add_rights(struct redis_batch *batch, const struct acl *acl, bool read_only)
{
	char keys[PATTERN_MAX], channels[PATTERN_MAX];
	struct acl_rules rules;

	collect(acl, read_only, &rules);
	format_keys(acl, read_only, keys);
	format_channels(acl, channels);
	batch_format(batch, "%s", keys);
	batch_format(batch, "%s", channels);
	for (size_t i = 0; i < rules.count; i++)
		batch_word(batch, rules.items[i]);
}

/* A selector begins and ends within words. */
static void add_selector(struct redis_batch *batch, const struct acl *acl)
{
	char keys[PATTERN_MAX], channels[PATTERN_MAX];
	struct acl_rules rules;

	collect(acl, true, &rules);
	format_keys(acl, true, keys);
	format_channels(acl, channels);
	batch_format(batch, "(%s", keys);
	batch_format(batch, "%s", channels);
	for (size_t i = 0; i < rules.count; i++)
		batch_format(batch, i + 1 < rules.count ? "%s" : "%s)", rules.items[i]);
}

static void begin_user(struct redis_batch *batch, const char *name)
{
	batch_word(batch, "ACL");
	batch_word(batch, "SETUSER");
	batch_word(batch, name);
}

/* All channels and one more is what Redis does not take: the template of a whole server, which nobody is, has only the
 * mark. */
void acl_add_template(struct redis_batch *batch, const struct acl *acl, const char *name)
{
	char keys[PATTERN_MAX], channels[PATTERN_MAX], mark[PATTERN_MAX];
	struct acl_rules rules;

	collect(acl, false, &rules);
	format_keys(acl, false, keys);
	format_channels(acl, channels);
	format_mark(acl, mark);
	begin_user(batch, name);
	batch_word(batch, "reset");
	batch_format(batch, "%s", keys);
	if (!acl->dedicated)
		batch_format(batch, "%s", channels);
	batch_format(batch, "%s", mark);
	for (size_t i = 0; i < rules.count; i++)
		batch_word(batch, rules.items[i]);
	add_selector(batch, acl);
	batch_end(batch);
}

/* '#' and the hash. It travels, not the password. */
static void format_password(const char *password, char *ret_word)
{
	unsigned char hash[SECRET_SHA256_BYTES];

	secret_sha256(hash, "", 0, password);
	ret_word[0] = '#';
	for (size_t i = 0; i < sizeof(hash); i++)
		snprintf(ret_word + 1 + 2 * i, 3, "%02x", hash[i]);
}

static void add_password(struct redis_batch *batch, const char *password)
{
	char word[PASSWORD_WORD];

	format_password(password, word);
	batch_format(batch, "%s", word);
}

void acl_add_login(struct redis_batch *batch, const struct acl *acl, const char *login, const char *password,
                   bool read_only)
{
	begin_user(batch, login);
	batch_word(batch, "reset");
	batch_word(batch, "on");
	add_password(batch, password);
	add_rights(batch, acl, read_only);
	batch_end(batch);
}

void acl_add_rules(struct redis_batch *batch, const struct acl *acl, const char *login, bool read_only)
{
	begin_user(batch, login);
	batch_word(batch, "resetkeys");
	batch_word(batch, "resetchannels");
	batch_word(batch, "clearselectors");
	batch_word(batch, "-@all");
	add_rights(batch, acl, read_only);
	batch_end(batch);
}

/* ---- comparing ---- */

static bool are_equal(const redisReply *one, const redisReply *other)
{
	const char *text = reply_text(one);

	return text != NULL && reply_text_is(other, text);
}

static bool have_equal(const redisReply *one, const redisReply *other, const char *field)
{
	return are_equal(reply_field(one, field), reply_field(other, field));
}

static bool have_equal_rights(const redisReply *one, const redisReply *other)
{
	return have_equal(one, other, "keys") && have_equal(one, other, "channels") &&
	       have_equal(one, other, "commands");
}

static bool has_patterns(const redisReply *user, const char *keys, const char *channels)
{
	return reply_text_is(reply_field(user, "keys"), keys) && reply_text_is(reply_field(user, "channels"), channels);
}

bool acl_template_fits(const redisReply *user, const redisReply *probe)
{
	const redisReply *selectors = reply_field(user, "selectors");

	return reply_list_has(reply_field(user, "flags"), "off") &&
	       reply_item(reply_field(user, "passwords"), 0) == NULL && have_equal_rights(user, probe) &&
	       have_equal_rights(reply_item(selectors, 0), reply_item(reply_field(probe, "selectors"), 0)) &&
	       reply_item(selectors, 1) == NULL;
}

static bool is_let_in(const redisReply *user, const char *password)
{
	const redisReply *flags = reply_field(user, "flags"), *passwords = reply_field(user, "passwords");
	char hash[PASSWORD_WORD];

	if (!reply_list_has(flags, "on") || reply_list_has(flags, "nopass") ||
	    reply_list_has(flags, "skip-sanitize-payload"))
		return false;
	if (reply_item(passwords, 0) == NULL || reply_item(passwords, 1) != NULL)
		return false;
	if (password == NULL)
		return true;
	format_password(password, hash);
	return reply_text_is(reply_item(passwords, 0), hash + 1);
}

bool acl_login_fits(const redisReply *user, const redisReply *template, const struct acl *acl, bool read_only,
                    const char *password)
{
	const redisReply *rights = read_only ? reply_item(reply_field(template, "selectors"), 0) : template;
	char keys[PATTERN_MAX], channels[PATTERN_MAX];

	format_keys(acl, read_only, keys);
	format_channels(acl, channels);
	return is_let_in(user, password) && has_patterns(user, keys, channels) &&
	       reply_item(reply_field(user, "selectors"), 0) == NULL && have_equal(user, rights, "commands");
}
