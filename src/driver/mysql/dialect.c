/* Statements of MariaDB and MySQL, quoted. The library escapes literals as the connection's character set and mode want
 * it. It has no call for identifiers; in those only the backtick means anything, and it is doubled. */
#include "dialect.h"

#include <mysql.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

#define SHA1_BYTES 20

static bool add_identifier(void *connection, struct text *text, const char *name, size_t length)
{
	(void)connection;
	if (length == 0 || memchr(name, '\0', length) != NULL)
		return false;
	text_add(text, "`");
	for (size_t i = 0; i < length; i++)
		text_add_bytes(text, name[i] == '`' ? "``" : &name[i], name[i] == '`' ? 2 : 1);
	text_add(text, "`");
	return true;
}

static bool add_literal(void *connection, struct text *text, const char *value, size_t length)
{
	char *escaped = malloc(2 * length + 1);
	unsigned long count;

	if (escaped == NULL)
		return false;
	count = mysql_real_escape_string(connection, escaped, value, length);
	if (count != (unsigned long)-1) {
		text_add(text, "'");
		text_add_bytes(text, escaped, count);
		text_add(text, "'");
		secret_wipe(escaped, count);
	}
	free(escaped);
	return count != (unsigned long)-1;
}

const struct sql_dialect maria_dialect = {.add_identifier = add_identifier, .add_literal = add_literal};

bool maria_pattern(const char *database, bool literal, char *ret_pattern)
{
	size_t length = 0;

	for (const char *c = database; *c != '\0'; c++) {
		const bool escape = !literal && (*c == '_' || *c == '%' || *c == '\\');

		if (length + 1 + escape > DATABASE_MAX)
			return false;
		if (escape)
			ret_pattern[length++] = '\\';
		ret_pattern[length++] = *c;
	}
	ret_pattern[length] = '\0';
	return length > 0;
}

bool maria_hash_password(const char *password, char ret_hash[PASSWORD_HASH_SIZE])
{
	unsigned char once[SHA1_BYTES], twice[SHA1_BYTES];
	const bool done = EVP_Digest(password, strlen(password), once, NULL, EVP_sha1(), NULL) == 1 &&
	                  EVP_Digest(once, sizeof(once), twice, NULL, EVP_sha1(), NULL) == 1;

	*ret_hash++ = '*';
	for (size_t i = 0; done && i < sizeof(twice); i++) {
		*ret_hash++ = "0123456789ABCDEF"[twice[i] >> 4];
		*ret_hash++ = "0123456789ABCDEF"[twice[i] & 15];
	}
	*ret_hash = '\0';
	secret_wipe(once, sizeof(once));
	return done;
}

void maria_add_password(struct sql *sql, bool hashed, const char *password)
{
	char hash[PASSWORD_HASH_SIZE];

	if (!hashed) {
		sql_add(sql, "IDENTIFIED BY %l", password);
		return;
	}
	sql->failed |= !maria_hash_password(password, hash);
	sql_add(sql, "IDENTIFIED BY PASSWORD %l", hash);
}
