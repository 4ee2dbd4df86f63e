/* kernels/lib/fft.ts in C: Stockham's algorithm in four-point steps, f64. */
typedef struct {
  size_t size;
  d2 *roots, *scratch;
} fft;

static fft fft_of(size_t size) {
  fft f = {size, take(size * 16), take(size * 16)};
  const size_t quarter = size >> 2;
  d2 *w = f.roots;
  /* Eight roots that mirror each other at a time. */
  for (size_t k = 0; k <= size >> 3; k++) {
    const double angle = (double)k * (2 * 3.141592653589793 / (double)size);
    const double cosine = sin_of(angle, 1), sine = 8 * k == size ? cosine : sin_of(angle, 0);
    w[k] = (d2){cosine, 0 - sine}, w[quarter - k] = (d2){sine, 0 - cosine};
    w[quarter + k] = (d2){0 - sine, 0 - cosine}, w[2 * quarter - k] = (d2){0 - cosine, 0 - sine};
    w[2 * quarter + k] = (d2){0 - cosine, sine}, w[3 * quarter - k] = (d2){0 - sine, cosine};
    w[3 * quarter + k] = (d2){sine, cosine};
    if (k > 0) w[size - k] = (d2){cosine, sine};
  }
  return f;
}

static void fft_end(fft *f) { give(f->roots), give(f->scratch); }

#define SWAPPED(z) __builtin_shufflevector(z, z, 1, 0)
#define FLIP(z, a, b) ((d2)((l2)(z) ^ (l2){a, b}))
#define TIMES(z, re, im) ((z) * (re) + SWAPPED(z) * (im))

static void fft_forward(const fft *f, void *values) {
  d2 *x = values, *y = f->scratch;
  size_t n = f->size, stride = 1;
  for (; n >= 4; n >>= 2, stride <<= 2) {
    const size_t quarter = stride * n >> 2;
    const d2 *from = x;
    d2 *to = y;
    for (size_t p = 0; p < n >> 2; p++) {
      const d2 w1 = f->roots[p * stride], w2 = f->roots[2 * p * stride], w3 = f->roots[3 * p * stride];
      const d2 re1 = both(w1[0]), re2 = both(w2[0]), re3 = both(w3[0]);
      const d2 im1 = FLIP(both(w1[1]), INT64_MIN, 0), im2 = FLIP(both(w2[1]), INT64_MIN, 0), im3 = FLIP(both(w3[1]), INT64_MIN, 0);
      for (size_t q = 0; q < stride; q++, from++, to++) {
        const d2 a = from[0], b = from[quarter], c = from[2 * quarter], d = from[3 * quarter];
        const d2 ac = a + c, bd = b + d, ac_off = a - c, difference = b - d;
        const d2 bd_off = FLIP(SWAPPED(difference), 0, INT64_MIN);
        const d2 t1 = ac_off + bd_off, t2 = ac - bd, t3 = ac_off - bd_off;
        to[0] = ac + bd;
        to[stride] = TIMES(t1, re1, im1);
        to[2 * stride] = TIMES(t2, re2, im2);
        to[3 * stride] = TIMES(t3, re3, im3);
      }
      to += 3 * stride;
    }
    d2 *other = x;
    x = y;
    y = other;
  }
  if (n == 2) {
    for (size_t q = 0; q < stride; q++) y[q] = x[q] + x[q + stride], y[q + stride] = x[q] - x[q + stride];
    x = y;
  }
  if (x != values) COPY(values, x, f->size * 16);
}
