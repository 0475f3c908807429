/* Errors of the server: one table from number to code and sentence. The numbers are those of mysqld_error.h, which
 * MariaDB and MySQL share up to 1900. Some stand for several things, which the server's words tell apart: sessions have
 * them in English (wire.c). */
#include "errors.h"

#include <errmsg.h>
#include <errno.h>
#include <mysqld_error.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* MySQL's own */
#define INNODB_FORCED_RECOVERY 1881
#define LOCK_NOWAIT            3572
#define USER_LOCK_DEADLOCK     3058
#define QUERY_TIMEOUT          3024
#define ACCOUNT_LOCKED         3118
#define FK_CANNOT_DROP_PARENT  3730
#define SCHEMA_READ_ONLY       3989
#define PASSWORD_USED_BEFORE   3638

#define REFERRED "a table of another database refers to one of it by a foreign key, which has to be dropped first"
#define CUT      "the connection was cut off"
#define FULL     "its disk is full"
#define RULES                                                                                                          \
	"its rules for passwords refuse this one: a rotation (binds.rotate), or an unbind and a bind, makes a new "    \
	"one, of "                                                                                                     \
	"32 characters of all kinds"

struct mysql_meaning {
	unsigned int number;
	int code;
	const char *sentence;
};

/* What the server's text has where the number means this. */
struct mysql_special {
	unsigned int number;
	const char *mark;
	struct mysql_meaning meaning;
};

static const struct mysql_special specials[] = {
    {ER_OPTION_PREVENTS_STATEMENT,
     "strict-password-validation",
     {0, ERR_UNAVAILABLE, "it looks at passwords since a moment ago, and will be shown them with the next attempt"}},
    {ER_OPTION_PREVENTS_STATEMENT,
     "skip-grant-tables",
     {0, ERR_UNAVAILABLE, "it has no accounts until it is started again without --skip-grant-tables"}},
    {ER_OPTION_PREVENTS_STATEMENT, "read-only", {0, ERR_UNAVAILABLE, MARIA_READ_ONLY}},
    {ER_OPTION_PREVENTS_STATEMENT, "read_only", {0, ERR_UNAVAILABLE, MARIA_READ_ONLY}},
};

/* Errors of the system, which the server names by their number in the text of errors about files. */
static const struct mysql_meaning failures[] = {
    {ENOSPC, ERR_UNAVAILABLE, FULL},
    {EROFS, ERR_UNAVAILABLE, "its disk is read-only"},
    {EIO, ERR_UNAVAILABLE, "its disk fails"},
    {EACCES, ERR_UNAVAILABLE, "it may not change its own files"},
    {EMFILE, ERR_UNAVAILABLE, "it has too many files open"},
    {ENFILE, ERR_UNAVAILABLE, "it has too many files open"},
    {ENOMEM, ERR_UNAVAILABLE, "it is short of memory"},
};

