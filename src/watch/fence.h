/* Whether work may go to a server: by the mark that it carries.
 *
 *   it carries                            and then
 *   the broker's own mark                 work goes there
 *   an older one of this store            the present one is written, work goes there
 *   another store's                       nothing is done there until an operator claims it
 *   a later or equal one of this store    a copy of the store was started since: likewise
 *   none, and it holds no instances       it is marked
 *   none, and its mark was seen before    it is another server, or was made anew: likewise
 *   none, and never was marked            its list is compared with the records: marked when all is there
 *
 * A store whose file is another one than when the server was marked is a copy or a restored backup: what happened since
 * is not in it, and every server that holds something has to be claimed. */
#ifndef WATCH_FENCE_H
#define WATCH_FENCE_H

#include "catalog/host.h"

/* For a host whose driver has marks, after a good check, with host->check free: reads the mark, decides, writes it.
 * on_done fires once, from the loop: 0, or the code and the sentence why nothing is done there. */
typedef void fence_done(struct host *host, int code, const struct error *error);
void fence_ask(struct host *host, fence_done *on_done);
/* A server that answers no check: work that waits for its first mark is told so. */
void fence_fail(struct host *host, const struct error *error);
/* Frees what a comparison under way holds; host->check is the caller's to cancel. */
void fence_close(struct host *host);

/* Whether the driver has marks, so that fence_ask is for it. */
bool fence_has_marks(const struct host *host);

#endif
