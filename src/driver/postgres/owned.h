/* Whose an object on the server is. The roles of an instance bear its incarnation as a comment, which only a role with
 * CREATEROLE can change, so no tenant can. A database is the instance's when its owner role owns it: its own comment is
 * for people, since the tenant, as its owner, may change that one. Roles without a comment are of an earlier version
 * and are taken by their names. */
#ifndef DRIVER_POSTGRES_OWNED_H
#define DRIVER_POSTGRES_OWNED_H

#define MARK_BEGIN    "tsuru-broker: "
#define MARK_INSTANCE MARK_BEGIN "instance " /* and the incarnation: the owner, the reader, the database */
#define MARK_BIND     MARK_BEGIN "bind of "  /* and the incarnation: a login */
#define MARK_GUEST    MARK_BEGIN "guest of " /* and the database: a role of an operator's that may be a member */
#define MARK_SIZE     64

struct sql;
struct work;

/* Ends the step by the next one, or by a failure when a role of the instance's name is another's. */
void owned_check_marks(struct work *work);
/* The comments on the owner and the reader role. */
void owned_add_role_marks(struct sql *sql, const struct work *work);
void owned_add_database_mark(struct sql *sql, const struct work *work);
void owned_add_login_mark(struct sql *sql, const struct work *work, const char *login);

/* Steps of whatever puts a living database away or drops it, behind step_look: fail when what is there is not as the
 * records say. */
void step_require_own_database(void *arg);
void step_require_own_retired(void *arg);

#endif
