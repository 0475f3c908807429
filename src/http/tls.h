/* TLS of a server, by OpenSSL: one context for all its listeners, replaced when the files change. */
#ifndef HTTP_TLS_H
#define HTTP_TLS_H

#include "http/http.h"

struct bufferevent;
struct ssl_ctx_st; /* OpenSSL's SSL_CTX */
struct tls;

/* Reads the files and watches them; what is in force changes only for new connections. on_clients: from now on clients
 * are judged by other certificates than those that were let in before. */
int tls_new(const struct http_options *options, void (*on_clients)(void *arg), void *arg, struct tls **ret_tls,
            struct error *error);
/* Accepts NULL. */
void tls_free(struct tls *tls);
/* A bufferevent that waits for its descriptor and then shakes hands as a server. NULL when memory is out. */
struct bufferevent *tls_bufferevent(struct tls *tls, struct event_base *base);
/* Before the connection's descriptor is closed: says goodbye. */
void tls_say_goodbye(struct bufferevent *bufferevent);
/* Reads files into a context that is in force once tls_enter takes it, for new connections, or goes by tls_discard
 * (which accepts NULL). tls_enter calls on_clients where that is so. */
int tls_prepare(const struct http_tls *files, struct ssl_ctx_st **ret_context, struct error *error);
void tls_enter(struct tls *tls, const struct http_tls *files, struct ssl_ctx_st *context);
void tls_discard(struct ssl_ctx_st *context);

#endif
