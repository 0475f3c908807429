/* libcurl, loaded when it is needed first (base/library.h): curl->easy_init is curl_easy_init. */
#ifndef DRIVER_LIBCURL_H
#define DRIVER_LIBCURL_H

#include <curl/curl.h>

#include "base/error.h"

#define LIBCURL_FUNCTIONS(X)                                                                                           \
	X(easy_cleanup)                                                                                                \
	X(easy_getinfo)                                                                                                \
	X(easy_header)                                                                                                 \
	X(easy_init)                                                                                                   \
	X(easy_perform)                                                                                                \
	X(easy_setopt)                                                                                                 \
	X(easy_strerror)                                                                                               \
	X(free)                                                                                                        \
	X(global_cleanup)                                                                                              \
	X(global_init)                                                                                                 \
	X(multi_add_handle)                                                                                            \
	X(multi_assign)                                                                                                \
	X(multi_cleanup)                                                                                               \
	X(multi_info_read)                                                                                             \
	X(multi_init)                                                                                                  \
	X(multi_remove_handle)                                                                                         \
	X(multi_setopt)                                                                                                \
	X(multi_socket_action)                                                                                         \
	X(slist_append)                                                                                                \
	X(slist_free_all)                                                                                              \
	X(url)                                                                                                         \
	X(url_cleanup)                                                                                                 \
	X(url_get)                                                                                                     \
	X(url_set)

#define LIBCURL_MEMBER(name) __typeof__ (&curl_##name)(name);
struct libcurl {
	LIBCURL_FUNCTIONS(LIBCURL_MEMBER)
};
#undef LIBCURL_MEMBER

int libcurl_load(struct libcurl *ret_curl, struct error *error);

#endif
