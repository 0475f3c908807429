/* TLS of a server, by OpenSSL: one context for all its listeners, replaced when the files change. */
#ifndef HTTP_TLS_H
#define HTTP_TLS_H

#include "http/http.h"

struct bufferevent;
struct tls;

/* Reads the files and watches them; what is in force changes only for new connections. on_notice may be NULL. */
int tls_new(const struct http_options *options, struct tls **ret_tls, struct error *error);
/* Accepts NULL. */
void tls_free(struct tls *tls);
/* A bufferevent that waits for its descriptor and then shakes hands as a server. NULL when memory is out. */
struct bufferevent *tls_bufferevent(struct tls *tls, struct event_base *base);
/* Before the connection's descriptor is closed: says goodbye. */
void tls_say_goodbye(struct bufferevent *bufferevent);
/* Reads the files again now; a failure leaves what is in force. */
int tls_reload(struct tls *tls, const struct http_tls *files, struct error *error);

#endif
