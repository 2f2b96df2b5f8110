/* How fast checksums can be: CRC-32C with the processor's own instruction, where it has one. */
#include "bench.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

/* The reflected Castagnoli polynomial. */
static const uint32_t polynomial = 0x82f63b78;

static uint32_t byte_table[256];

static void make_byte_table(void) {
  for (uint32_t byte = 0; byte < 256; byte += 1) {
    uint32_t value = byte;
    for (int bit = 0; bit < 8; bit += 1) value = (value >> 1) ^ ((value & 1) ? polynomial : 0);
    byte_table[byte] = value;
  }
}

/* The checksum's inner state after these bytes: neither inverted before nor after. */
static uint32_t portable_state(uint32_t state, const uint8_t *bytes, size_t length) {
  for (size_t at = 0; at < length; at += 1) {
    state = (state >> 8) ^ byte_table[(state ^ bytes[at]) & 0xff];
  }
  return state;
}

#if defined(__x86_64__)
#define WITH_INSTRUCTION __attribute__((target("sse4.2")))
static const char instruction_name[] = "sse4.2";
WITH_INSTRUCTION static inline uint64_t step8(uint64_t state, uint64_t word) {
  return __builtin_ia32_crc32di(state, word);
}
static bool has_instruction(void) { return __builtin_cpu_supports("sse4.2"); }
#elif defined(__aarch64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__)
#define WITH_INSTRUCTION __attribute__((target("+crc")))
static const char instruction_name[] = "armv8 crc";
WITH_INSTRUCTION static inline uint64_t step8(uint64_t state, uint64_t word) {
  return __builtin_aarch64_crc32cx((uint32_t)state, word);
}
static bool has_instruction(void) { return (getauxval(AT_HWCAP) & (1ul << 7)) != 0; }
#else
#define WITH_INSTRUCTION
static const char instruction_name[] = "none";
static inline uint64_t step8(uint64_t state, uint64_t word) {
  uint8_t bytes[8];
  memcpy(bytes, &word, sizeof bytes);
  return portable_state((uint32_t)state, bytes, sizeof bytes);
}
static bool has_instruction(void) { return false; }
#endif

/* The instruction takes three cycles, and a new one can start each cycle: three parts of a long
 * run are worked on side by side. */
enum { part_bytes = 1024 };

/* What a state becomes by `part_bytes` zeros, for each of its four bytes. */
static uint32_t shift_table[4][256];

static uint64_t word_at(const uint8_t *bytes) {
  uint64_t word;
  memcpy(&word, bytes, sizeof word);
  return word;
}

WITH_INSTRUCTION static uint32_t serial_state(uint32_t start, const uint8_t *bytes, size_t length) {
  uint64_t state = start;
  size_t at = 0;
  for (; at + 8 <= length; at += 8) state = step8(state, word_at(bytes + at));
  return portable_state((uint32_t)state, bytes + at, length - at);
}

static void make_shift_table(void) {
  static const uint8_t zeros[part_bytes];
  for (int place = 0; place < 4; place += 1) {
    for (uint32_t byte = 0; byte < 256; byte += 1) {
      shift_table[place][byte] = serial_state(byte << (8 * place), zeros, part_bytes);
    }
  }
}

static uint32_t shift(uint32_t state) {
  return shift_table[0][state & 0xff] ^ shift_table[1][(state >> 8) & 0xff] ^
         shift_table[2][(state >> 16) & 0xff] ^ shift_table[3][state >> 24];
}

WITH_INSTRUCTION static uint32_t fast_state(uint32_t state, const uint8_t *bytes, size_t length) {
  for (; length >= 3 * part_bytes; bytes += 3 * part_bytes, length -= 3 * part_bytes) {
    uint64_t first = state;
    uint64_t second = 0;
    uint64_t third = 0;
    for (size_t at = 0; at < part_bytes; at += 8) {
      first = step8(first, word_at(bytes + at));
      second = step8(second, word_at(bytes + part_bytes + at));
      third = step8(third, word_at(bytes + 2 * part_bytes + at));
    }
    state = shift(shift((uint32_t)first) ^ (uint32_t)second) ^ (uint32_t)third;
  }
  return serial_state(state, bytes, length);
}

struct input {
  bool fast;
  const uint8_t *bytes;
  size_t length;
  uint32_t sink;
};

static uint32_t crc32c(const struct input *input) {
  return ~(input->fast ? fast_state(~0u, input->bytes, input->length)
                       : portable_state(~0u, input->bytes, input->length));
}

/* The clock costs as much as a short checksum: it is asked once for so many. */
enum { repetitions = 1000 };

static void checksum_many(void *context) {
  struct input *input = context;
  for (int done = 0; done < repetitions; done += 1) {
    input->sink ^= crc32c(input);
    touch(input);
  }
}

int main(int count, char **words) {
  static const size_t sizes[] = {64, 4096, 262144};
  struct arguments arguments = read_arguments(count, words, sizes, sizeof sizes / sizeof *sizes);
  make_byte_table();
  bool fast = has_instruction();
  if (fast) make_shift_table();
  for (size_t at = 0; at < arguments.count; at += 1) {
    size_t bytes = arguments.bytes[at];
    uint8_t *memory = page_memory(bytes);
    struct input input = {.fast = fast, .bytes = memory, .length = bytes};
    struct input portable = {.fast = false, .bytes = memory, .length = bytes};
    if (crc32c(&input) != crc32c(&portable)) return 1;
    double per_second = time_each(arguments.seconds, checksum_many, &input).per_second;
    begin_point("crc32c");
    setting_text("instruction", fast ? instruction_name : "none");
    setting_number("bytes", bytes);
    begin_figures();
    figure("rate", per_second * repetitions);
    figure("mbps", per_second * repetitions * (double)bytes / 1e6);
    end_point(NULL);
    free(memory);
  }
  return 0;
}
