/* Who may change something where browsers keep credentials: no page of another site. Pure. */
#ifndef HTTP_ORIGIN_H
#define HTTP_ORIGIN_H

#include "base/error.h"
#include "http/head.h"

/* ERR_FORBIDDEN when the request was sent by a page of another origin, ERR_MEDIA when it does not say that its body
 * (empty or not) is JSON. What changes nothing is always good. */
int origin_check(const struct head *head, struct error *error);

#endif
