/* kernels/gemm in C: packed panels, tiles of four rows by two vectors, f64 or f32, random matrices of Philox. */
#include "task.h"
#include "philox.h"

#define DEPTH 256
/* Strips of B, of two vectors each, that are packed at a time. */
#define STRIPS 64

/* Four rows to columns of four. */
static inline void multiply64_turn(double *to, d2 x0, d2 x1, d2 x2, d2 x3) {
  PUT(d2, to, ((d2){x0[0], x1[0]})), PUT(d2, to + 2, ((d2){x2[0], x3[0]}));
  PUT(d2, to + 4, ((d2){x0[1], x1[1]})), PUT(d2, to + 6, ((d2){x2[1], x3[1]}));
}
static inline void multiply32_turn(float *to, f4 x0, f4 x1, f4 x2, f4 x3) {
  for (int x = 0; x < 4; x++) PUT(f4, to + 4 * x, ((f4){x0[x], x1[x], x2[x], x3[x]}));
}

#define MULTIPLY(NAME, T, V, UV, WIDTH)                                                                                              \
  static void NAME##_tile(const T *a, const T *b, T *c, size_t row, size_t depth, int first) {                                       \
    T *c1 = c + row, *c2 = c1 + row, *c3 = c2 + row;                                                                                 \
    V s00 = {0}, s01 = {0}, s10 = {0}, s11 = {0}, s20 = {0}, s21 = {0}, s30 = {0}, s31 = {0};                                        \
    if (!first) {                                                                                                                    \
      s00 = AT(UV, c), s01 = AT(UV, c + WIDTH / 2), s10 = AT(UV, c1), s11 = AT(UV, c1 + WIDTH / 2);                                  \
      s20 = AT(UV, c2), s21 = AT(UV, c2 + WIDTH / 2), s30 = AT(UV, c3), s31 = AT(UV, c3 + WIDTH / 2);                                \
    }                                                                                                                                \
    const T *end = b + depth * WIDTH;                                                                                                \
    do {                                                                                                                             \
      const V b0 = *(const V *)b, b1 = *(const V *)(b + WIDTH / 2);                                                                  \
      s00 += a[0] * b0, s01 += a[0] * b1;                                                                                            \
      s10 += a[1] * b0, s11 += a[1] * b1;                                                                                            \
      s20 += a[2] * b0, s21 += a[2] * b1;                                                                                            \
      s30 += a[3] * b0, s31 += a[3] * b1;                                                                                            \
      a += 4, b += WIDTH;                                                                                                            \
    } while (b < end);                                                                                                               \
    PUT(UV, c, s00), PUT(UV, c + WIDTH / 2, s01), PUT(UV, c1, s10), PUT(UV, c1 + WIDTH / 2, s11);                                    \
    PUT(UV, c2, s20), PUT(UV, c2 + WIDTH / 2, s21), PUT(UV, c3, s30), PUT(UV, c3 + WIDTH / 2, s31);                                  \
  }                                                                                                                                  \
  static void NAME##_columns(const T *b, T *to, size_t n, size_t width, size_t depth) {                                              \
    for (size_t j = 0; j < width; j += WIDTH) {                                                                                      \
      const size_t count = width - j < WIDTH ? width - j : WIDTH;                                                                    \
      const T *from = b + j;                                                                                                         \
      for (size_t q = 0; q < depth; q++, from += n, to += WIDTH) {                                                                   \
        if (count == WIDTH) COPY(to, from, WIDTH * sizeof(T));                                                                       \
        else for (size_t x = 0; x < WIDTH; x++) to[x] = x < count ? from[x] : 0;                                                     \
      }                                                                                                                              \
    }                                                                                                                                \
  }                                                                                                                                  \
  static void NAME##_rows(const T *a, T *to, size_t k, size_t rows, size_t depth) {                                                  \
    const T *a1 = a + (rows > 1 ? k : 0), *a2 = a + (rows > 2 ? 2 * k : 0), *a3 = a + (rows > 3 ? 3 * k : 0);                        \
    size_t q = 0;                                                                                                                    \
    for (; q + 16 / sizeof(T) <= depth; q += 16 / sizeof(T), to += 64 / sizeof(T))                                                   \
      NAME##_turn(to, AT(UV, a + q), AT(UV, a1 + q), AT(UV, a2 + q), AT(UV, a3 + q));                                                \
    for (; q < depth; q++, to += 4) to[0] = a[q], to[1] = a1[q], to[2] = a2[q], to[3] = a3[q];                                       \
  }                                                                                                                                  \
  static void NAME(const T *a, const T *b, T *c, size_t m, size_t n, size_t k) {                                                     \
    T *strips = take(STRIPS * WIDTH * DEPTH * sizeof(T)), *group = take(4 * DEPTH * sizeof(T)), *edge = take(4 * WIDTH * sizeof(T)); \
    for (size_t j = 0; j < n; j += STRIPS * WIDTH) {                                                                                 \
      const size_t width = n - j < STRIPS * WIDTH ? n - j : STRIPS * WIDTH;                                                          \
      for (size_t p = 0; p < k; p += DEPTH) {                                                                                        \
        const size_t depth = k - p < DEPTH ? k - p : DEPTH;                                                                          \
        NAME##_columns(b + p * n + j, strips, n, width, depth);                                                                      \
        for (size_t i = 0; i < m; i += 4) {                                                                                          \
          const size_t rows = m - i < 4 ? m - i : 4;                                                                                 \
          NAME##_rows(a + i * k + p, group, k, rows, depth);                                                                         \
          for (size_t x = 0; x < width; x += WIDTH) {                                                                                \
            const T *strip = strips + x * depth;                                                                                     \
            T *at = c + i * n + j + x;                                                                                               \
            const size_t count = width - x < WIDTH ? width - x : WIDTH;                                                              \
            if (rows == 4 && count == WIDTH) {                                                                                       \
              NAME##_tile(group, strip, at, n, depth, p == 0);                                                                       \
              continue;                                                                                                              \
            }                                                                                                                        \
            for (size_t r = 0; p > 0 && r < rows; r++) COPY(edge + r * WIDTH, at + r * n, count * sizeof(T));                        \
            NAME##_tile(group, strip, edge, WIDTH, depth, p == 0);                                                                   \
            for (size_t r = 0; r < rows; r++) COPY(at + r * n, edge + r * WIDTH, count * sizeof(T));                                 \
          }                                                                                                                          \
        }                                                                                                                            \
      }                                                                                                                              \
    }                                                                                                                                \
    give(edge), give(group), give(strips);                                                                                           \
  }

