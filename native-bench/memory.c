/* How fast memory is copied: blocks that no cache holds. The bytes are counted once, though each is
 * read and written. */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

struct copy {
  void *from;
  void *to;
  size_t bytes;
};

static void copy_once(void *context) {
  struct copy *copy = context;
  memcpy(copy->to, copy->from, copy->bytes);
  touch(copy->to);
}

int main(int count, char **words) {
  static const size_t sizes[] = {64ul << 20};
  struct arguments arguments = read_arguments(count, words, sizes, sizeof sizes / sizeof *sizes);
  for (size_t at = 0; at < arguments.count; at += 1) {
    size_t bytes = arguments.bytes[at];
    struct copy copy = {page_memory(bytes), page_memory(bytes), bytes};
    struct timing timing = time_each(arguments.seconds, copy_once, &copy);
    begin_point("memory");
    setting_number("bytes", bytes);
    begin_figures();
    timing_figures(timing, bytes);
    end_point(NULL);
    free(copy.from);
    free(copy.to);
  }
  return 0;
}
