/* kernels/wave in C: one shot or a survey, whose velocities stand behind the settings. */
#include "task.h"
#include "numbers.h"

#define REACH 4
#define LEFT 1e-2
#define NOTHING 1e-20

typedef f4 f4u __attribute__((aligned(1), may_alias));

typedef struct {
  int width, depth, sponge, steps, record, samples, receivers, receiver_row, source_column, source_row, columns, rows, stride;
  double spacing, dt, peak;
  int *receiver_columns;
  size_t *receiver_places;
  const uint8_t *velocities;
  float *now, *past, *a, *c;
} shot;

static int nearest(double at) { return (int)__builtin_floor(at + 0.5); }
static size_t offset(const shot *s, int column, int row) { return (size_t)((row + REACH) * s->stride + column + REACH); }
static size_t in_model(const shot *s, int column, int row) { return offset(s, column + s->sponge, row + s->sponge); }
static int least(int a, int b) { return a < b ? a : b; }
static int most(int a, int b) { return a > b ? a : b; }

static int *columns_between(double from, double to, int count) {
  int *columns = take((size_t)count * sizeof(int));
  for (int i = 0; i < count; i++) {
    const double share = count > 1 ? (double)i / (double)(count - 1) : 0;
    columns[i] = nearest(from + share * (to - from));
  }
  return columns;
}

static float pulse(const shot *s, int step) {
  const double phase = 3.141592653589793 * (s->peak * (double)step * s->dt - 1.5);
  return (float)((1 - 2 * phase * phase) * exp_of_sum(both(-phase * phase), both(0))[0]);
}

static double damping(const shot *s, double fade, int at, int count) {
  const int into = most(s->sponge - at, at - (count - 1 - s->sponge));
  if (into <= 0) return 0;
  const double share = (double)into / (double)s->sponge;
  return (fade * share * share) / (double)s->sponge;
}

static void fill_factors(shot *s) {
  const double ratio = s->dt / s->spacing, fade = 1.5 * log_of(both(1 / LEFT))[0];
  double *across = take((size_t)s->columns * 8);
  for (int column = 0; column < s->columns; column++) across[column] = damping(s, fade, column, s->columns);
  for (int row = 0; row < s->rows; row++) {
    const uint8_t *from = s->velocities + 4 * most(0, least(s->depth - 1, row - s->sponge)) * s->width;
    const double along = damping(s, fade, row, s->rows);
    float *a = s->a + offset(s, 0, row), *c = s->c + offset(s, 0, row);
    for (int column = 0; column < s->columns; column++) {
      const double courant = (double)AT(float, from + 4 * least(s->width - 1, most(0, column - s->sponge))) * ratio;
      const double out = 1 + courant * (across[column] + along);
      const d2 factors = (d2){2, courant * courant} / both(out);
      a[column] = (float)factors[0];
      c[column] = (float)factors[1];
    }
  }
  give(across);
}

static inline f4 four(double value) { return (f4){(float)value, (float)value, (float)value, (float)value}; }
static inline f4 get(const float *at) { return AT(f4u, at); }

static inline f4 around(f4 west, f4 east, const float *north, const float *south) { return (west + east) + (get(north) + get(south)); }
static inline f4 move_on(f4 before, f4 here, f4 a, f4 c, f4 curve) { return (before + a * (here - before)) + c * curve; }

/* Eight points a turn. */
static void advance_row(const float *now, float *past, const float *a, const float *c, ptrdiff_t down, int columns) {
  const f4 w0 = four(2 * (-205.0 / 72.0)), w1 = four(8.0 / 5.0), w2 = four(-1.0 / 5.0), w3 = four(8.0 / 315.0), w4 = four(-1.0 / 560.0);
  const f4 nothing = four(NOTHING);
  for (const float *end = now + columns; now < end; now += 8, past += 8, a += 8, c += 8) {
    const float *north = now - 4 * down, *south = now + 4 * down;
    const f4 here = get(now), next = get(now + 4);
    f4 curve = w4 * around(get(now - 4), next, north, south);
    f4 curve2 = w4 * around(here, get(now + 8), north + 4, south + 4);
    north += down, south -= down;
    const f4 east3 = get(now + 3), east1 = get(now + 1);
    curve = curve + w3 * around(get(now - 3), east3, north, south);
    curve2 = curve2 + w3 * around(east1, get(now + 7), north + 4, south + 4);
    north += down, south -= down;
    const f4 east2 = get(now + 2);
    curve = curve + w2 * around(get(now - 2), east2, north, south);
    curve2 = curve2 + w2 * around(east2, get(now + 6), north + 4, south + 4);
    north += down, south -= down;
    curve = curve + (w1 * around(get(now - 1), east1, north, south) + w0 * here);
    curve2 = curve2 + (w1 * around(east3, get(now + 5), north + 4, south + 4) + w0 * next);
    const f4 moved = move_on(get(past), here, get(a), get(c), curve);
    const f4 moved2 = move_on(get(past + 4), next, get(a + 4), get(c + 4), curve2);
    PUT(f4u, past, (moved + nothing) - nothing);
    PUT(f4u, past + 4, (moved2 + nothing) - nothing);
  }
}

