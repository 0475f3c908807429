/* Threads beside the loop. */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>

/* Begins one that blocks every signal: the loop handles them all. 0, or an errno; the caller joins or detaches it. */
int thread_start(pthread_t *ret_thread, void *(*run)(void *arg), void *arg);

#endif
