/* What Redis's own description of its commands says (COMMAND INFO of 7.0: key specifications and categories), looked at
 * one by one; test_redis.py compares the list with the server's. A command is on it when every key and channel that it
 * can touch is among its arguments, where the ACL sees it, or when it touches none and tells nothing of others. SORT
 * is, for the server itself refuses its BY and GET to logins that may not read every key.
 *
 * A list of what is forbidden was tried first: it had gaps with each version of Redis, and for each module. */
#include "rules.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

/* Commands, also by their subcommands, that keep to the prefix that their login has. */
static const char confined[] =
    "acl|whoami append asking auth bitcount bitfield bitfield_ro bitop bitpos blmove blmpop blpop brpop "
    "brpoplpush bzmpop bzpopmax bzpopmin client|caching client|getname client|getredir client|help "
    "client|id client|info client|no-touch client|reply client|setinfo client|setname client|trackinginfo cluster|info "
    "cluster|keyslot cluster|myid cluster|myshardid cluster|nodes cluster|shards cluster|slots command "
    "decr decrby del discard dump echo exec exists expire expireat expiretime geoadd geodist geohash "
    "geopos georadius georadius_ro georadiusbymember georadiusbymember_ro geosearch geosearchstore get "
    "getbit getdel getex getrange getset hdel hello hexists hexpire hexpireat hexpiretime hget hgetall "
    "hgetdel hgetex hincrby hincrbyfloat hkeys hlen hmget hmset hpersist hpexpire hpexpireat hpexpiretime "
    "hpttl hrandfield hscan hset hsetex hsetnx hstrlen httl hvals incr incrby incrbyfloat lcs lindex "
    "linsert llen lmove lmpop lpop lpos lpush lpushx lrange lrem lset ltrim memory|usage mget mset msetnx "
    "multi object persist pexpire pexpireat pexpiretime pfadd pfcount pfmerge ping psetex psubscribe pttl "
    "publish punsubscribe quit readonly readwrite rename renamenx reset rpop rpoplpush rpush rpushx sadd "
    "scard sdiff sdiffstore set setbit setex setnx setrange sinter sintercard sinterstore sismember "
    "smembers smismember smove sort sort_ro spop spublish srandmember srem sscan ssubscribe strlen "
    "subscribe substr sunion sunionstore sunsubscribe time touch ttl type unlink unsubscribe unwatch wait "
    "waitaof watch xack xadd xautoclaim xclaim xdel xgroup xinfo xlen xpending xrange xread xreadgroup "
    "xrevrange xsetid xtrim zadd zcard zcount zdiff zdiffstore zincrby zinter zintercard zinterstore "
    "zlexcount zmpop zmscore zpopmax zpopmin zrandmember zrange zrangebylex zrangebyscore zrangestore "
    "zrank zrem zremrangebylex zremrangebyrank zremrangebyscore zrevrange zrevrangebylex zrevrangebyscore "
    "zrevrank zscan zscore zunion zunionstore";

/* Categories that have no other commands, but for those that the driver takes away at the end whatever a plan says. */
static const char confined_categories[] =
    "@string @bitmap @hash @list @set @sortedset @stream @hyperloglog @geo @transaction";

/* Why a rule is refused on a shared server; the first that fits is told, the last fits all. */
static const struct {
	const char *names; /* NULL: all */
	const char *reason;
} reasons[] = {
    {"@scripting eval eval_ro evalsha evalsha_ro script function fcall fcall_ro",
     "a script holds the whole server while it runs, and functions are the server's, not the prefix's"},
    {"@all @admin @dangerous @keyspace @read @write @connection @pubsub @fast @slow @blocking",
     "the category has commands that reach beyond the prefix; name the commands"},
    {"keys scan randomkey dbsize flushall flushdb swapdb info client pubsub", "it shows or changes what is others'"},
    {"select move copy", "it reaches other databases, which the broker does not look after"},
    {NULL, "the broker does not know that it keeps to the prefix"},
};

/* What no plan gets, on a dedicated server either: with it a tenant could shut the broker out, or reach other servers.
 * Redis has all of it in @admin, which the driver takes away at the end; here the reason is told. */
static const char administration[] =
    "@admin acl bgrewriteaof bgsave client|kill client|list client|no-evict client|pause client|unblock client|unpause "
    "cluster config debug failover latency migrate module monitor psync replconf replicaof restore-asking role save "
    "shutdown slaveof slowlog sync";

int rules_check_form(const char *name, const char *value, struct error *error)
{
	(void)name;
	if ((value[0] != '+' && value[0] != '-') || value[1] == '\0')
		return error_set(error, ERR_INVALID,
		                 "it must be +command, -command, +command|subcommand, +@category or the like");
	for (const char *c = value + 1; *c != '\0'; c++)
		if (!isalnum((unsigned char)*c) && strchr("@|._-", *c) == NULL)
			return error_set(error, ERR_INVALID, "it holds what no name of a command has");
	return 0;
}

/* ---- what is on a list ---- */

/* Whether the name, or the command that it is a subcommand of, is a word of the list. */
static bool is_on(const char *list, const char *name)
{
	while (*list != '\0') {
		const size_t length = strcspn(list, " ");

		if (strncasecmp(name, list, length) == 0 && (name[length] == '\0' || name[length] == '|'))
			return true;
		list += length + (list[length] == ' ');
	}
	return false;
}

static bool is_confined(const char *name)
{
	return is_on(name[0] == '@' ? confined_categories : confined, name);
}

static const char *reason_for(const char *name)
{
	size_t i = 0;

	while (reasons[i].names != NULL && !is_on(reasons[i].names, name))
		i++;
	return reasons[i].reason;
}

int rules_check(const char *rule, bool dedicated, struct error *error)
{
	const char *name = rule + 1;

	/* What is taken away harms nobody. */
	if (rule[0] == '-' || is_confined(name))
		return 0;
	if (is_on(administration, name) && (dedicated || name[0] != '@'))
		return error_set(error, ERR_INVALID, "\"%s\" is the server's administration, which no plan may give",
		                 rule);
	if (dedicated)
		return 0;
	return error_set(
	    error, ERR_INVALID,
	    "\"%s\" is refused on a shared server: %s; only a plan that is \"dedicated: true\" may have it", rule,
	    reason_for(name));
}