static void advance(shot *s) {
  for (int row = 0; row < s->rows; row++) {
    const size_t from = offset(s, 0, row);
    advance_row(s->now + from, s->past + from, s->a + from, s->c + from, s->stride, s->columns);
  }
  float *past = s->past;
  s->past = s->now;
  s->now = past;
}

static shot read_shot(const uint8_t *in, size_t size) {
  shot s = {0};
#define NUMBER(name, index, usual) setting(in, size, name, index, usual)
  s.width = (int)NUMBER("width", 0, 0), s.depth = (int)NUMBER("depth", 0, 0), s.sponge = (int)NUMBER("sponge", 0, 60);
  s.steps = (int)NUMBER("steps", 0, 0), s.record = (int)NUMBER("record", 0, 1), s.samples = s.steps / s.record;
  s.spacing = NUMBER("spacing", 0, 0), s.dt = NUMBER("dt", 0, 0), s.peak = NUMBER("peak", 0, 0);
  s.source_column = nearest(NUMBER("source", 0, 0) / s.spacing), s.source_row = nearest(NUMBER("source", 1, 0) / s.spacing);
  s.receivers = (int)NUMBER("receivers", 2, 0), s.receiver_row = nearest(NUMBER("receivers", 3, 0) / s.spacing);
  s.receiver_columns = columns_between(NUMBER("receivers", 0, 0) / s.spacing, NUMBER("receivers", 1, 0) / s.spacing, s.receivers);
  s.columns = s.width + 2 * s.sponge, s.rows = s.depth + 2 * s.sponge;
  s.stride = (s.columns + 2 * REACH + 3) & ~3;
  s.receiver_places = take((size_t)s.receivers * sizeof(size_t));
  for (int i = 0; i < s.receivers; i++) s.receiver_places[i] = in_model(&s, s.receiver_columns[i], s.receiver_row);
  s.velocities = in + data_of(in, size);
  return s;
}

static void make_fields(shot *s) {
  const size_t bytes = (size_t)(s->stride * (s->rows + 2 * REACH)) * 4;
  float **fields[4] = {&s->now, &s->past, &s->a, &s->c};
  for (int i = 0; i < 4; i++) *fields[i] = take(bytes), CLEAR(*fields[i], bytes);
  fill_factors(s);
}

static void end_fields(shot *s) { give(s->now), give(s->past), give(s->a), give(s->c); }

static void add(shot *s, size_t at, float strength) { s->now[at] += s->c[at] * strength; }

static buffer result(const shot *s, const float *traces) {
  const size_t points = (size_t)(s->width * s->depth), recorded = (size_t)(s->receivers * s->samples);
  buffer out = {take(64 + 4 * (2 * points + recorded)), 64 + 4 * (2 * points + recorded)};
  const uint32_t ints[5] = {1, (uint32_t)s->width, (uint32_t)s->depth, (uint32_t)s->receivers, (uint32_t)s->samples};
  const double lengths[9] = {
    s->spacing, s->dt * s->record, s->dt * s->steps, s->source_column * s->spacing, s->source_row * s->spacing,
    s->receiver_columns[0] * s->spacing, s->receiver_columns[s->receivers - 1] * s->spacing, s->receiver_row * s->spacing, s->peak,
  };
  COPY(out.bytes, "lodgwave", 8);
  for (int i = 0; i < 5; i++) PUT(uint32_t, out.bytes + 8 + 4 * i, ints[i]);
  for (int i = 0; i < 9; i++) PUT(float, out.bytes + 28 + 4 * i, (float)lengths[i]);
  COPY(out.bytes + 64, s->velocities, 4 * points);
  uint8_t *to = out.bytes + 64 + 4 * points;
  for (int row = 0; row < s->depth; row++, to += 4 * s->width) COPY(to, s->now + in_model(s, 0, row), 4 * (size_t)s->width);
  COPY(to, traces, 4 * recorded);
  return out;
}

static buffer record(shot *s) {
  make_fields(s);
  const size_t source = in_model(s, s->source_column, s->source_row);
  float *traces = take((size_t)(s->receivers * s->samples) * 4);
  for (int step = 0; step < s->steps; step++) {
    advance(s);
    add(s, source, pulse(s, step));
    if ((step + 1) % s->record != 0) continue;
    const int sample = (step + 1) / s->record - 1;
    for (int i = 0; i < s->receivers; i++) traces[i * s->samples + sample] = s->now[s->receiver_places[i]];
  }
  const buffer out = result(s, traces);
  give(traces);
  end_fields(s);
  return out;
}

#include "wave_migration.h"

static buffer run(const uint8_t *input, size_t size) {
  shot s = read_shot(input, size);
  const buffer out = setting(input, size, "shots", 0, 0) > 0 ? migrate(&s, input, size) : record(&s);
  give(s.receiver_places);
  give(s.receiver_columns);
  return out;
}

#include "serve.h"
