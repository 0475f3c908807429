/* The broker's sessions on a server as both sides count them. What was given up here and goes on there holds locks and
 * places of the server, and only the server knows of it. */
#ifndef WATCH_CENSUS_H
#define WATCH_CENSUS_H

#include "catalog/host.h"

/* Takes what the host's check has found. */
void census_take(struct host *host);
/* A whole sentence once two checks in a row have seen sessions that nobody here knows; "" otherwise. ret_sentence holds
 * ERROR_TEXT_MAX. True: the check before has said so, too; its numbers may be others with each. */
bool census_warn(const struct host *host, char *ret_sentence);

#endif
