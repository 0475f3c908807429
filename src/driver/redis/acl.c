/* Rights are told in the order that Redis applies them: what the plan may change comes in the middle, what it may not
 * at the end. */
#include "acl.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/secret.h"
#include "reply.h"

#define RULES_HASH_BYTES 5
#define RULE_COUNT_MAX   200
#define PATTERN_MAX      160

/* A login of a shared server: commands that name their keys and channels, so that Redis can confine them. Those that
 * look at the whole server are away, and commands of modules, which Redis knows too little of. */
static const char *const shared_rules[] = {
    "+@keyspace",
    "+@string",
    "+@bitmap",
    "+@hash",
    "+@list",
    "+@set",
    "+@sortedset",
    "+@stream",
    "+@hyperloglog",
    "+@geo",
    "+@pubsub",
    "+@transaction",
    "+@connection",
    "+time",
    "+memory|usage",
    "+acl|whoami",
    "+cluster|info",
    "+cluster|keyslot",
    "+cluster|myid",
    "+cluster|nodes",
    "+cluster|shards",
    "+cluster|slots",
    "-@dangerous",
    "-@scripting",
    "-scan",
    "-randomkey",
    "-dbsize",
    "-move",
    "-copy",
    "-pubsub",
    "-client|tracking",
    NULL,
};
static const char *const shared_last[] = {
    "-@admin", "-keys",   "-flushall", "-flushdb",        "-migrate", "-restore",
    "-swapdb", "-select", "+select|0", "-restore-asking", NULL,
};

static const char *const dedicated_rules[] = {"+@all", NULL};
static const char *const dedicated_last[] = {"-@admin", "-migrate", "-restore-asking", NULL};

/* Of a login that only reads, on top of the others. What changes scripts and functions is not all in @write. */
static const char *const reader_last[] = {"-@write", "-publish", "-spublish", "-script", "-function", NULL};

int acl_check_rule(const char *name, const char *value, struct error *error)
{
	static const char *const refused[] = {"+@all", "+@admin", "+@dangerous", NULL};

	(void)name;
	for (size_t i = 0; refused[i] != NULL; i++)
		if (strcasecmp(refused[i], value) == 0)
			return error_set(error, ERR_INVALID, "it may not be \"%s\": name the commands", value);
	if ((value[0] != '+' && value[0] != '-') || value[1] == '\0')
		return error_set(error, ERR_INVALID,
		                 "it must be +command, -command, +command|subcommand, +@category or the like");
	for (const char *c = value + 1; *c != '\0'; c++)
		if (!isalnum((unsigned char)*c) && strchr("@|._-", *c) == NULL)
			return error_set(error, ERR_INVALID, "it holds what no name of a command has");
	return 0;
}

/* ---- rules ---- */

struct rules {
	const char *items[RULE_COUNT_MAX];
	size_t count;
};

static void append(struct rules *rules, const char *const *list)
{
	for (; *list != NULL && rules->count < RULE_COUNT_MAX; list++)
		rules->items[rules->count++] = *list;
}

static void collect(const struct acl *acl, bool read_only, struct rules *ret_rules)
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
	struct rules rules;
	char hex[2 * RULES_HASH_BYTES + 1];

	collect(acl, true, &rules);
	secret_hash_hex(hex, RULES_HASH_BYTES, rules.items, rules.count);
	snprintf(ret_pattern, PATTERN_MAX, "&rules:%s", hex);
}

/* ---- commands ---- */

static void add_rights(struct batch *batch, const struct acl *acl, bool read_only)
{
	char keys[PATTERN_MAX], channels[PATTERN_MAX];
	struct rules rules;

	collect(acl, read_only, &rules);
	format_keys(acl, read_only, keys);
	format_channels(acl, channels);
	batch_format(batch, "%s", keys);
	batch_format(batch, "%s", channels);
	for (size_t i = 0; i < rules.count; i++)
		batch_word(batch, rules.items[i]);
}

/* A selector begins and ends within words. */
static void add_selector(struct batch *batch, const struct acl *acl)
{
	char keys[PATTERN_MAX], channels[PATTERN_MAX];
	struct rules rules;

	collect(acl, true, &rules);
	format_keys(acl, true, keys);
	format_channels(acl, channels);
	batch_format(batch, "(%s", keys);
	batch_format(batch, "%s", channels);
	for (size_t i = 0; i < rules.count; i++)
		batch_format(batch, i + 1 < rules.count ? "%s" : "%s)", rules.items[i]);
}

static void begin_user(struct batch *batch, const char *name)
{
	batch_word(batch, "ACL");
	batch_word(batch, "SETUSER");
	batch_word(batch, name);
}

/* All channels and one more is what Redis does not take: the template of a whole server, which nobody is, has only the
 * mark. */
void acl_add_template(struct batch *batch, const struct acl *acl, const char *name)
{
	char keys[PATTERN_MAX], channels[PATTERN_MAX], mark[PATTERN_MAX];
	struct rules rules;

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

/* The hash travels, not the password. */
static void add_password(struct batch *batch, const char *password)
{
	unsigned char hash[SECRET_SHA256_BYTES];
	char word[2 + 2 * SECRET_SHA256_BYTES] = "#";

	secret_sha256(hash, "", 0, password);
	for (size_t i = 0; i < sizeof(hash); i++)
		snprintf(word + 1 + 2 * i, 3, "%02x", hash[i]);
	batch_format(batch, "%s", word);
}

void acl_add_login(struct batch *batch, const struct acl *acl, const char *login, const char *password, bool read_only)
{
	begin_user(batch, login);
	batch_word(batch, "reset");
	batch_word(batch, "on");
	add_password(batch, password);
	add_rights(batch, acl, read_only);
	batch_end(batch);
}

void acl_add_rules(struct batch *batch, const struct acl *acl, const char *login, bool read_only)
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

static bool has_patterns(const redisReply *user, const char *keys, const char *channels)
{
	return reply_text_is(reply_field(user, "keys"), keys) && reply_text_is(reply_field(user, "channels"), channels);
}

bool acl_template_fits(const redisReply *user, const struct acl *acl)
{
	char keys[PATTERN_MAX], channels[PATTERN_MAX], mark[PATTERN_MAX], both[2 * PATTERN_MAX];

	format_keys(acl, false, keys);
	format_channels(acl, channels);
	format_mark(acl, mark);
	snprintf(both, sizeof(both), acl->dedicated ? "%.0s%s" : "%s %s", channels, mark);
	return reply_list_has(reply_field(user, "flags"), "off") && has_patterns(user, keys, both) &&
	       reply_item(reply_field(user, "passwords"), 0) == NULL;
}

bool acl_login_fits(const redisReply *user, const redisReply *template, const struct acl *acl, bool read_only)
{
	const redisReply *flags = reply_field(user, "flags");
	const redisReply *passwords = reply_field(user, "passwords");
	const redisReply *rights = read_only ? reply_item(reply_field(template, "selectors"), 0) : template;
	char keys[PATTERN_MAX], channels[PATTERN_MAX];

	format_keys(acl, read_only, keys);
	format_channels(acl, channels);
	return reply_list_has(flags, "on") && !reply_list_has(flags, "nopass") && has_patterns(user, keys, channels) &&
	       reply_item(passwords, 0) != NULL && reply_item(passwords, 1) == NULL &&
	       reply_item(reply_field(user, "selectors"), 0) == NULL &&
	       are_equal(reply_field(user, "commands"), reply_field(rights, "commands"));
}
