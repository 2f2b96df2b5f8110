/* The floor of the disk: appends of one size, each followed by fdatasync, into a fresh file and into a preallocated one.
 *     make && ./flush [directory] [bytes] [seconds]
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void measure(const char *directory, size_t bytes, double seconds, off_t preallocated) {
  char path[4096];
  snprintf(path, sizeof path, "%s/flush-XXXXXX", directory);
  int file = mkstemp(path);
  if (file < 0) {
    perror(path);
    exit(1);
  }
  char *buffer = malloc(bytes);
  if (buffer == NULL) exit(1);
  memset(buffer, 7, bytes);
  for (off_t at = 0; at + (off_t)bytes <= preallocated; at += (off_t)bytes) {
    if (pwrite(file, buffer, bytes, at) != (ssize_t)bytes) exit(1);
  }
  if (fsync(file) != 0) exit(1);
  off_t at = 0;
  long flushes = 0;
  double start = now();
  while (now() - start < seconds) {
    if (preallocated > 0 && at + (off_t)bytes > preallocated) at = 0;
    if (pwrite(file, buffer, bytes, at) != (ssize_t)bytes || fdatasync(file) != 0) {
      perror("write");
      exit(1);
    }
    at += (off_t)bytes;
    flushes += 1;
  }
  double elapsed = now() - start;
  printf("{\"bytes\":%zu,\"preallocated\":%s,\"flushesPerSecond\":%.0f,\"microsPerFlush\":%.0f}\n", bytes,
         preallocated > 0 ? "true" : "false", (double)flushes / elapsed, elapsed * 1e6 / (double)flushes);
  close(file);
  unlink(path);
  free(buffer);
}

int main(int count, char **arguments) {
  const char *directory = count > 1 ? arguments[1] : "/tmp";
  size_t bytes = count > 2 ? (size_t)atol(arguments[2]) : 16384;
  double seconds = count > 3 ? atof(arguments[3]) : 2;
  measure(directory, bytes, seconds, 0);
  measure(directory, bytes, seconds, 64 * 1024 * 1024);
  return 0;
}
