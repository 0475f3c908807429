/* Logins that should be dead and may live, of all instances: counted and listed when somebody asks, from what is
 * pending and from the notes on what failed. */
#ifndef VIEW_LOGINS_H
#define VIEW_LOGINS_H

#include "records/lingering.h"
#include "view/view.h"

/* Visits all; of very many instances only the first LINGERING_MAX. */
void lingering_walk(const struct view *view, lingering_visit *visit, void *arg);
#define LINGERING_MAX 20000

#endif
