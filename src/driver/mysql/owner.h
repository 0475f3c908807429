/* Whose a database is: on MariaDB its comment names the instance that made it. */
#ifndef DRIVER_MYSQL_OWNER_H
#define DRIVER_MYSQL_OWNER_H

#include "driver/driver.h"

#define OWNER_COMMENT_SIZE 80
#define LOCK_NAME_SIZE     48

enum owner {
	OWNER_UNKNOWN, /* no comment of the broker's, or one that a tenant made up */
	OWNER_SELF,    /* the call's instance */
	OWNER_OTHER,   /* another instance of the same store */
};

/* The comment that the call's instance gives its database of that name. */
void maria_owner_comment(const struct driver_call *call, const char *database, char ret_comment[OWNER_COMMENT_SIZE]);
/* What a database's comment says of it; NULL or "": none. */
enum owner maria_owner_of(const struct driver_call *call, const char *database, const char *comment);
/* The name of the instance's lock on the server, which no tenant can compute. */
void maria_lock_name(const struct driver_call *call, char ret_name[LOCK_NAME_SIZE]);

#endif
