/* libpq quotes names and values; a setting is what only this dialect has. */
#include "dialect.h"

#include <string.h>
#include <strings.h>

#include "pq/libpq.h"

/* Settings whose value the server takes as a list of names: one literal would be one name, commas and all. */
static const char *const list_settings[] = {
    "search_path", "temp_tablespaces", "local_preload_libraries", "session_preload_libraries", NULL,
};

static bool add_escaped(const struct pg_connection *connection, struct text *text, char *escaped)
{
	if (escaped != NULL)
		text_add(text, escaped);
	connection->pq->freemem(escaped);
	return escaped != NULL;
}

static bool add_identifier(void *arg, struct text *text, const char *name, size_t length)
{
	const struct pg_connection *connection = arg;

	return add_escaped(connection, text, connection->pq->escapeIdentifier(connection->handle, name, length));
}

static bool add_literal(void *arg, struct text *text, const char *value, size_t length)
{
	const struct pg_connection *connection = arg;

	return add_escaped(connection, text, connection->pq->escapeLiteral(connection->handle, value, length));
}

const struct sql_dialect postgres_dialect = {.add_identifier = add_identifier, .add_literal = add_literal};

bool sql_takes_list(const char *name)
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
		sql_add_literal(sql, value, length);
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

		sql_add_identifier(sql, name, length);
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
	if (sql_takes_list(name))
		add_list(sql, value);
	else
		sql_add_literal(sql, value, strlen(value));
	text_add(&sql->text, ";\n");
}

void sql_begin_part(struct sql *part, const struct sql *sql)
{
	sql_init(part, sql->dialect);
	sql_begin(part, sql->connection);
}

void sql_end_block(struct sql *sql, struct sql *block)
{
	const char *text = sql_string(block);

	if (text != NULL)
		sql_add(sql, "DO %l;\n", text);
	else
		sql->failed = true;
	sql_release(block);
}

void sql_end_loop(struct sql *sql, struct sql *query)
{
	struct sql block;

	sql_begin_part(&block, sql);
	sql_add(&block,
	        "DECLARE statement text; BEGIN FOR statement IN\n%s\nLOOP BEGIN EXECUTE statement;"
	        " EXCEPTION WHEN insufficient_privilege THEN NULL; END; END LOOP; END",
	        sql_string(query) != NULL ? sql_string(query) : "");
	block.failed |= sql_string(query) == NULL;
	sql_release(query);
	sql_end_block(sql, &block);
}
