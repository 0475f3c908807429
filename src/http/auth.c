/* Basic authentication: both halves are always compared, so the time tells nothing of which one was wrong. */
#include "http/auth.h"

#include <string.h>
#include <strings.h>

#include "base/secret.h"
#include "base/text.h"

static bool credentials_match(const struct http_site *site, char *credentials, size_t length)
{
	char *colon = memchr(credentials, ':', length);

	if (colon == NULL || memchr(credentials, '\0', length) != NULL)
		return false;
	*colon = '\0';
	bool username_equal = secret_equal(credentials, site->username);
	bool password_equal = false;
	for (size_t i = 0; i < site->password_count; i++)
		password_equal |= secret_equal(colon + 1, site->passwords[i]);
	return username_equal & password_equal;
}

bool auth_is_shown(const char *authorization)
{
	return authorization != NULL && strncasecmp(authorization, "Basic ", 6) == 0;
}

bool auth_check(const struct http_site *site, const char *authorization, struct arena *arena)
{
	if (site->username == NULL)
		return true;
	if (!auth_is_shown(authorization))
		return false;
	const char *encoded = authorization + 6 + strspn(authorization + 6, " ");
	size_t length = strlen(encoded);
	char *credentials = arena_alloc(arena, length + 1);
	if (credentials == NULL)
		return false;
	long decoded = text_base64_decode(encoded, length, (unsigned char *)credentials, length);
	bool matches = decoded >= 0 && credentials_match(site, credentials, (size_t)decoded);
	secret_wipe(credentials, length + 1);
	return matches;
}
