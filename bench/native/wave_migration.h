/* kernels/wave/migration.ts and survey.ts in C: three runs a shot, and the image of where their fields meet. */
#define AVERAGES 3

typedef struct {
  shot *truth, *smooth;
  const float *model;
  float *records, *kept, *met, *lit, *image;
} survey;

static void average(const double *values, double *to, size_t stride, int count, int reach) {
  double sum = 0;
  for (int j = -reach; j <= reach; j++) sum += values[(size_t)most(0, j) * stride];
  for (int i = 0; i < count; i++) {
    to[(size_t)i * stride] = sum / (double)(2 * reach + 1);
    sum += values[(size_t)least(count - 1, i + reach + 1) * stride] - values[(size_t)most(0, i - reach) * stride];
  }
}

static float *smoothed(const shot *s, int reach) {
  const int points = s->width * s->depth;
  double *slow = take((size_t)points * 8), *along = take((size_t)points * 8);
  for (int i = 0; i < points; i++) slow[i] = 1 / (double)AT(float, s->velocities + 4 * i);
  for (int n = 0; n < AVERAGES; n++) {
    for (int row = 0; row < s->depth; row++) average(slow + row * s->width, along + row * s->width, 1, s->width, reach);
    for (int column = 0; column < s->width; column++) average(along + column, slow + column, (size_t)s->width, s->depth, reach);
  }
  float *model = take((size_t)points * 4);
  for (int i = 0; i < points; i++) model[i] = (float)(1 / slow[i]);
  give(along), give(slow);
  return model;
}

/* From the source; what receivers record is added or taken away. */
static void shoot(survey *v, shot *s, int step, float sign) {
  advance(s);
  add(s, in_model(s, s->source_column, s->source_row), pulse(s, step));
  float *record = v->records + step * s->receivers;
  for (int i = 0; i < s->receivers; i++) {
    const float value = sign * s->now[s->receiver_places[i]];
    record[i] = sign > 0 ? value : record[i] + value;
  }
  if (sign > 0 || (step + 1) % s->record != 0) return;
  float *to = v->kept + (size_t)((step + 1) / s->record - 1) * (size_t)(s->width * s->depth);
  for (int row = 0; row < s->depth; row++, to += s->width) COPY(to, s->now + in_model(s, 0, row), 4 * (size_t)s->width);
}

static void meet(survey *v, int sample) {
  const shot *s = v->smooth;
  const float *from = v->kept + (size_t)sample * (size_t)(s->width * s->depth);
  float *met = v->met, *lit = v->lit;
  for (int row = 0; row < s->depth; row++) {
    const float *here = s->now + in_model(s, 0, row);
    for (const float *end = here + s->width; here < end; here++, from++) {
      const float source = *from;
      *met++ += source * *here;
      *lit++ += source * source;
    }
  }
}

/* From the receivers, from the last step to the first. */
static void send_back(survey *v, int done) {
  shot *s = v->smooth;
  const int step = s->steps - 1 - done;
  if ((step + 1) % s->record == 0) meet(v, (step + 1) / s->record - 1);
  advance(s);
  for (int i = 0; i < s->receivers; i++) add(s, s->receiver_places[i], v->records[step * s->receivers + i]);
}

static void add_shot(survey *v, int points) {
  float brightest = 0;
  for (int i = 0; i < points; i++) brightest = v->lit[i] > brightest ? v->lit[i] : brightest;
  const float dark = brightest * 1e-4f;
  for (int i = 0; i < points; i++) {
    if (brightest > 0) v->image[i] += v->met[i] / (v->lit[i] + dark);
    v->met[i] = v->lit[i] = 0;
  }
}

static void put_image(const shot *s, const float *image, uint8_t *to) {
  for (int row = 0; row < s->depth; row++) {
    for (int column = 0; column < s->width; column++, to += 4) {
      const int at = row * s->width + column;
      const float left = image[column > 0 ? at - 1 : at], right = image[column < s->width - 1 ? at + 1 : at];
      const float above = image[row > 0 ? at - s->width : at], below = image[row < s->depth - 1 ? at + s->width : at];
      PUT(float, to, 4 * image[at] - (left + right + (above + below)));
    }
  }
}

static void clear_fields(shot *s) {
  const size_t bytes = (size_t)(s->stride * (s->rows + 2 * REACH)) * 4;
  CLEAR(s->now, bytes);
  CLEAR(s->past, bytes);
}

static buffer migrate(shot *s, const uint8_t *input, size_t size) {
  const int shots = (int)setting(input, size, "shots", 0, 0), points = s->width * s->depth;
  const int apart = nearest(setting(input, size, "shots", 1, 0) / s->spacing), first = s->source_column;
  float *model = smoothed(s, nearest(setting(input, size, "smooth", 0, 0) / s->spacing));
  shot smooth = *s;
  smooth.velocities = (const uint8_t *)model;
  make_fields(s);
  make_fields(&smooth);
  const size_t image = (size_t)points * 4;
  survey v = {s, &smooth, model, take((size_t)(s->receivers * s->steps) * 4), take(image * (size_t)s->samples), take(image), take(image), take(image)};
  CLEAR(v.met, image);
  CLEAR(v.lit, image);
  CLEAR(v.image, image);
  for (int index = 0; index < shots; index++) {
    s->source_column = smooth.source_column = first + index * apart;
    for (int i = 0; i < s->steps; i++) shoot(&v, s, i, 1);
    clear_fields(s);
    for (int i = 0; i < s->steps; i++) shoot(&v, &smooth, i, -1);
    clear_fields(&smooth);
    for (int i = 0; i < s->steps; i++) send_back(&v, i);
    clear_fields(&smooth);
    add_shot(&v, points);
  }
  buffer out = {take(64 + 3 * image), 64 + 3 * image};
  const uint32_t ints[4] = {1, (uint32_t)s->width, (uint32_t)s->depth, (uint32_t)shots};
  const float floats[2] = {(float)s->spacing, (float)s->peak};
  CLEAR(out.bytes, 64);
  COPY(out.bytes, "lodgmigr", 8);
  COPY(out.bytes + 8, ints, 16);
  COPY(out.bytes + 24, floats, 8);
  COPY(out.bytes + 64, s->velocities, image);
  COPY(out.bytes + 64 + image, model, image);
  put_image(s, v.image, out.bytes + 64 + 2 * image);
  give(v.image), give(v.lit), give(v.met), give(v.kept), give(v.records);
  end_fields(&smooth), end_fields(s);
  give(model);
  return out;
}
