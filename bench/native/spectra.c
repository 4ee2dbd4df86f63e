/* kernels/spectra in C: drifts taken out by products of turns, Stockham's transform in four-point steps, summed powers. */
#include "task.h"
#include "numbers.h"
#include "fft.h"

#define PI 3.141592653589793

static double part(double turns) {
  return turns - __builtin_floor(turns + 0.5);
}

static void dechirp(const uint8_t *from, uint8_t *to, int first, int length, double chirp, double rate) {
  const double half = 0.5 * chirp / (rate * rate);
  double turn_re[4], turn_im[4], step_re[4], step_im[4];
  for (int i = 0; i < 4; i++) {
    const double at = (double)(first + i);
    const double turn = 2 * PI * part(-half * at * at), step = 2 * PI * part(-half * (8 * at + 16));
    turn_re[i] = sin_of(turn, 1), turn_im[i] = sin_of(turn, 0);
    step_re[i] = sin_of(step, 1), step_im[i] = sin_of(step, 0);
  }
  const d2 bend_re = both(sin_of(2 * PI * part(-half * 32), 1)), bend_im = both(sin_of(2 * PI * part(-half * 32), 0));
  d2 turn_re0 = {turn_re[0], turn_re[1]}, turn_re1 = {turn_re[2], turn_re[3]};
  d2 turn_im0 = {turn_im[0], turn_im[1]}, turn_im1 = {turn_im[2], turn_im[3]};
  d2 step_re0 = {step_re[0], step_re[1]}, step_re1 = {step_re[2], step_re[3]};
  d2 step_im0 = {step_im[0], step_im[1]}, step_im1 = {step_im[2], step_im[3]};
#define TURN(offset, n)                                                                                   \
  {                                                                                                       \
    const d2 a = *(const d2 *)(from + offset), b = *(const d2 *)(from + offset + 16);                     \
    const d2 re = {a[0], b[0]}, im = {a[1], b[1]};                                                        \
    const d2 out_re = re * turn_re##n - im * turn_im##n, out_im = re * turn_im##n + im * turn_re##n;      \
    *(d2 *)(to + offset) = (d2){out_re[0], out_im[0]};                                                    \
    *(d2 *)(to + offset + 16) = (d2){out_re[1], out_im[1]};                                               \
  }
#define PRODUCT(re, im, by_re, by_im)            \
  {                                              \
    const d2 next = re * by_re - im * by_im;     \
    im = re * by_im + im * by_re;                \
    re = next;                                   \
  }
  for (const uint8_t *end = from + ((size_t)length << 4); from < end; from += 64, to += 64) {
    TURN(0, 0)
    TURN(32, 1)
    PRODUCT(turn_re0, turn_im0, step_re0, step_im0)
    PRODUCT(turn_re1, turn_im1, step_re1, step_im1)
    PRODUCT(step_re0, step_im0, bend_re, bend_im)
    PRODUCT(step_re1, step_im1, bend_re, bend_im)
  }
}

static int strongest(const double *spectrum, int length) {
  int at = 0;
  double most = spectrum[0];
  for (int i = 1; i < length; i++) if (spectrum[i] > most) most = spectrum[i], at = i;
  return at;
}

static buffer run(const uint8_t *input, size_t size) {
  const int samples = (int)setting(input, size, "samples", 0, 0), length = (int)setting(input, size, "length", 0, 0);
  const int chirps = (int)setting(input, size, "chirps", 2, 0), blocks = samples / length;
  const double rate = setting(input, size, "rate", 0, 0);
  const double from = setting(input, size, "chirps", 0, 0), to = setting(input, size, "chirps", 1, 0);
  const uint8_t *data = input + data_of(input, size);
  uint8_t *signal = take((size_t)samples * 16), *block = take((size_t)length * 16);
  for (int i = 0; i < samples / 4; i++) {
    const int64_t byte = data[i];
    for (int pair = 0; pair < 4; pair++) {
      const l2 clear = ((l2){byte, byte} & (l2){1 << 2 * pair, 2 << 2 * pair}) == (l2){0, 0};
      *(d2 *)(signal + 64 * (size_t)i + 16 * pair) = (d2)((l2)both(1) | clear << 63);
    }
  }
  fft f = fft_of((size_t)length);
  double *spectrum = take((size_t)length * 8), *best = take((size_t)length * 8);
  buffer out = {take(80 + 8 * (size_t)(2 * chirps + length)), 80 + 8 * (size_t)(2 * chirps + length)};
  double *values = (double *)(out.bytes + 80);
  const double scale = 1 / ((double)blocks * length);
  int best_chirp = 0, best_bin = 0;
  double power = 0;
  for (int c = 0; c < chirps; c++) {
    const double chirp = chirps > 1 ? from + c * (to - from) / (chirps - 1) : from;
    CLEAR(spectrum, (size_t)length * 8);
    for (int b = 0; b < blocks; b++) {
      dechirp(signal + (size_t)b * (size_t)length * 16, block, b * length, length, chirp, rate);
      fft_forward(&f, block);
      for (int i = 0; i < length; i += 2) {
        const d2 x = *(const d2 *)(block + 16 * (size_t)i), y = *(const d2 *)(block + 16 * (size_t)i + 16);
        const d2 re = {x[0], y[0]}, im = {x[1], y[1]};
        *(d2 *)(spectrum + i) += re * re + im * im;
      }
    }
    const int bin = strongest(spectrum, length);
    values[c] = spectrum[bin] * scale;
    values[chirps + c] = bin;
    if (c != 0 && !(spectrum[bin] > power)) continue;
    best_chirp = c, best_bin = bin, power = spectrum[bin];
    double *other = best;
    best = spectrum;
    spectrum = other;
  }
  double mean = 0;
  for (int i = 0; i < length; i++) mean += best[i];
  mean *= scale / length;
  for (int i = 0; i < length; i++) values[2 * chirps + i] = best[i] * scale;
  CLEAR(out.bytes, 80);
  COPY(out.bytes, "lodgspec", 8);
  const uint32_t head[6] = {1, (uint32_t)length, (uint32_t)blocks, (uint32_t)chirps, (uint32_t)best_chirp, (uint32_t)best_bin};
  COPY(out.bytes + 8, head, 24);
  const double numbers[5] = {rate, from, to, mean, (power * scale / mean - 1) * __builtin_sqrt(blocks)};
  COPY(out.bytes + 32, numbers, 40);
  fft_end(&f);
  give(best), give(spectrum), give(block), give(signal);
  return out;
}

#include "serve.h"