static const struct mysql_meaning meanings[] = {
    {ER_DISK_FULL, ERR_UNAVAILABLE, FULL},
    {ER_CON_COUNT_ERROR, ERR_UNAVAILABLE, "it has too many connections"},
    {ER_OUT_OF_RESOURCES, ERR_UNAVAILABLE, "it is short of memory"},
    {ER_OUTOFMEMORY, ERR_UNAVAILABLE, "it is short of memory"},
    {ER_OUT_OF_SORTMEMORY, ERR_UNAVAILABLE, "it is short of memory"},
    {ER_HOST_IS_BLOCKED, ERR_UNAVAILABLE, "it blocks the broker's host"},
    {ER_HOST_NOT_PRIVILEGED, ERR_UNAVAILABLE, "it does not let the broker's host in"},
    {ER_ACCESS_DENIED_ERROR, ERR_UNAVAILABLE, "it does not let the broker's user in"},
    {ER_ACCESS_DENIED_NO_PASSWORD_ERROR, ERR_UNAVAILABLE, "it does not let the broker's user in"},
    {ER_MUST_CHANGE_PASSWORD_LOGIN, ERR_UNAVAILABLE, "the password of the broker's user has expired"},
    {ER_DBACCESS_DENIED_ERROR, ERR_UNAVAILABLE, "the broker's user lacks the right"},
    {ER_TABLEACCESS_DENIED_ERROR, ERR_UNAVAILABLE, "the broker's user lacks the right"},
    {ER_COLUMNACCESS_DENIED_ERROR, ERR_UNAVAILABLE, "the broker's user lacks the right"},
    {ER_SPECIFIC_ACCESS_DENIED_ERROR, ERR_UNAVAILABLE, "the broker's user lacks the right"},
    {ER_KILL_DENIED_ERROR, ERR_UNAVAILABLE, "the broker's user lacks the right"},
    {ER_SERVER_SHUTDOWN, ERR_UNAVAILABLE, "it is stopping"},
    {ER_USER_IS_BLOCKED, ERR_UNAVAILABLE, "it blocks the broker's user, until somebody says FLUSH PRIVILEGES"},
    {ER_ACCOUNT_HAS_BEEN_LOCKED, ERR_UNAVAILABLE, "the broker's user is locked"},
    {ACCOUNT_LOCKED, ERR_UNAVAILABLE, "the broker's user is locked"},
    {ER_MUST_CHANGE_PASSWORD, ERR_UNAVAILABLE, "the password of the broker's user has expired"},
    {ER_LOCK_WAIT_TIMEOUT, ERR_LOCKED, "a lock is taken"},
    {LOCK_NOWAIT, ERR_LOCKED, "a lock is taken"},
    {ER_LOCK_DEADLOCK, ERR_LOCKED, "it was in conflict with other work"},
    {ER_LOCK_ABORTED, ERR_LOCKED, "it was in conflict with other work"},
    {USER_LOCK_DEADLOCK, ERR_LOCKED, "it was in conflict with other work"},
    {ER_DB_DROP_RMDIR, ERR_LOCKED, "the directory of the database is not empty yet"},
    {ER_ROW_IS_REFERENCED, ERR_LOCKED, REFERRED},
    {ER_ROW_IS_REFERENCED_2, ERR_LOCKED, REFERRED},
    {FK_CANNOT_DROP_PARENT, ERR_LOCKED, REFERRED},
    {SCHEMA_READ_ONLY, ERR_LOCKED, "the database is read-only, which ALTER DATABASE ... READ ONLY = 0 ends"},
    {ER_STATEMENT_TIMEOUT, ERR_TIMEOUT, "the statement took longer than the attempt may"},
    {QUERY_TIMEOUT, ERR_TIMEOUT, "the statement took longer than the attempt may"},
    {ER_CONNECTION_KILLED, ERR_UNAVAILABLE, CUT},
    {ER_NEW_ABORTING_CONNECTION, ERR_UNAVAILABLE, CUT},
    {ER_NET_READ_ERROR, ERR_UNAVAILABLE, CUT},
    {ER_NET_READ_INTERRUPTED, ERR_UNAVAILABLE, CUT},
    {ER_NET_ERROR_ON_WRITE, ERR_UNAVAILABLE, CUT},
    {ER_NET_WRITE_INTERRUPTED, ERR_UNAVAILABLE, CUT},
    {ER_PLUGIN_IS_NOT_LOADED, ERR_UNAVAILABLE, "one of its plug-ins is not loaded"},
    {ER_UNKNOWN_STORAGE_ENGINE, ERR_UNAVAILABLE, "a table's storage engine is not loaded"},
    {ER_QUERY_INTERRUPTED, ERR_UNAVAILABLE, "the statement was ended"},
    {ER_OPTION_PREVENTS_STATEMENT, ERR_UNAVAILABLE, "one of its options forbids the statement"},
    {ER_READ_ONLY_MODE, ERR_UNAVAILABLE, MARIA_READ_ONLY},
    {ER_INNODB_READ_ONLY, ERR_UNAVAILABLE, MARIA_READ_ONLY},
    {INNODB_FORCED_RECOVERY, ERR_UNAVAILABLE, "it is read-only while innodb_force_recovery is set"},
    {ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION, ERR_UNAVAILABLE,
     "its transactions are read-only until tx_read_only (transaction_read_only) is off"},
    {ER_CANNOT_USER, ERR_UNAVAILABLE,
     "the account came or went meanwhile, or a plug-in that looks at passwords said no"},
    {ER_NOT_VALID_PASSWORD, ERR_REFUSED, RULES},
    {PASSWORD_USED_BEFORE, ERR_REFUSED, RULES},
    {ER_USER_LIMIT_REACHED, ERR_UNAVAILABLE, "the broker's user has no connections or statements left"},
    {ER_TOO_MANY_USER_CONNECTIONS, ERR_UNAVAILABLE, "the broker's user has too many connections"},
    {ER_RECORD_FILE_FULL, ERR_UNAVAILABLE, "its disk, or what a table of its may take, is full"},
    {ER_UNKNOWN_CHARACTER_SET, ERR_REFUSED, "it does not know the character set"},
    {ER_UNKNOWN_COLLATION, ERR_REFUSED, "it does not know the collation"},
    {ER_COLLATION_CHARSET_MISMATCH, ERR_REFUSED, "the collation is not one of the character set"},
    {ER_BAD_DB_ERROR, ERR_REFUSED, "the database is not there"},
};

