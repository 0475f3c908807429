/* A login to one address of a server, gone through by Connector/C on a thread of its own (driver/login.h): keys and
 * TLS that the server chooses make it compute. */
#ifndef DRIVER_MYSQL_LOGIN_H
#define DRIVER_MYSQL_LOGIN_H

#include <mysql.h>

#include "base/error.h"
#include "driver/login.h"
#include "target.h"

struct mysql_entry; /* the work of a maria_login_kind */

extern const struct login_kind maria_login_kind;

/* All is copied. NULL: memory is out. */
struct mysql_entry *maria_entry_new(const struct mysql_target *target, const char *address);
/* Once the login is over: frees the entry. 0 and the connection, whose next wait is somebody else's to see to; or why
 * there is none. */
int maria_entry_take(struct mysql_entry *entry, MYSQL **ret_mysql, struct error *error);

#endif
