/* A bufferevent to one address, plain or through OpenSSL. */
#include "stream.h"

#include <arpa/inet.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

/* The name that is asked for is also the one that the certificate must carry. */
static SSL *new_tls(const struct redis_login *login, const char *host)
{
	const char *name = login->tls_name != NULL ? login->tls_name : host;
	SSL *tls = SSL_new(login->tls);
	bool is_address, done;

	if (tls == NULL)
		return NULL;
	is_address = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls), name) == 1;
	/* The last one is a macro, which would take the const off by a cast. */
	done = is_address ||
	       (SSL_set1_host(tls, name) == 1 && SSL_set_tlsext_host_name(tls, (char *)(uintptr_t)name) == 1);
	ERR_clear_error();
	if (done)
		return tls;
	SSL_free(tls);
	return NULL;
}

struct bufferevent *redis_stream_new(struct event_base *base, const struct redis_login *login, const char *host)
{
	const int options = BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS;
	struct bufferevent *stream;
	SSL *tls;

	if (login->tls == NULL)
		return bufferevent_socket_new(base, -1, options);
	tls = new_tls(login, host);
	if (tls == NULL)
		return NULL;
	stream = bufferevent_openssl_socket_new(base, -1, tls, BUFFEREVENT_SSL_CONNECTING, options);
	if (stream == NULL)
		SSL_free(tls);
	else
		bufferevent_openssl_set_allow_dirty_shutdown(stream, 1);
	return stream;
}

static socklen_t parse_address(const char *text, const char *port, struct sockaddr_storage *ret_address)
{
	struct sockaddr_in *four = (struct sockaddr_in *)ret_address;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)ret_address;
	const unsigned long given = strtoul(port, NULL, 10); /* servers name ports of others, too: any text may come */
	const in_port_t number = htons((in_port_t)given);

	*ret_address = (struct sockaddr_storage){0};
	if (given == 0 || given > UINT16_MAX)
		return 0;
	if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
		four->sin_family = AF_INET;
		four->sin_port = number;
		return sizeof(*four);
	}
	if (inet_pton(AF_INET6, text, &six->sin6_addr) == 1) {
		six->sin6_family = AF_INET6;
		six->sin6_port = number;
		return sizeof(*six);
	}
	return 0;
}

bool redis_stream_connect(struct bufferevent *stream, const char *text, const char *port)
{
	struct sockaddr_storage address;
	const socklen_t length = parse_address(text, port, &address);
	const int one = 1;

	if (length == 0 || bufferevent_socket_connect(stream, (struct sockaddr *)&address, (int)length) != 0 ||
	    bufferevent_enable(stream, EV_READ | EV_WRITE) != 0)
		return false;
	/* Without it the link is slower, and no worse. */
	(void)setsockopt(bufferevent_getfd(stream), IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return true;
}

void redis_stream_explain(struct bufferevent *stream, const struct redis_login *login, short what, struct error *error)
{
	SSL *tls = login->tls != NULL ? bufferevent_openssl_get_ssl(stream) : NULL;
	const long verified = tls != NULL ? SSL_get_verify_result(tls) : X509_V_OK;
	const unsigned long reason = tls != NULL ? bufferevent_get_openssl_error(stream) : 0;

	if (verified != X509_V_OK)
		error_set(error, ERR_UNAVAILABLE, "its certificate is not accepted: %s",
		          X509_verify_cert_error_string(verified));
	else if (reason != 0 && ERR_reason_error_string(reason) != NULL)
		error_set(error, ERR_UNAVAILABLE, "TLS failed: %s", ERR_reason_error_string(reason));
	else if ((what & BEV_EVENT_EOF) || EVUTIL_SOCKET_ERROR() == 0)
		error_set(error, ERR_UNAVAILABLE, "it closed the connection");
	else
		error_set(error, ERR_UNAVAILABLE, "%s", evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()));
}
