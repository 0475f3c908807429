/* The environment that a bind answers: the driver's variables through the templates of driver, service and plan. */
#ifndef LIFE_ENVIRONMENT_H
#define LIFE_ENVIRONMENT_H

#include "life/life.h"

/* Fills job->run->environment from its call's results, in its arena. */
int environment_render(struct job *job, struct error *error);
/* Checks a bind's env_prefix parameter, which every driver has. */
int environment_check_prefix(const struct cJSON *parameters, struct error *error);

#define ENVIRONMENT_MAX       256         /* variables of one bind */
#define ENVIRONMENT_VALUE_MAX (64 * 1024) /* bytes of one value */

#endif
