/* An instance's binds and operations. */
#ifndef VIEW_CHILDREN_H
#define VIEW_CHILDREN_H

#include "view/view.h"

/* An object: what only memory knows of an operation under way is added to its record. */
void children_show_operation(const struct view *view, struct text *json, const struct operation *operation);
/* Lists, the newest operation first; they are read into arena. */
int children_show_binds(const struct view *view, struct arena *arena, const struct instance *instance,
                        struct text *json, struct error *error);
int children_show_operations(const struct view *view, struct arena *arena, const struct instance *instance,
                             struct text *json, struct error *error);

#endif
