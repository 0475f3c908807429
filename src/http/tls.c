/* Contexts from files. A connection keeps the context that it began with; OpenSSL counts them. */
#include "http/tls.h"

#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"

#define LOOK_INTERVAL 5000 /* ms between two looks at the files */
#define FILE_COUNT    3

/* TLS 1.2's; those of 1.3 are all good. */
static const char ciphers[] = "ECDHE+AESGCM:ECDHE+CHACHA20";

/* Both versions'. A stranger who chose one over integers would have the loop compute for it with each connection. */
static const char groups[] = "X25519:P-256:P-384:P-521";

/* What a stranger may show of certificates, before it is known to be one. */
#define CLIENT_CHAIN_MAX 8
#define CLIENT_BYTES_MAX (32 * 1024)

/* What tells that a file is another. */
struct file_mark {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec changed;
};

struct tls {
	SSL_CTX *context;
	const struct http_tls *files;
	struct timers *timers;
	struct timer timer;
	struct file_mark marks[FILE_COUNT];
	void (*on_notice)(void *arg, bool failed, const char *text);
	void *notice_arg;
	void (*on_clients)(void *arg);
	void *clients_arg;
};

/* ---- reading the files ---- */

/* OpenSSL would wait for the writer of a FIFO. */
static int check_file(const char *what, const char *path, struct error *error)
{
	if (!file_is_special(path))
		return 0;
	return error_set(error, ERR_INVALID, "the %s \"%s\" is not good: it is no regular file", what, path);
}

static int fail(const char *what, const char *path, struct error *error)
{
	char reason[256] = "it cannot be read";
	const unsigned long code = ERR_peek_last_error();

	if (code != 0)
		ERR_error_string_n(code, reason, sizeof(reason));
	ERR_clear_error();
	return error_set(error, ERR_INVALID, "the %s \"%s\" is not good: %s", what, path, reason);
}

/* An encrypted key would ask its question on the terminal. */
/* NOLINTNEXTLINE(readability-non-const-parameter): the signature is OpenSSL's */
static int no_passphrase(char *ret_text, int size, int writing, void *arg)
{
	(void)ret_text;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

static int use_client_ca(SSL_CTX *context, const char *path, struct error *error)
{
	STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(path);

	if (names == NULL || SSL_CTX_load_verify_locations(context, path, NULL) != 1) {
		sk_X509_NAME_pop_free(names, X509_NAME_free);
		return fail("file of client_ca", path, error);
	}
	SSL_CTX_set_client_CA_list(context, names);
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	return 0;
}

static int use_files(SSL_CTX *context, const struct http_tls *files, struct error *error)
{
	if (check_file("certificate", files->cert, error) != 0 || check_file("key", files->key, error) != 0 ||
	    (files->client_ca != NULL && check_file("file of client_ca", files->client_ca, error) != 0))
		return error->code;
	if (SSL_CTX_use_certificate_chain_file(context, files->cert) != 1)
		return fail("certificate", files->cert, error);
	if (SSL_CTX_use_PrivateKey_file(context, files->key, SSL_FILETYPE_PEM) != 1)
		return fail("key", files->key, error);
	if (SSL_CTX_check_private_key(context) != 1)
		return fail("key, which is not the certificate's,", files->key, error);
	return files->client_ca != NULL ? use_client_ca(context, files->client_ca, error) : 0;
}

int tls_prepare(const struct http_tls *files, SSL_CTX **ret_context, struct error *error)
{
	static const unsigned char session_context[] = "tsuru-broker";
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	int rc;

	ERR_clear_error();
	if (context == NULL)
		return error_no_memory(error);
	SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
	SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_cipher_list(context, ciphers);
	SSL_CTX_set1_groups_list(context, (char *)(uintptr_t)groups); /* a macro that casts */
	SSL_CTX_set_verify_depth(context, CLIENT_CHAIN_MAX);
	SSL_CTX_set_max_cert_list(context, CLIENT_BYTES_MAX);
	SSL_CTX_set_default_passwd_cb(context, no_passphrase);
	SSL_CTX_set_session_id_context(context, session_context, sizeof(session_context) - 1);
	rc = use_files(context, files, error);
	if (rc == 0)
		*ret_context = context;
	else
		SSL_CTX_free(context);
	return rc;
}

int http_tls_check(const struct http_tls *files, bool *ret_expired, struct error *error)
{
	SSL_CTX *context = NULL;
	int rc = tls_prepare(files, &context, error);

	if (rc != 0)
		return rc;
	*ret_expired = X509_cmp_current_time(X509_get0_notAfter(SSL_CTX_get0_certificate(context))) < 0;
	SSL_CTX_free(context);
	return 0;
}

/* ---- who judges clients ---- */

static bool is_same(const X509_OBJECT *a, const X509_OBJECT *b)
{
	if (X509_OBJECT_get_type(a) != X509_OBJECT_get_type(b))
		return false;
	if (X509_OBJECT_get_type(a) == X509_LU_X509)
		return X509_cmp(X509_OBJECT_get0_X509(a), X509_OBJECT_get0_X509(b)) == 0;
	return X509_CRL_match(X509_OBJECT_get0_X509_CRL(a), X509_OBJECT_get0_X509_CRL(b)) == 0;
}

static bool has(const STACK_OF(X509_OBJECT) * objects, const X509_OBJECT *wanted)
{
	for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
		if (is_same(sk_X509_OBJECT_value(objects, i), wanted))
			return true;
	}
	return false;
}

