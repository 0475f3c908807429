/* One table from SQLSTATE to code and sentence: a whole state before its class. The codes are those of appendix A of
 * PostgreSQL's manual. Some stand for several things, XX000 for whatever has no state of its own: the server's words
 * tell them apart. */
#include "sqlstate.h"

#include <stddef.h>
#include <string.h>

struct pg_meaning {
	const char *prefix; /* a state, or the first bytes of several */
	int code;
	const char *sentence;
};

/* What the server's words have where the state means this. They are the server's language's; those of libraries are in
 * English. */
struct pg_special {
	const char *prefix; /* of the state; "": any */
	const char *mark;
	int code;
	const char *sentence;
};

#define RULES                                                                                                          \
	"its rules for names and passwords refuse the login (an extension like credcheck has them): an operator "      \
	"exempts the broker's logins or changes the rules"

static const struct pg_special specials[] = {
    {"", "not a plain text", ERR_REFUSED,
     "it wants to see passwords, of which the broker sends verifiers alone, so that no log has them: "
     "credcheck.encrypted_password_allowed = on lets them in"},
    {"", "credcheck.", ERR_REFUSED, RULES},
    {"XX000", "password ", ERR_REFUSED, RULES},
    {"XX000", "username ", ERR_REFUSED, RULES},
    {"22023", "password ", ERR_REFUSED, RULES},
    {"", "collation version", ERR_REFUSED,
     "the template's order of letters is of another version of the system: an operator rebuilds its indexes and says "
     "ALTER DATABASE ... REFRESH COLLATION VERSION, or the plan names template0"},
    {"", "shared_preload_libraries", ERR_REFUSED, "the library of an extension has to be loaded when it starts"},
    {"", "must be preloaded", ERR_REFUSED, "the library of an extension has to be loaded when it starts"},
    {"", "can only create extension in database", ERR_REFUSED, "the extension is for one database alone"},
    {"55000", "invalid database", ERR_UNAVAILABLE, "a removal of the database did not come to its end: DROP DATABASE"},
};

static const struct pg_meaning meanings[] = {
    {"08", ERR_UNAVAILABLE, "the connection failed"},
    {"0A000", ERR_REFUSED, "it cannot do that"},
    {"22", ERR_REFUSED, "it does not take the value"},
    {"25006", ERR_UNAVAILABLE, "it is read-only, as a standby or by default_transaction_read_only"},
    {"28", ERR_REFUSED, RULES}, /* of a statement; connections that are refused are told by themselves */
    {"2BP01", ERR_REFUSED, "something else depends on it"},
    {"3D000", ERR_REFUSED, "the database is not there"},
    {"3F000", ERR_REFUSED, "the schema is not there"},
    {"25P03", ERR_TIMEOUT, "it did not hear from the broker in time"},
    {"25P04", ERR_TIMEOUT, "the transaction did not end in time"},
    {"40P01", ERR_LOCKED, "somebody else waits for a lock the other way round"},
    {"40", ERR_UNAVAILABLE, "it was in conflict with other work"},
    {"42501", ERR_REFUSED, "the broker's user lacks the right"},
    {"42939", ERR_REFUSED, "it keeps names like that to itself"},
    {"42", ERR_REFUSED, "it does not take the statement"},
    {"53100", ERR_UNAVAILABLE, "its disk is full"},
    {"53300", ERR_UNAVAILABLE, "it has too many connections"},
    {"53", ERR_UNAVAILABLE, "it is short of resources"},
    {"55000", ERR_UNAVAILABLE, "it is not in the state for that"},
    {"55006", ERR_LOCKED, "the object is in use"},
    {"55P03", ERR_LOCKED, "somebody else holds what it needs"},
    {"57014", ERR_TIMEOUT, "the statement did not end in time"},
    {"57P01", ERR_UNAVAILABLE, "the session was ended, or it stops"},
    {"57P04", ERR_UNAVAILABLE, "the database was dropped meanwhile"},
    {"57P05", ERR_UNAVAILABLE, "it ends sessions that are idle"},
    {"57P", ERR_UNAVAILABLE, "it is starting or stopping"},
    {"58P01", ERR_REFUSED, "a file is missing on it, of an extension perhaps"},
    {"58", ERR_UNAVAILABLE, "its system failed"},
    {"XX", ERR_UNAVAILABLE, "it failed inside"},
};

