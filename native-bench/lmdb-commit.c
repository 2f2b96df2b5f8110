/* What LMDB takes at best for the log of a shard: one transaction a record, the record appended
 * under the next number, and the oldest one deleted, so that its pages are used again.
 *
 *   strict       pages are flushed, then the meta page is written through: two flushes a commit
 *   noMetaSync   pages are flushed, the meta page is written only: one flush a commit
 */
#include "bench.h"

#include <errno.h>
#include <lmdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const size_t map_bytes = 1ul << 30;
/* Bytes of the records that are kept. */
static const size_t kept_bytes = 16ul << 20;

struct mode {
  const char *name;
  unsigned int flags;
};

static const struct mode modes[] = {{"strict", 0}, {"noMetaSync", MDB_NOMETASYNC}};

struct log {
  MDB_env *env;
  MDB_dbi records;
  /* Of the oldest record, and of the one to be written. */
  uint64_t oldest;
  uint64_t next;
  void *record;
  size_t bytes;
};

static void check(int status, const char *what) {
  if (status == MDB_SUCCESS) return;
  fprintf(stderr, "%s: %s\n", what, mdb_strerror(status));
  exit(1);
}

/* Big-endian, so that the order of bytes is that of the numbers. */
static MDB_val key_of(uint64_t number, uint8_t bytes[8]) {
  for (int at = 0; at < 8; at += 1) bytes[at] = (uint8_t)(number >> (56 - 8 * at));
  return (MDB_val){.mv_size = 8, .mv_data = bytes};
}

static void put_next(MDB_txn *txn, struct log *log) {
  uint8_t bytes[8];
  MDB_val key = key_of(log->next, bytes);
  MDB_val value = {.mv_size = log->bytes, .mv_data = log->record};
  check(mdb_put(txn, log->records, &key, &value, MDB_APPEND), "mdb_put");
  log->next += 1;
}

static void delete_oldest(MDB_txn *txn, struct log *log) {
  uint8_t bytes[8];
  MDB_val key = key_of(log->oldest, bytes);
  check(mdb_del(txn, log->records, &key, NULL), "mdb_del");
  log->oldest += 1;
}

static void commit_once(void *context) {
  struct log *log = context;
  MDB_txn *txn;
  check(mdb_txn_begin(log->env, NULL, 0, &txn), "mdb_txn_begin");
  put_next(txn, log);
  delete_oldest(txn, log);
  check(mdb_txn_commit(txn), "mdb_txn_commit");
}

/* The records that are kept from the start, in one transaction. */
static void fill(struct log *log) {
  MDB_txn *txn;
  check(mdb_txn_begin(log->env, NULL, 0, &txn), "mdb_txn_begin");
  check(mdb_dbi_open(txn, "log", MDB_CREATE, &log->records), "mdb_dbi_open");
  size_t count = kept_bytes / log->bytes;
  if (count < 8) count = 8;
  for (size_t written = 0; written < count; written += 1) put_next(txn, log);
  check(mdb_txn_commit(txn), "mdb_txn_commit");
}

static void join(char path[4096], const char *directory, const char *name) {
  int length = snprintf(path, 4096, "%s/%s", directory, name);
  if (length >= 0 && length < 4096) return;
  errno = ENAMETOOLONG;
  fail(directory);
}

/* The files lose their names as soon as they are open: nothing stays, however this process ends. */
static MDB_env *open_unnamed(const char *directory, unsigned int flags) {
  static const char *const files[] = {"data.mdb", "lock.mdb"};
  char own[4096];
  join(own, directory, "lmdb-XXXXXX");
  if (mkdtemp(own) == NULL) fail(own);
  MDB_env *env;
  check(mdb_env_create(&env), "mdb_env_create");
  check(mdb_env_set_mapsize(env, map_bytes), "mdb_env_set_mapsize");
  check(mdb_env_set_maxdbs(env, 4), "mdb_env_set_maxdbs");
  int status = mdb_env_open(env, own, flags | MDB_NOMEMINIT, 0600);
  for (size_t at = 0; at < sizeof files / sizeof *files; at += 1) {
    char path[4096];
    join(path, own, files[at]);
    unlink(path);
  }
  rmdir(own);
  check(status, "mdb_env_open");
  return env;
}

static void measure(const struct arguments *arguments, const struct mode *mode, size_t bytes) {
  struct log log = {.oldest = 1, .next = 1, .bytes = bytes, .record = page_memory(bytes)};
  log.env = open_unnamed(arguments->directory, mode->flags);
  fill(&log);
  struct timing timing = time_each(arguments->seconds, commit_once, &log);
  begin_point("lmdb");
  setting_text("mode", mode->name);
  setting_number("bytes", bytes);
  begin_figures();
  timing_figures(timing, bytes);
  end_point(NULL);
  mdb_env_close(log.env);
  free(log.record);
}

int main(int count, char **words) {
  static const size_t sizes[] = {1024, 16384, 65536, 262144};
  struct arguments arguments = read_arguments(count, words, sizes, sizeof sizes / sizeof *sizes);
  for (size_t size = 0; size < arguments.count; size += 1) {
    for (size_t mode = 0; mode < sizeof modes / sizeof *modes; mode += 1) {
      measure(&arguments, &modes[mode], arguments.bytes[size]);
    }
  }
  return 0;
}
