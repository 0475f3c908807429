/* What a broker that stands by does with a request: it passes it on to the active one. */
#ifndef API_PASSING_H
#define API_PASSING_H

#include "api/exchange.h"

/* passing_begin of its passing, which is filled in; exchange->error says why this broker does not do it. */
void exchange_pass_on(struct exchange *exchange);

#endif
