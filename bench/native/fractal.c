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

/* Points that are done and wait for their smooth counts: before their last group. */
typedef struct {
  double x[WAITING], y[WAITING], cx[WAITING], cy[WAITING];
  int32_t count[WAITING];
  float *place[WAITING];
  int points;
} queue;

typedef struct {
  int width, height, iterations, from, rows;
  double left, top, pitch;
  /* The next point. */
  int column, row;
} view;

static void begin(view *v, lanes *l, int lane, float *place) {
  l->next_x[lane] = l->next_y[lane] = 0;
  l->cx[lane] = place ? v->left + (double)v->column * v->pitch : 0;
  l->cy[lane] = place ? v->top - (double)v->row * v->pitch : 0;
  l->place[lane] = place;
  l->count[lane] = 0;
  if (++v->column == v->width) v->column = 0, v->row++;
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

static inline f4 smooth(d2 low, d2 high, l2 within_low, l2 within_high, i4 count, int iterations) {
  const i4 in = __builtin_shufflevector((i4)within_low, (i4)within_high, 0, 2, 4, 6);
  const i4 n = count - in + 1;
  const f4 size = {(float)low[0], (float)low[1], (float)high[0], (float)high[1]};
  const f4 beyond = log_four(log_four(size) * 0.09016844f) * 1.442695f;
  const i4 stays = (in <= -GROUP) | (n > iterations);
  return (f4)((stays & (i4)(f4){-1, -1, -1, -1}) | (~stays & (i4)(__builtin_convertvector(n, f4) - beyond)));
}

/* The least size beyond the circle is the first one. */
static void finish_eight(const queue *q, int i, float *to, int iterations) {
  d2 x[4], y[4], cx[4], cy[4], size[4];
  l2 in[4];
#pragma GCC unroll 4
  for (int k = 0; k < 4; k++) {
    x[k] = AT(d2u, q->x + i + 2 * k), y[k] = AT(d2u, q->y + i + 2 * k);
    cx[k] = AT(d2u, q->cx + i + 2 * k), cy[k] = AT(d2u, q->cy + i + 2 * k);
    size[k] = both(1e30), in[k] = (l2){0, 0};
  }
  for (int n = 0; n < GROUP; n++) {
#pragma GCC unroll 4
    for (int k = 0; k < 4; k++) {
      const d2 s = x[k] * x[k] - y[k] * y[k];
      y[k] = (x[k] + x[k]) * y[k] + cy[k];
      x[k] = s + cx[k];
      const d2 z = x[k] * x[k] + y[k] * y[k];
      const l2 is = z <= both(LIMIT);
      in[k] += is;
      size[k] = MIN2(size[k], (d2)((l2)z | is));
    }
  }
  PUT(f4, to, smooth(size[0], size[1], in[0], in[1], AT(i4, q->count + i), iterations));
  PUT(f4, to + 4, smooth(size[2], size[3], in[2], in[3], AT(i4, q->count + i + 4), iterations));
}

static void finish_waiting(queue *q, int iterations) {
  for (int i = 0; i < q->points; i += 8) {
    float to[8];
    finish_eight(q, i, to, iterations);
    const int points = q->points - i < 8 ? q->points - i : 8;
    for (int j = 0; j < points; j++) *q->place[i + j] = to[j];
  }
  q->points = 0;
}

static void finish(const lanes *l, int lane, queue *q, int iterations) {
  const int at = q->points;
  q->x[at] = l->x[lane], q->y[at] = l->y[lane];
  q->cx[at] = l->cx[lane], q->cy[at] = l->cy[lane];
  q->count[at] = l->count[lane] - GROUP;
  q->place[at] = l->place[lane];
  if (++q->points == WAITING) finish_waiting(q, iterations);
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
  v.column = 0, v.row = v.from;
  int running = 0;
  for (int lane = 0; lane < LANES; lane++) {
    begin(&v, &l, lane, next < end ? next : NULL);
    if (next++ < end) running++;
  }
  while (running > 0) {
    for (int done = run_groups(&l, v.iterations); done; done &= done - 1) {
      const int lane = __builtin_ctz((unsigned)done);
      if (l.place[lane]) finish(&l, lane, &q, v.iterations);
      if (next >= end && l.place[lane]) running--;
      begin(&v, &l, lane, next < end ? next : NULL);
      next++;
    }
  }
  finish_waiting(&q, v.iterations);
  return out;
}

#include "serve.h"
