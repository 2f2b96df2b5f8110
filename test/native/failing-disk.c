/*
 * A disk that fails when it is told to: a library for LD_PRELOAD that stands between a program and
 * the calls which write and flush files. Those on files below one directory are counted, and the
 * ones that the rule names do not reach the kernel as they were meant. Sockets, pipes and all other
 * files are left alone.
 *
 * The rule is one line in the file that FAILING_DISK_RULE names. It is read again at every call, so
 * a disk can begin to fail, and recover, while the program runs; a new line starts a new count.
 *
 *      <action> <kind> <first> <last> <directory>
 *      EIO flush 9 9 /tmp/x                the 9th flush fails, the later ones do not
 *      hang flush 1 1000000000 /tmp/x      every flush hangs until the rule is another
 *      sound any 1 1 /tmp/x                nothing fails
 *
 *      kind     write: write, pwrite, writev, pwritev   flush: fsync, fdatasync, msync
 *               size: ftruncate, fallocate              any: all of them
 *      action   EIO, ENOSPC   the call fails with it
 *               short         a write takes half of its bytes, as one on a full disk does
 *               lie           the call does nothing and reports success
 *               hang          the call does not return before the rule changes
 *               kill          SIGKILL to the process, before the call
 *               count         the number of the call is written to FAILING_DISK_COUNT
 *               sound         nothing
 *
 * msync names memory instead of a file: it counts as one in the directory.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define RULE_BYTES 4096

enum outcome { PASS, FAIL, SHORT, LIE };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static char last_rule[RULE_BYTES];
static long calls;

/* Reads the rule; an absent file is no rule. System calls of our own, since libc's are below. */
static void read_rule(char *rule) {
  rule[0] = 0;
  const char *path = getenv("FAILING_DISK_RULE");
  if (path == NULL) return;
  int fd = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  long length = syscall(SYS_read, fd, rule, RULE_BYTES - 1);
  rule[length < 0 ? 0 : length] = 0;
  syscall(SYS_close, fd);
}

static int is_below(int fd, const char *directory) {
  char link[64], path[RULE_BYTES];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  long length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  size_t prefix = strlen(directory);
  return strncmp(path, directory, prefix) == 0 && path[prefix] == '/';
}

static void tell_count(long count) {
  const char *path = getenv("FAILING_DISK_COUNT");
  if (path == NULL) return;
  int fd = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  char text[32];
  int length = snprintf(text, sizeof text, "%ld\n", count);
  syscall(SYS_pwrite64, fd, text, length, 0L);
  syscall(SYS_close, fd);
}

static void hang(const char *rule) {
  char now[RULE_BYTES];
  struct timespec pause = {0, 5000000};
  do {
    syscall(SYS_nanosleep, &pause, NULL);
    read_rule(now);
  } while (strcmp(now, rule) == 0);
}

/* What shall become of one call; sets errno where it shall fail. fd -1 stands for memory. */
static enum outcome judge(const char *kind, int fd) {
  char rule[RULE_BYTES], action[16], kinds[16], directory[RULE_BYTES];
  long first, last;
  int saved = errno;
  read_rule(rule);
  if (sscanf(rule, "%15s %15s %ld %ld %4095s", action, kinds, &first, &last, directory) != 5 ||
      (strcmp(kinds, "any") != 0 && strcmp(kinds, kind) != 0) ||
      (fd >= 0 && !is_below(fd, directory))) {
    errno = saved;
    return PASS;
  }
  pthread_mutex_lock(&mutex);
  if (strcmp(rule, last_rule) != 0) {
    strcpy(last_rule, rule);
    calls = 0;
  }
  long count = ++calls;
  pthread_mutex_unlock(&mutex);
  errno = saved;
  if (strcmp(action, "count") == 0) tell_count(count);
  if (count < first || count > last) return PASS;
  if (strcmp(action, "kill") == 0) kill(getpid(), SIGKILL);
  if (strcmp(action, "hang") == 0) hang(rule);
  if (strcmp(action, "short") == 0) return SHORT;
  if (strcmp(action, "lie") == 0) return LIE;
  errno = strcmp(action, "EIO") == 0 ? EIO : strcmp(action, "ENOSPC") == 0 ? ENOSPC : saved;
  return errno == EIO || errno == ENOSPC ? FAIL : PASS;
}

static long bytes_of(const struct iovec *parts, int count) {
  long bytes = 0;
  for (int i = 0; i < count; i += 1) bytes += parts[i].iov_len;
  return bytes;
}

/* A short scattered write takes the first half of its first part. */
#define JUDGED_VECTOR(fd, parts, count, call)                                      \
  switch (judge("write", fd)) {                                                    \
    case FAIL: return -1;                                                          \
    case LIE: return bytes_of(parts, count);                                       \
    case SHORT: {                                                                  \
      struct iovec part = {parts[0].iov_base, (parts[0].iov_len + 1) / 2};         \
      const struct iovec *parts = &part;                                           \
      int count = 1;                                                               \
      return call;                                                                 \
    }                                                                              \
    default: return call;                                                          \
  }

#define JUDGED_WRITE(fd, length, call)          \
  switch (judge("write", fd)) {                 \
    case FAIL: return -1;                       \
    case LIE: return length;                    \
    case SHORT: length = (length + 1) / 2;      \
    /* fall through */                          \
    default: return call;                       \
  }

#define JUDGED(kind, fd, call)                  \
  switch (judge(kind, fd)) {                    \
    case FAIL: return -1;                       \
    case LIE: return 0;                         \
    default: return call;                       \
  }

ssize_t write(int fd, const void *bytes, size_t length) {
  JUDGED_WRITE(fd, length, syscall(SYS_write, fd, bytes, length));
}
ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t at) {
  JUDGED_WRITE(fd, length, syscall(SYS_pwrite64, fd, bytes, length, at));
}
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) {
  return pwrite64(fd, bytes, length, at);
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
  JUDGED_VECTOR(fd, parts, count, syscall(SYS_writev, fd, parts, count));
}
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at) {
  JUDGED_VECTOR(fd, parts, count, syscall(SYS_pwritev, fd, parts, count, at, 0L));
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) {
  return pwritev64(fd, parts, count, at);
}
int fsync(int fd) { JUDGED("flush", fd, syscall(SYS_fsync, fd)); }
int fdatasync(int fd) { JUDGED("flush", fd, syscall(SYS_fdatasync, fd)); }
int msync(void *start, size_t length, int flags) {
  JUDGED("flush", -1, syscall(SYS_msync, start, length, flags));
}
int ftruncate64(int fd, off64_t length) { JUDGED("size", fd, syscall(SYS_ftruncate, fd, length)); }
int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }
int fallocate64(int fd, int mode, off64_t at, off64_t length) {
  JUDGED("size", fd, syscall(SYS_fallocate, fd, mode, at, length));
}
int fallocate(int fd, int mode, off_t at, off_t length) {
  return fallocate64(fd, mode, at, length);
}
int posix_fallocate64(int fd, off64_t at, off64_t length) {
  return fallocate64(fd, 0, at, length) == 0 ? 0 : errno;
}
int posix_fallocate(int fd, off_t at, off_t length) { return posix_fallocate64(fd, at, length); }
