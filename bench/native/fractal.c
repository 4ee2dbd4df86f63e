/* kernels/fractal in C: twelve points at a time, a lane that is done takes the next one. */
#include "task.h"
#include "numbers.h"

#define GROUP 8
#define LANES 12
#define WAITING 64
#define LIMIT 65536.0

typedef struct {
  double x[LANES], y[LANES], next_x[LANES], next_y[LANES], cx[LANES], cy[LANES];
  float *place[LANES];
  int32_t count[LANES];
} lanes;

/* Points that have left and wait for their smooth counts. */
typedef struct {
  double size[WAITING], count[WAITING];
  float *place[WAITING];
  int points;
} queue;

typedef struct {
  int width, height, iterations, from, rows;
  double left, top, pitch;
} view;

static void begin(const view *v, lanes *l, int lane, float *place, float *start, float *end) {
  const long index = place - start;
  const int is = place < end;
  l->next_x[lane] = l->next_y[lane] = 0;
  l->cx[lane] = is ? v->left + (double)(index % v->width) * v->pitch : 0;
  l->cy[lane] = is ? v->top - (double)(v->from + index / v->width) * v->pitch : 0;
  l->place[lane] = is ? place : NULL;
  l->count[lane] = 0;
}

static inline l2 within(d2 x, d2 y) { return x * x + y * y <= both(LIMIT); }

/* The lanes that are done, as bits. */
static int run_groups(lanes *l, int iterations) {
  const d2 cx0 = AT(d2u, l->cx), cx1 = AT(d2u, l->cx + 2), cx2 = AT(d2u, l->cx + 4);
  const d2 cx3 = AT(d2u, l->cx + 6), cx4 = AT(d2u, l->cx + 8), cx5 = AT(d2u, l->cx + 10);
  const d2 cy0 = AT(d2u, l->cy), cy1 = AT(d2u, l->cy + 2), cy2 = AT(d2u, l->cy + 4);
  const d2 cy3 = AT(d2u, l->cy + 6), cy4 = AT(d2u, l->cy + 8), cy5 = AT(d2u, l->cy + 10);
  d2 x0 = AT(d2u, l->next_x), x1 = AT(d2u, l->next_x + 2), x2 = AT(d2u, l->next_x + 4);
  d2 x3 = AT(d2u, l->next_x + 6), x4 = AT(d2u, l->next_x + 8), x5 = AT(d2u, l->next_x + 10);
  d2 y0 = AT(d2u, l->next_y), y1 = AT(d2u, l->next_y + 2), y2 = AT(d2u, l->next_y + 4);
  d2 y3 = AT(d2u, l->next_y + 6), y4 = AT(d2u, l->next_y + 8), y5 = AT(d2u, l->next_y + 10);
  int most = 0, done = 0, all;
  for (int lane = 0; lane < LANES; lane++) most = l->count[lane] > most ? l->count[lane] : most;
  do {
    PUT(d2u, l->x, x0), PUT(d2u, l->x + 2, x1), PUT(d2u, l->x + 4, x2);
    PUT(d2u, l->x + 6, x3), PUT(d2u, l->x + 8, x4), PUT(d2u, l->x + 10, x5);
    PUT(d2u, l->y, y0), PUT(d2u, l->y + 2, y1), PUT(d2u, l->y + 4, y2);
    PUT(d2u, l->y + 6, y3), PUT(d2u, l->y + 8, y4), PUT(d2u, l->y + 10, y5);
    for (int i = 0; i < GROUP; i++) {
      const d2 s0 = x0 * x0 - y0 * y0;
      const d2 s1 = x1 * x1 - y1 * y1;
      const d2 s2 = x2 * x2 - y2 * y2;
      const d2 s3 = x3 * x3 - y3 * y3;
      const d2 s4 = x4 * x4 - y4 * y4;
      const d2 s5 = x5 * x5 - y5 * y5;
      y0 = (x0 + x0) * y0 + cy0;
      y1 = (x1 + x1) * y1 + cy1;
      y2 = (x2 + x2) * y2 + cy2;
      y3 = (x3 + x3) * y3 + cy3;
      y4 = (x4 + x4) * y4 + cy4;
      y5 = (x5 + x5) * y5 + cy5;
      x0 = s0 + cx0;
      x1 = s1 + cx1;
      x2 = s2 + cx2;
      x3 = s3 + cx3;
      x4 = s4 + cx4;
      x5 = s5 + cx5;
    }
    done += GROUP;
    const l2 in = within(x0, y0) & within(x1, y1) & within(x2, y2) & within(x3, y3) & within(x4, y4) & within(x5, y5);
    all = !ANY(~in);
  } while (all && done < iterations - most);
  PUT(d2u, l->next_x, x0), PUT(d2u, l->next_x + 2, x1), PUT(d2u, l->next_x + 4, x2);
  PUT(d2u, l->next_x + 6, x3), PUT(d2u, l->next_x + 8, x4), PUT(d2u, l->next_x + 10, x5);
  PUT(d2u, l->next_y, y0), PUT(d2u, l->next_y + 2, y1), PUT(d2u, l->next_y + 4, y2);
  PUT(d2u, l->next_y + 6, y3), PUT(d2u, l->next_y + 8, y4), PUT(d2u, l->next_y + 10, y5);
  int gone = 0;
  for (int lane = 0; lane < LANES; lane++) {
    const double x = l->next_x[lane], y = l->next_y[lane];
    l->count[lane] += done;
    gone |= (l->count[lane] >= iterations || !(x * x + y * y <= LIMIT)) << lane;
  }
  return gone;
}

static void finish_waiting(queue *q) {
  for (int i = 0; i < q->points; i += 2) {
    const d2 twice = log_of(log_of(AT(d2u, q->size + i)) / both(11.090354888959125));
    const d2 smooth = AT(d2u, q->count + i) - twice * both(1.4426950408889634);
    *q->place[i] = (float)smooth[0];
    if (i + 1 < q->points) *q->place[i + 1] = (float)smooth[1];
  }
  q->points = 0;
}

static void finish(const lanes *l, int lane, queue *q) {
  double x = l->x[lane], y = l->y[lane];
  const double cx = l->cx[lane], cy = l->cy[lane];
  for (int i = 1; i <= GROUP; i++) {
    const double square = x * x - y * y;
    y = (x + x) * y + cy;
    x = square + cx;
    const double size = x * x + y * y;
    if (!(size > LIMIT)) continue;
    q->size[q->points] = size;
    q->count[q->points] = l->count[lane] - GROUP + i;
    q->place[q->points] = l->place[lane];
    if (++q->points == WAITING) finish_waiting(q);
    return;
  }
  *l->place[lane] = -1;
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
  queue q = {.points = 0};
  int running = 0;
  for (int lane = 0; lane < LANES; lane++) {
    begin(&v, &l, lane, next, start, end);
    if (next++ < end) running++;
  }
  while (running > 0) {
    for (int done = run_groups(&l, v.iterations); done; done &= done - 1) {
      const int lane = __builtin_ctz((unsigned)done);
      if (l.place[lane]) finish(&l, lane, &q);
      if (next >= end && l.place[lane]) running--;
      begin(&v, &l, lane, next++, start, end);
    }
  }
  finish_waiting(&q);
  return out;
}

#include "serve.h"
