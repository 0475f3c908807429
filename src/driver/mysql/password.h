/* How the password of a login reaches the server. */
#ifndef DRIVER_MYSQL_PASSWORD_H
#define DRIVER_MYSQL_PASSWORD_H

#include "work.h"

/* Of the row g of mysql.global_priv: the account has one way in, and that has not expired. */
#define ONE_LIVING_WAY_IN                                                                                              \
	"JSON_VALUE(g.Priv, '$.auth_or[0]') IS NULL AND COALESCE(JSON_VALUE(g.Priv, '$.password_last_changed'), 1) "   \
	"<> 0"

/* Asks how, and leaves the answer in work->password_way. The step fails where the password had to go over a network as
 * it is. */
void maria_step_choose_password_way(void *arg);
/* CREATE or ALTER USER for the call's login, as was chosen, with the plan's limits; the account is unlocked after it.
 */
void maria_step_create_account(void *arg);

/* The expression that says whether the server has to see passwords. */
void maria_add_wants_clear(const struct mysql_work *work, struct sql *sql);
/* Whether what goes to the server is for nobody else to read: by TLS, or within the machine. */
bool maria_is_private(const struct mysql_work *work);
/* The sentence for one that wants to see passwords, and has no such way. */
#define CLEAR_AND_OPEN                                                                                                 \
	"%s, and the broker sends none over a network without TLS: set \"tls: true\" for the server \"%s\" and "       \
	"reload"
const char *maria_why_clear(const struct mysql_work *work);

#endif
