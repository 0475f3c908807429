/* What a broker that stands by does with a request: it passes it on to the active one. */
#ifndef API_PASSING_H
#define API_PASSING_H

#include "api/exchange.h"

/* Replies with the answer of the active one, whoever that will be. Where this broker is the active one when it comes to
 * that, or where nobody is in time and the request only reads, serve is called: it is to answer by itself then.
 * exchange->error says why this broker does not. Where the request was passed on by another one already, or this broker
 * shares no store, that is the reply. */
void passing_begin(struct exchange *exchange, void (*serve)(struct exchange *exchange));

#endif
