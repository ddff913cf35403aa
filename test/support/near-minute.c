/* cron acts when a minute begins. Preloaded into it, this moves its clock by CLOCK_AHEAD seconds, so that
 * a test need not wait for the next one. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <time.h>

time_t time(time_t *where) {
  struct timespec now;
  const char *ahead = getenv("CLOCK_AHEAD");
  clock_gettime(CLOCK_REALTIME, &now);
  now.tv_sec += ahead == NULL ? 0 : atoi(ahead);
  if (where != NULL) *where = now.tv_sec;
  return now.tv_sec;
}
