/* Crash points: named places where a test ends the program as a crash would. They are compiled in with
 * -DCRASH_POINTS=ON only; otherwise a point is nothing, and its arguments are not evaluated. With the environment
 * CRASH_POINT=NAME[:N] the program ends by _exit(CRASH_STATUS) when it passes the point of that name for the N-th time
 * (default: the first). With CRASH_LOG=FILE the name of each point is appended to it when it is passed, so that tests
 * find the points by themselves. */
#ifndef BASE_CRASH_H
#define BASE_CRASH_H

#define CRASH_STATUS 99

/* The name as printf's format and arguments; at most 99 bytes. */
#ifdef CRASH_POINTS
#define crash_point(...) crash_pass(__VA_ARGS__)
void crash_pass(const char *format, ...) __attribute__((format(printf, 1, 2)));
#else
#define crash_point(...) ((void)0)
#endif

#endif