/* Nobody's fault: two that work on the same names, or a session that is still ending. */
static const char *const overtaken[] = {
    "23505", /* unique_violation, on a catalog */
    "2BP01", /* dependent_objects_still_exist */
    "42704", /* undefined_object: dropped meanwhile */
    "42710", /* duplicate_object */
    "42P04", /* duplicate_database */
    NULL,
};

/* Of what is refused: an operator grants the right, ends what depends on it, or installs the library again. */
static const char *const curable[] = {"0A000", "2BP01", "3D000", "3F000", "42501", "58P01", NULL};

bool sqlstate_is_curable(const char *sqlstate)
{
	for (size_t i = 0; curable[i] != NULL; i++)
		if (strcmp(curable[i], sqlstate) == 0)
			return true;
	return false;
}

bool sqlstate_is_overtaken(const char *sqlstate, const char *message)
{
	for (size_t i = 0; overtaken[i] != NULL; i++)
		if (strcmp(overtaken[i], sqlstate) == 0)
			return true;
	/* The server gives these no state of their own. */
	return strcmp(sqlstate, "XX000") == 0 &&
	       (strstr(message, "concurrently updated") != NULL || strstr(message, "concurrently deleted") != NULL);
}

bool sqlstate_is_locked(const char *sqlstate)
{
	return strcmp(sqlstate, SQLSTATE_LOCK_TAKEN) == 0 || strcmp(sqlstate, "40P01") == 0;
}

bool sqlstate_is_blocked(const char *sqlstate)
{
	/* The last is "tuple concurrently updated", which has no state of its own. */
	return sqlstate_is_locked(sqlstate) || strcmp(sqlstate, "XX000") == 0;
}

bool sqlstate_is_wrong_password(const char *message)
{
	return strstr(message, ":  28P01: ") != NULL;
}

bool sqlstate_is_about_options(const char *message)
{
	return strstr(message, ":  08P01: ") != NULL || strstr(message, ":  0A000: ") != NULL;
}

/* Behind "FATAL:  ", where libpq is told to be verbose. */
static const char *find_state(const char *line, size_t length)
{
	const char *begin = memmem(line, length, ":  ", 3), *state = begin != NULL ? begin + 3 : "";

	return strspn(state, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == SQLSTATE_LENGTH &&
	               strncmp(state + SQLSTATE_LENGTH, ": ", 2) == 0
	           ? state
	           : NULL;
}

void sqlstate_explain_refusal(const char *message, struct error *error)
{
	const size_t whole = strcspn(message, "\n");
	const char *failed = memmem(message, whole, " failed: ", 9);
	const char *line = failed != NULL ? failed + 9 : message;
	const size_t length = (size_t)(message + whole - line);
	const char *state = find_state(line, length);
	const int begin = state != NULL ? (int)(state - line) : 0;
	const int skipped = state != NULL ? begin + SQLSTATE_LENGTH + 2 : 0;
	const bool is_locked = state != NULL && strncmp(state, SQLSTATE_LOCK_TAKEN, SQLSTATE_LENGTH) == 0;

	error_set(error, is_locked ? ERR_LOCKED : ERR_UNAVAILABLE, "%s%.*s%.*s",
	          is_locked ? "somebody has locked a catalog of the database, which a session needs to begin: " : "",
	          begin, line, (int)length - skipped, line + skipped);
}

static bool begins_with(const char *sqlstate, const char *prefix)
{
	return strncmp(prefix, sqlstate, strlen(prefix)) == 0;
}

int sqlstate_explain(const char *sqlstate, const char *message, struct error *error)
{
	if (sqlstate == NULL || sqlstate[0] == '\0')
		return error_set(error, ERR_UNAVAILABLE, "the connection failed: %s", message);
	for (size_t i = 0; i < sizeof(specials) / sizeof(*specials); i++)
		if (begins_with(sqlstate, specials[i].prefix) && strstr(message, specials[i].mark) != NULL)
			return error_set(error, specials[i].code, "%s: %s (SQLSTATE %s)", specials[i].sentence, message,
			                 sqlstate);
	for (size_t i = 0; i < sizeof(meanings) / sizeof(*meanings); i++)
		if (begins_with(sqlstate, meanings[i].prefix))
			return error_set(error, meanings[i].code, "%s: %s (SQLSTATE %s)", meanings[i].sentence, message,
			                 sqlstate);
	if (sqlstate_is_overtaken(sqlstate, message))
		return error_set(error, ERR_UNAVAILABLE, "it was overtaken: %s (SQLSTATE %s)", message, sqlstate);
	return error_set(error, ERR_REFUSED, "%s (SQLSTATE %s)", message, sqlstate);
}
