/* Tables and single objects on a terminal. */
#include "cli/table.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define CELL_MAX    512
#define COLUMNS_MAX 12

/* The member as text, in cell when it has to be formatted. */
static const char *cell_text(const struct cJSON *value, char *cell)
{
	if (cJSON_IsString(value) || cJSON_IsRaw(value)) /* raw: a number that a double would change */
		snprintf(cell, CELL_MAX, "%s", value->valuestring);
	else if (cJSON_IsNumber(value))
		snprintf(cell, CELL_MAX, "%.15g", value->valuedouble);
	else if (cJSON_IsBool(value))
		snprintf(cell, CELL_MAX, "%s", cJSON_IsTrue(value) ? "yes" : "no");
	else
		cell[0] = '\0';
	for (char *c = cell; *c != '\0'; c++) {
		if ((unsigned char)*c < ' ' || *c == 127)
			*c = '?';
	}
	return cell;
}

/* Characters, not bytes. */
static int width_of(const char *text)
{
	int width = 0;

	for (; *text != '\0'; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

static void print_cell(FILE *file, const char *text, int width, bool last)
{
	fputs(text, file);
	if (last)
		fputc('\n', file);
	else
		fprintf(file, "%*s", width - width_of(text) + 2, "");
}

void table_print(FILE *file, const struct cJSON *items, const struct column *columns)
{
	int widths[COLUMNS_MAX] = {0};
	const struct cJSON *item;
	char cell[CELL_MAX];
	int count = 0;

	if (cJSON_GetArraySize(items) == 0)
		return;
	for (; count < COLUMNS_MAX && columns[count].title != NULL; count++) {
		widths[count] = width_of(columns[count].title);
		cJSON_ArrayForEach(item, items)
		{
			const int width =
			    width_of(cell_text(cJSON_GetObjectItemCaseSensitive(item, columns[count].key), cell));

			if (width > widths[count])
				widths[count] = width;
		}
	}
	for (int i = 0; i < count; i++)
		print_cell(file, columns[i].title, widths[i], i == count - 1);
	cJSON_ArrayForEach(item, items)
	{
		for (int i = 0; i < count; i++)
			print_cell(file, cell_text(cJSON_GetObjectItemCaseSensitive(item, columns[i].key), cell),
			           widths[i], i == count - 1);
	}
}

void table_print_object(FILE *file, const struct cJSON *object)
{
	const struct cJSON *member;
	char cell[CELL_MAX];
	int width = 0;

	cJSON_ArrayForEach(member, object)
	{
		if (!cJSON_IsArray(member) && !cJSON_IsObject(member) && width_of(member->string) > width)
			width = width_of(member->string);
	}
	cJSON_ArrayForEach(member, object)
	{
		if (cJSON_IsArray(member) || cJSON_IsObject(member))
			continue;
		print_cell(file, member->string, width, false);
		fprintf(file, "%s\n", cell_text(member, cell));
	}
}
