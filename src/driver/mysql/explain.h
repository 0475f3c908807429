/* What an operator wants to know of a failure, asked of the server before the call ends by it. */
#ifndef DRIVER_MYSQL_EXPLAIN_H
#define DRIVER_MYSQL_EXPLAIN_H

#include "work.h"

/* Ends the running step by error, which a query failed with under the server's number. Where a lock was in the way, who
 * may hold it is added; where a right is missing, the exact GRANT. */
void maria_explain(struct mysql_work *work, unsigned int number, const struct error *error);

#endif
