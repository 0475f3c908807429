/* Statements from a format and arguments. What came from outside goes in by %i or %l only. */
#include "sql.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

/* Settings whose value the server takes as a list of names: one literal would be one name, commas and all. */
static const char *const list_settings[] = {
    "search_path", "temp_tablespaces", "local_preload_libraries", "session_preload_libraries", NULL,
};

void sql_init(struct sql *sql)
{
	*sql = (struct sql){0};
	text_init(&sql->text, SQL_MAX);
}

void sql_release(struct sql *sql)
{
	text_wipe(&sql->text);
}

void sql_begin(struct sql *sql, PGconn *connection)
{
	sql->connection = connection;
	sql->failed = false;
	text_reset(&sql->text);
}

static void add_escaped(struct sql *sql, char *escaped)
{
	if (escaped == NULL)
		sql->failed = true;
	else
		text_add(&sql->text, escaped);
	PQfreemem(escaped);
}

static void add_identifier(struct sql *sql, const char *text, size_t length)
{
	add_escaped(sql, PQescapeIdentifier(sql->connection, text, length));
}

static void add_literal(struct sql *sql, const char *text, size_t length)
{
	add_escaped(sql, PQescapeLiteral(sql->connection, text, length));
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
		add_identifier(sql, text, strlen(text));
	else if (conversion == 'l')
		add_literal(sql, text, strlen(text));
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

static bool takes_list(const char *name)
{
	for (size_t i = 0; list_settings[i] != NULL; i++)
		if (strcasecmp(list_settings[i], name) == 0)
			return true;
	return false;
}

static void add_list(struct sql *sql, const char *value)
{
	for (;;) {
		size_t length;

		value += strspn(value, " ");
		length = strcspn(value, ",");
		while (length > 0 && value[length - 1] == ' ')
			length--;
		add_literal(sql, value, length);
		value = strchr(value, ',');
		if (value == NULL)
			return;
		text_add(&sql->text, ", ");
		value++;
	}
}

/* The parts of a name like auto_explain.log_analyze are identifiers each. */
static void add_name(struct sql *sql, const char *name)
{
	for (;;) {
		const size_t length = strcspn(name, ".");

		add_identifier(sql, name, length);
		if (name[length] == '\0')
			return;
		text_add(&sql->text, ".");
		name += length + 1;
	}
}

void sql_add_setting(struct sql *sql, const char *role, const char *database, const char *name, const char *value)
{
	sql_add(sql, "ALTER ROLE %i IN DATABASE %i SET ", role, database);
	add_name(sql, name);
	text_add(&sql->text, " TO ");
	if (takes_list(name))
		add_list(sql, value);
	else
		add_literal(sql, value, strlen(value));
	text_add(&sql->text, ";\n");
}

bool sql_is_empty(const struct sql *sql)
{
	return sql->text.length == 0 && !sql->failed && !sql->text.failed;
}

const char *sql_string(const struct sql *sql)
{
	return sql->failed || sql->text.failed ? NULL : text_string(&sql->text);
}
