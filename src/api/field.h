/* Texts of a request, each with its limit. An empty text counts as absent, as tsuru sends it for what is not set. */
#ifndef API_FIELD_H
#define API_FIELD_H

#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"

#define NAME_TEXT_MAX   255  /* bytes of a team, plan, pool or cluster */
#define DESCRIPTION_MAX 4096 /* bytes */
#define TAG_MAX         255  /* bytes of one tag */
#define ADDRESS_MAX     1024 /* bytes of one host or address */

struct http_request;

/* Body field, header, or body field else query parameter: *ret_value is NULL when absent, borrowed until the reply.
 * ERR_INVALID names it when it is longer than max bytes or not clean text. */
int field_text(const struct http_request *http, const char *name, size_t max, const char **ret_value,
               struct error *error);
int field_header(const struct http_request *http, const char *name, size_t max, const char **ret_value,
                 struct error *error);
int field_or_query(const struct http_request *http, const char *name, size_t max, const char **ret_value,
                   struct error *error);

/* Tags as one JSON list in arena; NULL for none. ERR_INVALID for over TAGS_MAX of them, or one over TAG_MAX. */
int field_tags(const char *const *tags, size_t count, struct arena *arena, const char **ret_json, struct error *error);
/* Likewise the hosts or addresses of the field name. ERR_INVALID for one over ADDRESS_MAX, or a list of over
 * ADDRESSES_MAX bytes. */
int field_addresses(const char *name, const char *const *addresses, size_t count, struct arena *arena,
                    const char **ret_json, struct error *error);

#endif
