/* Statements from a format and arguments. */
#include "driver/sql.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>

void sql_init(struct sql *sql, const struct sql_dialect *dialect)
{
	*sql = (struct sql){.dialect = dialect};
	text_init(&sql->text, SQL_MAX);
}

void sql_release(struct sql *sql)
{
	text_wipe(&sql->text);
}

void sql_begin(struct sql *sql, void *connection)
{
	sql->connection = connection;
	sql->failed = false;
	text_reset(&sql->text);
}

void sql_add_identifier(struct sql *sql, const char *name, size_t length)
{
	sql->failed |= !sql->dialect->add_identifier(sql->connection, &sql->text, name, length);
}

void sql_add_literal(struct sql *sql, const char *value, size_t length)
{
	sql->failed |= !sql->dialect->add_literal(sql->connection, &sql->text, value, length);
}

static void add_argument(struct sql *sql, char conversion, va_list *arguments)
{
	const char *text;

	if (conversion == '%') {
		text_add(&sql->text, "%");
		return;
	}
	if (conversion == 'd') {
		text_add_format(&sql->text, "%lld", (long long)va_arg(*arguments, int64_t));
		return;
	}
	text = va_arg(*arguments, const char *);
	if (conversion == 'i')
		sql_add_identifier(sql, text, strlen(text));
	else if (conversion == 'l')
		sql_add_literal(sql, text, strlen(text));
	else
		text_add(&sql->text, text);
}

void sql_add(struct sql *sql, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	for (const char *percent; (percent = strchr(format, '%')) != NULL; format = percent + 2) {
		text_add_bytes(&sql->text, format, (size_t)(percent - format));
		add_argument(sql, percent[1], &arguments);
	}
	va_end(arguments);
	text_add(&sql->text, format);
}

bool sql_is_empty(const struct sql *sql)
{
	return sql->text.length == 0 && !sql->failed && !sql->text.failed;
}

const char *sql_string(const struct sql *sql)
{
	return sql->failed || sql->text.failed ? NULL : text_string(&sql->text);
}
