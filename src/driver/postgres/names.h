/* What the broker's things on a server are called, and the comments that tell whose they are: the roles of an instance
 * bear its incarnation as a comment, which only a role with CREATEROLE can change, so no tenant can. A database is the
 * instance's when its owner role owns it: its own comment is for people, since the tenant, as its owner, may change
 * that one. Roles without a comment are of an earlier version and are taken by their names. */
#ifndef DRIVER_POSTGRES_NAMES_H
#define DRIVER_POSTGRES_NAMES_H

#define INSTANCE_MAX 55 /* bytes of a database's name: PostgreSQL's 63, less those of the longer suffix */
#define LOGIN_MAX    63
#define READER_END   "_r"
#define RETIRED_END  "_retired"

#define TAG_BEGIN    "tsuru-broker: "
#define TAG_INSTANCE TAG_BEGIN "instance " /* and the incarnation: the owner, the reader, the database */
#define TAG_BIND     TAG_BEGIN "bind of "  /* and the incarnation: a login */
#define TAG_GUEST    TAG_BEGIN "guest of " /* and the database: a role of an operator's that may be a member */
#define TAG_SIZE     64

#endif
