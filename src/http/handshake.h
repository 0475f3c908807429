/* TLS handshakes, a few in a turn of the loop. A step of one may take a millisecond (an RSA signature, a client's
 * certificates), as much as a hundred requests, and whoever reaches the listener can have thousands wait for a step at
 * one moment. So what arrives of a handshake is not read at once: its connection stands in a line (line.h), from which
 * so many take their step before the loop looks at everything else again. Addresses from which somebody has logged in
 * stand in front. */
#ifndef HTTP_HANDSHAKE_H
#define HTTP_HANDSHAKE_H

struct connection;
struct event_base;
struct handshakes;

int handshakes_init(struct handshakes *handshakes, struct event_base *base);
void handshakes_release(struct handshakes *handshakes);
/* The connection has TLS and was just attached. Fails when memory is out. */
int handshake_begin(struct connection *connection);
/* The connection ends, or its handshake is over. */
void handshake_end(struct connection *connection);

#endif
