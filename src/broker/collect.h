/* The measures that are looked up: of the queue, the servers, the drift, logins and the store. */
#ifndef BROKER_COLLECT_H
#define BROKER_COLLECT_H

/* arg: the broker. */
void collect(void *arg);

#endif
