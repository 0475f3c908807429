/* A machine that is suspended, for tests that are linked with --wrap=clock_gettime. */
#ifndef STORE_CLOCK_H
#define STORE_CLOCK_H

#include <stdint.h>

/* So many microseconds pass by the clock that counts them (CLOCK_BOOTTIME), and none by the others. Any thread. */
void clock_suspend(int64_t us);

#endif
