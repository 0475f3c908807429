/* Whose an object on the server is. The roles of an instance bear its incarnation as a comment, which only a role with
 * CREATEROLE can change, so no tenant can. A database is the instance's when its owner role owns it: its own comment is
 * for people, since the tenant, as its owner, may change that one. Roles without a comment are of an earlier version
 * and are taken by their names. */
#ifndef DRIVER_POSTGRES_OWNED_H
#define DRIVER_POSTGRES_OWNED_H

#define OWNED_BEGIN    "tsuru-broker: "
#define OWNED_INSTANCE OWNED_BEGIN "instance " /* and the incarnation: the owner, the reader, the database */
#define OWNED_BIND     OWNED_BEGIN "bind of "  /* and the incarnation: a login */
#define OWNED_GUEST    OWNED_BEGIN "guest of " /* and the database: a role of an operator's that may be a member */
#define OWNED_SIZE     64

struct sql;
struct pg_work;

/* What the tags of the instance's logins end with; "": its roles bear none. */
const char *owned_incarnation(const struct pg_work *work);
/* Ends the step by the next one, or by a failure when a role of the instance's name is another's. */
void owned_check_tags(struct pg_work *work);
/* The comments on the owner and the reader role. */
void owned_add_role_tags(struct sql *sql, const struct pg_work *work);
void owned_add_database_tag(struct sql *sql, const struct pg_work *work);
void owned_add_login_tag(struct sql *sql, const struct pg_work *work, const char *login);

/* Steps of whatever puts a living database away or drops it, behind step_look: fail when what is there is not as the
 * records say. */
void step_require_own_database(void *arg);
void step_require_own_retired(void *arg);

#endif
