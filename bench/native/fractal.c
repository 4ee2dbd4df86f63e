/* kernels/fractal in C: six points at a time, a lane that is done takes the next one. */
#include "task.h"
#include "numbers.h"

#define GROUP 8
#define LANES 6
#define LIMIT 65536.0

typedef struct {
  double x[LANES], y[LANES], cx[LANES], cy[LANES], next_x[LANES], next_y[LANES];
  float *place[LANES];
  int32_t count[LANES];
} lanes;

typedef struct {
  int width, height, iterations, from, rows;
  double left, top, pitch;
} view;

static void begin(const view *v, lanes *l, int lane, float *place, float *start, float *end) {
  const long index = place - start;
  const int is = place < end;
  l->x[lane] = l->y[lane] = 0;
  l->cx[lane] = is ? v->left + (double)(index % v->width) * v->pitch : 0;
  l->cy[lane] = is ? v->top - (double)(v->from + index / v->width) * v->pitch : 0;
  l->place[lane] = is ? place : NULL;
  l->count[lane] = 0;
}

static void run_groups(lanes *l, int iterations) {
  const d2 cx0 = AT(d2u, l->cx), cx1 = AT(d2u, l->cx + 2), cx2 = AT(d2u, l->cx + 4);
  const d2 cy0 = AT(d2u, l->cy), cy1 = AT(d2u, l->cy + 2), cy2 = AT(d2u, l->cy + 4);
  d2 x0 = AT(d2u, l->x), x1 = AT(d2u, l->x + 2), x2 = AT(d2u, l->x + 4);
  d2 y0 = AT(d2u, l->y), y1 = AT(d2u, l->y + 2), y2 = AT(d2u, l->y + 4);
  int most = 0, done = 0, within;
  for (int lane = 0; lane < LANES; lane++) most = l->count[lane] > most ? l->count[lane] : most;
  do {
    PUT(d2u, l->x, x0), PUT(d2u, l->x + 2, x1), PUT(d2u, l->x + 4, x2);
    PUT(d2u, l->y, y0), PUT(d2u, l->y + 2, y1), PUT(d2u, l->y + 4, y2);
#define ITERATE                               \
  {                                           \
    const d2 s0 = x0 * x0 - y0 * y0;          \
    const d2 s1 = x1 * x1 - y1 * y1;          \
    const d2 s2 = x2 * x2 - y2 * y2;          \
    y0 = (x0 + x0) * y0 + cy0;                \
    y1 = (x1 + x1) * y1 + cy1;                \
    y2 = (x2 + x2) * y2 + cy2;                \
    x0 = s0 + cx0;                            \
    x1 = s1 + cx1;                            \
    x2 = s2 + cx2;                            \
  }
    for (int i = 0; i < GROUP; i += 4) {
      ITERATE ITERATE ITERATE ITERATE
    }
    done += GROUP;
    const l2 in = (x0 * x0 + y0 * y0 <= both(LIMIT)) & (x1 * x1 + y1 * y1 <= both(LIMIT)) & (x2 * x2 + y2 * y2 <= both(LIMIT));
    within = !ANY(~in);
  } while (within && done < iterations - most);
  PUT(d2u, l->next_x, x0), PUT(d2u, l->next_x + 2, x1), PUT(d2u, l->next_x + 4, x2);
  PUT(d2u, l->next_y, y0), PUT(d2u, l->next_y + 2, y1), PUT(d2u, l->next_y + 4, y2);
  for (int lane = 0; lane < LANES; lane++) l->count[lane] += done - GROUP;
}

static int is_done(lanes *l, int lane, int iterations) {
  const double x = l->next_x[lane], y = l->next_y[lane];
  const int count = l->count[lane] + GROUP;
  if (count >= iterations || !(x * x + y * y <= LIMIT)) return 1;
  l->x[lane] = x;
  l->y[lane] = y;
  l->count[lane] = count;
  return 0;
}

static float smooth_count(const lanes *l, int lane) {
  double x = l->x[lane], y = l->y[lane];
  const double cx = l->cx[lane], cy = l->cy[lane];
  for (int i = 1; i <= GROUP; i++) {
    const double square = x * x - y * y;
    y = (x + x) * y + cy;
    x = square + cx;
    const double size = x * x + y * y;
    if (!(size > LIMIT)) continue;
    const d2 twice = log_of(both(log_of(both(size))[0] / 11.090354888959125));
    return (float)((double)(l->count[lane] + i) - twice[0] * 1.4426950408889634);
  }
  return -1;
}

static buffer run(const uint8_t *input, size_t size) {
  view v;
  v.width = (int)setting(input, size, "width", 0, 0);
  v.height = (int)setting(input, size, "height", 0, 0);
  v.iterations = (int)setting(input, size, "iterations", 0, 1024);
  v.pitch = setting(input, size, "span", 0, 0) / v.width;
  v.left = setting(input, size, "centre", 0, 0) - 0.5 * v.pitch * (v.width - 1);
  v.top = setting(input, size, "centre", 1, 0) + 0.5 * v.pitch * (v.height - 1);
  v.from = (int)setting(input, size, "rows", 0, 0);
  v.rows = (int)setting(input, size, "rows", 1, v.height);
  const size_t points = (size_t)v.rows * (size_t)v.width;
  buffer out = {take(32 + 4 * points), 32 + 4 * points};
  COPY(out.bytes, "lodgfrac", 8);
  const uint32_t head[6] = {1, (uint32_t)v.width, (uint32_t)v.height, (uint32_t)v.from, (uint32_t)v.rows, (uint32_t)v.iterations};
  COPY(out.bytes + 8, head, 24);

  float *start = (float *)(out.bytes + 32), *end = start + points, *next = start;
  lanes l;
  int running = 0;
  for (int lane = 0; lane < LANES; lane++) {
    begin(&v, &l, lane, next, start, end);
    if (next++ < end) running++;
  }
  while (running > 0) {
    run_groups(&l, v.iterations);
    for (int lane = 0; lane < LANES; lane++) {
      if (!is_done(&l, lane, v.iterations)) continue;
      float *place = l.place[lane];
      if (place) *place = smooth_count(&l, lane);
      if (next >= end && place) running--;
      begin(&v, &l, lane, next++, start, end);
    }
  }
  return out;
}

#include "serve.h"
