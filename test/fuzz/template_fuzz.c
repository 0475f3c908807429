/* Templates of environment values: what is checked can be rendered, and braces that stand for themselves are the only
 * ones that come out. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {"url", "host", NULL};
	static const struct pair values[] = {{"url", "db://u:p@h/n"}, {"host", "h"}, {"app", "shop"}};
	char *template = malloc(size + 1);
	struct error error = {0};
	struct text text;

	memcpy(template, data, size);
	template[size] = '\0';
	text_init(&text, 1 << 20);
	if (template_check(template, names, template_common, &error) == 0) {
		template_render(template, values, sizeof(values) / sizeof(*values), &text);
		if (!text.failed && strpbrk(template, "{}") == NULL && strcmp(template, text_string(&text)) != 0)
			abort();
	} else if (error.text[0] == '\0') {
		abort();
	}
	text_reset(&text);
	if (template_check(template, NULL, NULL, NULL) == 0)
		template_render(template, values, sizeof(values) / sizeof(*values), &text);
	(void)template_check_name(template, NULL);
	text_release(&text);
	free(template);
	return 0;
}
