/* kernels/gemm in C: packed panels, tiles of four rows by two vectors, f64 or f32, random matrices of Philox. */
#include "task.h"
#include "philox.h"

#define DEPTH 256
#define HEIGHT 256

#define MULTIPLY(NAME, T, V, UV, WIDTH)                                                                                      \
  static void NAME##_tile(const T *a, const T *b, T *c, size_t row, size_t depth) {                                          \
    T *c1 = c + row, *c2 = c1 + row, *c3 = c2 + row;                                                                         \
    V s00 = AT(UV, c), s01 = AT(UV, c + WIDTH / 2), s10 = AT(UV, c1), s11 = AT(UV, c1 + WIDTH / 2);                          \
    V s20 = AT(UV, c2), s21 = AT(UV, c2 + WIDTH / 2), s30 = AT(UV, c3), s31 = AT(UV, c3 + WIDTH / 2);                        \
    const T *end = b + depth * WIDTH;                                                                                        \
    do {                                                                                                                     \
      const V b0 = *(const V *)b, b1 = *(const V *)(b + WIDTH / 2);                                                          \
      s00 += a[0] * b0, s01 += a[0] * b1;                                                                                    \
      s10 += a[1] * b0, s11 += a[1] * b1;                                                                                    \
      s20 += a[2] * b0, s21 += a[2] * b1;                                                                                    \
      s30 += a[3] * b0, s31 += a[3] * b1;                                                                                    \
      a += 4, b += WIDTH;                                                                                                    \
    } while (b < end);                                                                                                       \
    PUT(UV, c, s00), PUT(UV, c + WIDTH / 2, s01), PUT(UV, c1, s10), PUT(UV, c1 + WIDTH / 2, s11);                            \
    PUT(UV, c2, s20), PUT(UV, c2 + WIDTH / 2, s21), PUT(UV, c3, s30), PUT(UV, c3 + WIDTH / 2, s31);                          \
  }                                                                                                                          \
  static void NAME(const T *a, const T *b, T *c, size_t m, size_t n, size_t k) {                                             \
    CLEAR(c, m * n * sizeof(T));                                                                                             \
    T *packed_b = take((n + WIDTH - 1) / WIDTH * WIDTH * DEPTH * sizeof(T)), *packed_a = take(HEIGHT * DEPTH * sizeof(T));   \
    T *edge = take(4 * WIDTH * sizeof(T));                                                                                   \
    for (size_t p = 0; p < k; p += DEPTH) {                                                                                  \
      const size_t depth = k - p < DEPTH ? k - p : DEPTH;                                                                    \
      T *to = packed_b;                                                                                                      \
      for (size_t j = 0; j < n; j += WIDTH) {                                                                                \
        const size_t count = n - j < WIDTH ? n - j : WIDTH;                                                                  \
        for (size_t q = 0; q < depth; q++, to += WIDTH) {                                                                    \
          const T *from = b + (p + q) * n + j;                                                                               \
          if (count == WIDTH) COPY(to, from, WIDTH * sizeof(T));                                                             \
          else for (size_t x = 0; x < WIDTH; x++) to[x] = x < count ? from[x] : 0;                                           \
        }                                                                                                                    \
      }                                                                                                                      \
      for (size_t i = 0; i < m; i += HEIGHT) {                                                                               \
        const size_t height = m - i < HEIGHT ? m - i : HEIGHT;                                                               \
        for (size_t r = 0; r < height; r += 4) {                                                                             \
          for (size_t x = 0; x < 4; x++) {                                                                                   \
            T *put = packed_a + r * depth + x;                                                                               \
            for (size_t q = 0; q < depth; q++) put[4 * q] = r + x < height ? a[(i + r + x) * k + p + q] : 0;                 \
          }                                                                                                                  \
        }                                                                                                                    \
        for (size_t j = 0; j < n; j += WIDTH) {                                                                              \
          for (size_t r = 0; r < height; r += 4) {                                                                           \
            T *at = c + (i + r) * n + j;                                                                                     \
            const size_t rows = height - r < 4 ? height - r : 4, count = n - j < WIDTH ? n - j : WIDTH;                      \
            if (rows == 4 && count == WIDTH) {                                                                               \
              NAME##_tile(packed_a + r * depth, packed_b + j * depth, at, n, depth);                                         \
              continue;                                                                                                      \
            }                                                                                                                \
            CLEAR(edge, 4 * WIDTH * sizeof(T));                                                                              \
            for (size_t x = 0; x < rows; x++) COPY(edge + x * WIDTH, at + x * n, count * sizeof(T));                         \
            NAME##_tile(packed_a + r * depth, packed_b + j * depth, edge, WIDTH, depth);                                     \
            for (size_t x = 0; x < rows; x++) COPY(at + x * n, edge + x * WIDTH, count * sizeof(T));                         \
          }                                                                                                                  \
        }                                                                                                                    \
      }                                                                                                                      \
    }                                                                                                                        \
    give(edge), give(packed_a), give(packed_b);                                                                              \
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
