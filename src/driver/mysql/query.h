/* A step builds statements by maria_sql, sends them by maria_query, and goes on in the function it gave, or with the
 * next step when it gave none. Any failure ends the call, but for those that say that somebody else was there first:
 * then the table is run again from its top, a few times. */
#ifndef DRIVER_MYSQL_QUERY_H
#define DRIVER_MYSQL_QUERY_H

#include "work.h"

/* Sends the text; an empty one goes to the next step. on_rows may be NULL. */
void maria_query(struct mysql_work *work, void (*on_rows)(struct mysql_work *work, MYSQL_RES *rows));

#endif