/* By what the files held when they were read: the same path may have other content, and another path the same. Without
 * client_ca there is nothing in it. */
static bool judge_alike(const SSL_CTX *a, const SSL_CTX *b)
{
	const STACK_OF(X509_OBJECT) *of_a = X509_STORE_get0_objects(SSL_CTX_get_cert_store(a));
	const STACK_OF(X509_OBJECT) *of_b = X509_STORE_get0_objects(SSL_CTX_get_cert_store(b));
	bool alike = sk_X509_OBJECT_num(of_a) == sk_X509_OBJECT_num(of_b);

	for (int i = 0; alike && i < sk_X509_OBJECT_num(of_a); i++)
		alike = has(of_b, sk_X509_OBJECT_value(of_a, i));
	return alike;
}

/* ---- watching them ---- */

static void look(const struct http_tls *files, struct file_mark *ret_marks)
{
	const char *const paths[FILE_COUNT] = {files->cert, files->key, files->client_ca};
	struct stat found;

	memset(ret_marks, 0, FILE_COUNT * sizeof(*ret_marks));
	for (size_t i = 0; i < FILE_COUNT; i++) {
		if (paths[i] == NULL || stat(paths[i], &found) != 0)
			continue;
		ret_marks[i].device = found.st_dev;
		ret_marks[i].inode = found.st_ino;
		ret_marks[i].size = found.st_size;
		ret_marks[i].changed = found.st_mtim;
	}
}

static void notice(const struct tls *tls, bool failed, const char *text)
{
	if (tls->on_notice != NULL)
		tls->on_notice(tls->notice_arg, failed, text);
}

void tls_enter(struct tls *tls, const struct http_tls *files, SSL_CTX *context)
{
	const bool others = tls->context != NULL && !judge_alike(tls->context, context);

	SSL_CTX_free(tls->context);
	tls->context = context;
	tls->files = files;
	look(files, tls->marks);
	if (others)
		tls->on_clients(tls->clients_arg);
}

void tls_discard(SSL_CTX *context)
{
	SSL_CTX_free(context);
}

static int read_again(struct tls *tls, const struct http_tls *files, struct error *error)
{
	SSL_CTX *context = NULL;
	int rc = tls_prepare(files, &context, error);

	if (rc == 0)
		tls_enter(tls, files, context);
	return rc;
}

static void on_timer(void *arg)
{
	struct tls *tls = arg;
	struct file_mark marks[FILE_COUNT];
	struct error error;

	(void)timer_start(tls->timers, &tls->timer, LOOK_INTERVAL);
	look(tls->files, marks);
	if (memcmp(marks, tls->marks, sizeof(marks)) == 0)
		return;
	memcpy(tls->marks, marks, sizeof(marks)); /* a failure is told once */
	if (read_again(tls, tls->files, &error) == 0)
		notice(tls, false, tls->files->cert);
	else
		notice(tls, true, error.text);
}

int tls_new(const struct http_options *options, void (*on_clients)(void *arg), void *arg, struct tls **ret_tls,
            struct error *error)
{
	struct tls *tls = calloc(1, sizeof(*tls));
	int rc;

	if (tls == NULL)
		return error_no_memory(error);
	tls->timers = options->timers;
	tls->on_notice = options->on_tls_notice;
	tls->notice_arg = options->arg;
	tls->on_clients = on_clients;
	tls->clients_arg = arg;
	timer_init(&tls->timer, on_timer, tls);
	rc = read_again(tls, options->tls, error);
	if (rc == 0 && timer_start(tls->timers, &tls->timer, LOOK_INTERVAL) != 0)
		rc = error_no_memory(error);
	if (rc == 0)
		*ret_tls = tls;
	else
		tls_free(tls);
	return rc;
}

void tls_free(struct tls *tls)
{
	if (tls == NULL)
		return;
	timer_stop(tls->timers, &tls->timer);
	SSL_CTX_free(tls->context);
	free(tls);
}

/* ---- connections ---- */

struct bufferevent *tls_bufferevent(struct tls *tls, struct event_base *base)
{
	SSL *ssl = SSL_new(tls->context);
	struct bufferevent *bufferevent;

	if (ssl == NULL)
		return NULL;
	bufferevent = bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
	if (bufferevent == NULL)
		SSL_free(ssl);
	else
		bufferevent_openssl_set_allow_dirty_shutdown(bufferevent, 1);
	return bufferevent;
}

void tls_say_goodbye(struct bufferevent *bufferevent)
{
	SSL *ssl = bufferevent_openssl_get_ssl(bufferevent);

	if (ssl == NULL || !SSL_is_init_finished(ssl))
		return;
	SSL_set_shutdown(ssl, SSL_RECEIVED_SHUTDOWN);
	SSL_shutdown(ssl);
	ERR_clear_error();
}
