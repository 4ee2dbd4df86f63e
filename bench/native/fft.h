/* kernels/lib/fft.ts in C: Stockham's algorithm in four-point steps, f64. */
typedef struct {
  size_t size;
  d2 *roots, *scratch;
} fft;

/* cos(2 pi k / size), by eighths of a turn. */
static double cos_of_turn(size_t k, size_t size) {
  size_t part = k & (size - 1);
  if (part > size >> 1) part = size - part;
  const int behind = part > size >> 2;
  if (behind) part = (size >> 1) - part;
  const double angle = 2 * 3.141592653589793 / (double)size;
  const double value = part > size >> 3 ? sin_of((double)((size >> 2) - part) * angle, 0) : sin_of((double)part * angle, 1);
  return behind ? -value : value;
}

static fft fft_of(size_t size) {
  fft f = {size, take(size * 16), take(size * 16)};
  for (size_t k = 0; k < size; k++) f.roots[k] = (d2){cos_of_turn(k, size), cos_of_turn(k + (size >> 2), size)};
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
