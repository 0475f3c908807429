/* The steps that every table begins with. */
#ifndef DRIVER_MYSQL_LOOK_H
#define DRIVER_MYSQL_LOOK_H

void maria_step_take_session(void *arg);
/* Of every call that changes something, before it does. */
void maria_step_require_writable(void *arg);
/* Of every call that moves or drops tables: the engines of all of them are there. */
void maria_step_require_engines(void *arg);
/* Takes the instance's lock on the server, and looks for the server's mark and the instance's databases. The lock is
 * the session's: one that was given up keeps it until the server has done with its last statement, so no two calls ever
 * work on one instance. A holder that is not the broker's is ended; for one that is, nobody waits longer than a second.
 * What takes access away does so before, as it may have to wait here, and again behind it, as a late statement may have
 * given access back. */
void maria_step_look(void *arg);
/* Fails for good when the database is another instance's. */
void maria_step_require_own(void *arg);
/* The same, and when it is gone. */
void maria_step_require_database(void *arg);

#endif