typedef f4 f4u __attribute__((aligned(1), may_alias));
MULTIPLY(multiply64, double, d2, d2u, 4)
MULTIPLY(multiply32, float, f4, f4u, 8)

static buffer run(const uint8_t *input, size_t size) {
  const size_t m = (size_t)setting(input, size, "rows", 0, 0), n = (size_t)setting(input, size, "columns", 0, 0);
  const size_t k = (size_t)setting(input, size, "inner", 0, 0), bits = (size_t)setting(input, size, "bits", 0, 64);
  const philox random = philox_of((uint64_t)setting(input, size, "seed", 0, 0));
  const size_t each = bits / 8, given = (m * k + k * n) * each;
  const size_t data = data_of(input, size);
  uint8_t *random_a = take(given + 32);
  const uint8_t *a = data < size ? input + data : random_a;
  uint64_t block = 0;
  for (size_t at = 0; data == size && at < given; at += 2 * each, block++) {
    const d2 even = philox_even(random, block, 0);
    const double first = 2 * even[0] - 1, second = 2 * even[1] - 1;
    if (bits == 64) PUT(double, random_a + at, first), PUT(double, random_a + at + 8, second);
    else PUT(float, random_a + at, (float)first), PUT(float, random_a + at + 4, (float)second);
  }
  buffer out = {take(32 + m * n * each), 32 + m * n * each};
  CLEAR(out.bytes, 32);
  COPY(out.bytes, "lodggemm", 8);
  PUT(uint32_t, out.bytes + 8, 1), PUT(uint32_t, out.bytes + 12, (uint32_t)m);
  PUT(uint32_t, out.bytes + 16, (uint32_t)n), PUT(uint32_t, out.bytes + 20, (uint32_t)bits);
  /* The benchmark's data are aligned. */
  const uint8_t *b = a + m * k * each;
  uint8_t *c = out.bytes + 32;
  if (bits == 64) multiply64((const double *)a, (const double *)b, (double *)c, m, n, k);
  else multiply32((const float *)a, (const float *)b, (float *)c, m, n, k);
  give(random_a);
  return out;
}

#include "serve.h"