bool maria_error_is_local(unsigned int number)
{
	return number == 0 || (number >= CR_MIN_ERROR && number <= CR_MAX_ERROR) || number >= CER_MIN_ERROR;
}

bool maria_error_is_lock(unsigned int number)
{
	return number == ER_LOCK_WAIT_TIMEOUT || number == LOCK_NOWAIT;
}

bool maria_error_lacks_right(unsigned int number)
{
	switch (number) {
	case ER_DBACCESS_DENIED_ERROR:
	case ER_TABLEACCESS_DENIED_ERROR:
	case ER_COLUMNACCESS_DENIED_ERROR:
	case ER_SPECIFIC_ACCESS_DENIED_ERROR:
	case ER_KILL_DENIED_ERROR:
		return true;
	default:
		return false;
	}
}

bool maria_error_is_overtaken(unsigned int number)
{
	switch (number) {
	case ER_DB_CREATE_EXISTS:
	case ER_DB_DROP_EXISTS:
	case ER_DB_DROP_RMDIR:  /* files of dropped tables are deleted a little later */
	case ER_NO_SUCH_THREAD: /* a session that ended by itself */
	case ER_CANNOT_USER:    /* CREATE, ALTER or DROP USER: it exists, or does not */
	case ER_NONEXISTING_GRANT:
	case ER_NO_SUCH_TABLE:
	case ER_TRG_IN_WRONG_SCHEMA: /* a table got a trigger meanwhile */
		return true;
	default:
		return false;
	}
}

/* "Got error 28 ...", or "(errno: 28 ...)"; 0: there is none. */
static unsigned int find_errno(const char *message)
{
	static const char *const marks[] = {"errno", "Got error"};

	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++) {
		const char *found = strstr(message, marks[i]);

		if (found != NULL) {
			found += strlen(marks[i]);
			return (unsigned int)strtoul(found + strspn(found, ": "), NULL, 10);
		}
	}
	return 0;
}

static bool is_about_files(unsigned int number)
{
	switch (number) {
	case ER_CANT_CREATE_FILE:
	case ER_CANT_CREATE_TABLE:
	case ER_CANT_CREATE_DB:
	case ER_DB_DROP_DELETE:
	case ER_DB_DROP_RMDIR:
	case ER_CANT_OPEN_FILE:
	case ER_CANT_READ_DIR:
	case ER_ERROR_ON_RENAME:
	case ER_ERROR_ON_WRITE:
	case ER_GET_ERRNO:
		return true;
	default:
		return false;
	}
}

static const struct mysql_meaning *find_in(const struct mysql_meaning *table, size_t count, unsigned int number)
{
	for (size_t i = 0; i < count; i++)
		if (table[i].number == number)
			return &table[i];
	return NULL;
}

static const struct mysql_meaning *find_meaning(unsigned int number, const char *message)
{
	const struct mysql_meaning *found = NULL;

	for (size_t i = 0; i < sizeof(specials) / sizeof(*specials); i++)
		if (specials[i].number == number && strstr(message, specials[i].mark) != NULL)
			return &specials[i].meaning;
	if (is_about_files(number))
		found = find_in(failures, sizeof(failures) / sizeof(*failures), find_errno(message));
	return found != NULL ? found : find_in(meanings, sizeof(meanings) / sizeof(*meanings), number);
}

int maria_error_explain(unsigned int number, const char *message, struct error *error)
{
	const struct mysql_meaning *meaning = find_meaning(number, message);

	if (maria_error_is_local(number))
		return error_set(error, ERR_UNAVAILABLE, "the connection failed: %s", message);
	if (meaning != NULL)
		return error_set(error, meaning->code, "%s: %s (error %u)", meaning->sentence, message, number);
	if (maria_error_is_overtaken(number))
		return error_set(error, ERR_UNAVAILABLE, "it was overtaken: %s (error %u)", message, number);
	return error_set(error, ERR_REFUSED, "%s (error %u)", message, number);
}
