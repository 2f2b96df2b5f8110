/* What the disk takes at best: one write of some bytes after another, each on disk before the next.
 *
 *   growing        each write makes the file longer, then fdatasync
 *   preallocated   over bytes that were written before, then fdatasync
 *   dsync          the same, by a file that was opened with O_DSYNC: one call instead of two
 *   direct         the same with O_DIRECT | O_DSYNC: past the page cache
 */
#define _GNU_SOURCE
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const off_t preallocated_bytes = 64l << 20;
/* A growing file starts anew there. */
static const off_t grown_bytes = 512l << 20;

struct mode {
  const char *name;
  int flags;
  bool grows;
  bool flushes;
};

static const struct mode modes[] = {
    {"growing", 0, true, true},
    {"preallocated", 0, false, true},
    {"dsync", O_DSYNC, false, false},
    {"direct", O_DSYNC | O_DIRECT, false, false},
};

struct writer {
  const struct mode *mode;
  int file;
  const void *buffer;
  size_t bytes;
  off_t at;
};

static void write_once(void *context) {
  struct writer *writer = context;
  off_t end = writer->mode->grows ? grown_bytes : preallocated_bytes;
  if (writer->at + (off_t)writer->bytes > end) {
    writer->at = 0;
    if (writer->mode->grows && ftruncate(writer->file, 0) != 0) fail("ftruncate");
  }
  ssize_t written = pwrite(writer->file, writer->buffer, writer->bytes, writer->at);
  if (written != (ssize_t)writer->bytes) fail("pwrite");
  if (writer->mode->flushes && fdatasync(writer->file) != 0) fail("fdatasync");
  writer->at += (off_t)writer->bytes;
}

/* Zeros alone may be kept as holes, which would be allocated only when they are overwritten. */
static void preallocate(int file) {
  size_t bytes = 1 << 20;
  void *block = page_memory(bytes);
  for (off_t at = 0; at < preallocated_bytes; at += (off_t)bytes) {
    if (pwrite(file, block, bytes, at) != (ssize_t)bytes) fail("preallocate");
  }
  if (fsync(file) != 0) fail("fsync");
  free(block);
}

/* A file without a name: it is gone when this process is, however it ends. Returns -1 where the
 * file system refuses the mode's flags. */
static int open_unnamed(const char *directory, const struct mode *mode) {
  char path[4096];
  int length = snprintf(path, sizeof path, "%s/append-XXXXXX", directory);
  if (length < 0 || (size_t)length >= sizeof path) {
    errno = ENAMETOOLONG;
    fail(directory);
  }
  int made = mkstemp(path);
  if (made < 0) fail(path);
  int file = open(path, O_RDWR | mode->flags);
  int refusal = errno;
  unlink(path);
  if (file >= 0 && !mode->grows) preallocate(made);
  close(made);
  errno = refusal;
  return file;
}

/* Why a mode cannot be measured, or NULL where `timing` is filled. */
static const char *measure(const struct arguments *arguments, const struct mode *mode, size_t bytes,
                           struct timing *timing) {
  if ((mode->flags & O_DIRECT) != 0 && bytes % 4096 != 0) return "O_DIRECT writes whole pages only";
  int file = open_unnamed(arguments->directory, mode);
  if (file < 0 && errno == EINVAL) return "this file system refuses O_DIRECT";
  if (file < 0) fail("open");
  void *buffer = page_memory(bytes);
  struct writer writer = {mode, file, buffer, bytes, 0};
  *timing = time_each(arguments->seconds, write_once, &writer);
  close(file);
  free(buffer);
  return NULL;
}

static void tell(const struct arguments *arguments, const struct mode *mode, size_t bytes) {
  struct timing timing;
  const char *obstacle = measure(arguments, mode, bytes, &timing);
  begin_point("append");
  setting_text("mode", mode->name);
  setting_number("bytes", bytes);
  begin_figures();
  if (obstacle == NULL) timing_figures(timing, bytes);
  end_point(obstacle);
}

int main(int count, char **words) {
  static const size_t sizes[] = {4096, 16384, 65536, 262144, 1048576};
  struct arguments arguments = read_arguments(count, words, sizes, sizeof sizes / sizeof *sizes);
  for (size_t size = 0; size < arguments.count; size += 1) {
    for (size_t mode = 0; mode < sizeof modes / sizeof *modes; mode += 1) {
      tell(&arguments, &modes[mode], arguments.bytes[size]);
    }
  }
  return 0;
}
