/* Operations with their progress. */
#ifndef VIEW_PENDING_H
#define VIEW_PENDING_H

#include "view/view.h"

/* An object: what only memory knows of an operation under way is added to its record. */
void pending_show(const struct view *view, struct text *json, const struct operation *operation);

#endif
