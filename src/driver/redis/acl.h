/* ACL users: the commands that make them, and whether what the server has of them is what it should be. The template is
 * the instance's locked user: its own rules are those of a login, its selector those of a login that only reads.
 * Redis's ACL rules: https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/ */
#ifndef DRIVER_REDIS_ACL_H
#define DRIVER_REDIS_ACL_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stddef.h>

#include "command.h"
#include "model/service.h"

#define ACL_INSTANCE "instance:" /* how the names of templates begin */
#define ACL_RETIRED  "retired:"  /* and of those that are locked away */

/* What the rules of an instance depend on. */
struct acl {
	const char *prefix;      /* of keys and channels; "" for a whole server */
	const struct plan *plan; /* its commands */
	bool dedicated;
};

/* The template under that name, made or brought to what it should be. */
void acl_add_template(struct redis_batch *batch, const struct acl *acl, const char *name);
/* The login, with only this password. */
void acl_add_login(struct redis_batch *batch, const struct acl *acl, const char *login, const char *password,
                   bool read_only);
/* The rules of a login that is there; its passwords stay, and whether it is on. */
void acl_add_rules(struct redis_batch *batch, const struct acl *acl, const char *login, bool read_only);

/* user, an answer of ACL GETUSER: is it as acl_add_template has just made the probe? */
bool acl_template_fits(const redisReply *user, const redisReply *probe);
/* Is it on, with this one password (NULL: any one), and with the rights that the template, or its probe, tells? */
bool acl_login_fits(const redisReply *user, const redisReply *template, const struct acl *acl, bool read_only,
                    const char *password);

#endif
