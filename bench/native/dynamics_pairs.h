/* kernels/dynamics/cells.ts and pairs.ts in C: particles copied cell by cell, and forces of pairs, two at a time. */

typedef struct {
  int count, side;
  double edge, radius, shift;
  /* The radius for both lanes, and for a vector with a particle in its first lane only. */
  d2 radii[2];
  int *cell_of, *slot_of, *starts;
  size_t axis;
  double *positions, *forces;
  d2 energy;
  const double **found;
} cells;

static const int AROUND[4][2] = {{1, 0}, {-1, 1}, {0, 1}, {1, 1}};

static int least(int a, int b) { return a < b ? a : b; }
static int most(int a, int b) { return a > b ? a : b; }

static cells cells_of(int count, double edge, double cutoff) {
  int root = 1;
  while ((root + 1) * (root + 1) * (root + 1) <= count) root++;
  cells c = {.count = count, .edge = edge, .radius = cutoff * cutoff};
  c.radii[0] = both(c.radius), c.radii[1] = (d2){c.radius, -1};
  c.side = most(3, least((int)(edge / cutoff), root));
  const double inverse = 1 / (c.radius * c.radius * c.radius);
  c.shift = 4 * inverse * (inverse - 1);
  c.axis = (size_t)count + 2;
  c.cell_of = take(4 * (size_t)count), c.slot_of = take(4 * (size_t)count);
  c.starts = take(4 * ((size_t)(c.side * c.side * c.side) + 1));
  c.positions = take(24 * c.axis), c.forces = take(24 * c.axis);
  c.found = take(sizeof *c.found * ((size_t)count / 2 + 2));
  CLEAR(c.positions, 24 * c.axis);
  return c;
}

static void give_cells(cells *c) { give(c->found), give(c->forces), give(c->positions), give(c->starts), give(c->slot_of), give(c->cell_of); }

static int along(const cells *c, double place) { return least(c->side - 1, (int)((place * (double)c->side) / c->edge)); }

static void sort(cells *c, const double *positions) {
  const int all = c->side * c->side * c->side;
  CLEAR(c->starts, 4 * ((size_t)all + 1));
  for (int i = 0; i < c->count; i++) {
    const double *at = positions + i;
    c->cell_of[i] = (along(c, at[2 * c->count]) * c->side + along(c, at[c->count])) * c->side + along(c, at[0]);
    c->starts[c->cell_of[i] + 1]++;
  }
  for (int cell = 1; cell <= all; cell++) c->starts[cell] += c->starts[cell - 1];
  for (int i = 0; i < c->count; i++) c->slot_of[i] = c->starts[c->cell_of[i]]++;
  for (int cell = all; cell > 0; cell--) c->starts[cell] = c->starts[cell - 1];
  c->starts[0] = 0;
  for (size_t axis = 0; axis < 3; axis++) {
    const double *from = positions + axis * (size_t)c->count;
    double *to = c->positions + axis * c->axis;
    for (int i = 0; i < c->count; i++) to[c->slot_of[i]] = from[i];
  }
}

static inline void add(double *at, d2 value) { *at += value[0] + value[1]; }

static void near(cells *c, int slot, int from, int to, double shift_x, double shift_y, double shift_z) {
  const size_t axis = c->axis;
  const double *own = c->positions + slot;
  const d2 x = both(own[0] - shift_x), y = both(own[axis] - shift_y), z = both(own[2 * axis] - shift_z);
  const d2 radius = both(c->radius);
  const double *end = c->positions + to, **found = c->found;
  for (const double *at = c->positions + from; at < end; at += 2) {
    const d2 dx = x - AT(d2u, at), dy = y - AT(d2u, at + axis), dz = z - AT(d2u, at + 2 * axis);
    *found = at;
    found += ANY(((dx * dx + dy * dy) + dz * dz) < radius);
  }
  d2 force_x = both(0), force_y = both(0), force_z = both(0), energy = both(0);
  const ptrdiff_t forces = c->forces - c->positions;
  for (const double **next = c->found; next < found; next++) {
    const double *at = *next;
    double *force = (double *)at + forces;
    const d2 dx = x - AT(d2u, at), dy = y - AT(d2u, at + axis), dz = z - AT(d2u, at + 2 * axis);
    const d2 square = (dx * dx + dy * dy) + dz * dz;
    const l2 is_near = square < c->radii[end - at < 2];
    const d2 inverse = (d2)((l2)(both(1) / square) & is_near);
    const d2 sixth = inverse * inverse * inverse;
    const d2 strength = (both(48) * sixth) * (sixth - both(0.5));
    const d2 share = strength * inverse;
    const d2 level = (both(4) * sixth) * (sixth - both(1));
    energy = energy + (level - (d2)((l2)both(c->shift) & is_near));
    const d2 fx = share * dx, fy = share * dy, fz = share * dz;
    force_x += fx, force_y += fy, force_z += fz;
    PUT(d2u, force, AT(d2u, force) - fx);
    PUT(d2u, force + axis, AT(d2u, force + axis) - fy);
    PUT(d2u, force + 2 * axis, AT(d2u, force + 2 * axis) - fz);
  }
  double *mine = c->forces + slot;
  add(mine, force_x), add(mine + axis, force_y), add(mine + 2 * axis, force_z);
  c->energy += energy;
}

static int inside(const cells *c, int at) { return at < 0 ? c->side - 1 : at == c->side ? 0 : at; }
static double shift_of(const cells *c, int at) { return at < 0 ? -c->edge : at == c->side ? c->edge : 0; }

/* Slots with all particles of some cells in a row. */
static void meet_span(cells *c, int from, int to, int cell_from, int cell_to, double x, double y, double z) {
  for (int slot = from; slot < to; slot++) near(c, slot, c->starts[cell_from], c->starts[cell_to], x, y, z);
}

static void meet_row(cells *c, int from, int to, int x, int y, int z) {
  const int side = c->side, row = (inside(c, z) * side + inside(c, y)) * side;
  const double shift_y = shift_of(c, y), shift_z = shift_of(c, z);
  meet_span(c, from, to, row + most(0, x - 1), row + least(side, x + 2), 0, shift_y, shift_z);
  if (x == 0) meet_span(c, from, to, row + side - 1, row + side, -c->edge, shift_y, shift_z);
  if (x == side - 1) meet_span(c, from, to, row, row + 1, c->edge, shift_y, shift_z);
}

static void meet(cells *c, int x, int y, int z) {
  const int row = (z * c->side + y) * c->side, from = c->starts[row + x], to = c->starts[row + x + 1];
  if (from == to) return;
  const int end = c->starts[row + least(c->side, x + 2)];
  for (int slot = from; slot < to; slot++) near(c, slot, slot + 1, end, 0, 0, 0);
  if (x == c->side - 1) meet_span(c, from, to, row, row + 1, c->edge, 0, 0);
  for (int i = 0; i < 4; i++) meet_row(c, from, to, x, y + AROUND[i][0], z + AROUND[i][1]);
}

/* Writes the forces on particles at these positions, and gives their potential energy. */
static double compute_pairs(cells *c, const double *positions, double *forces) {
  sort(c, positions);
  CLEAR(c->forces, 24 * c->axis);
  c->energy = both(0);
  for (int z = 0; z < c->side; z++) {
    for (int y = 0; y < c->side; y++) {
      for (int x = 0; x < c->side; x++) meet(c, x, y, z);
    }
  }
  for (size_t axis = 0; axis < 3; axis++) {
    const double *from = c->forces + axis * c->axis;
    double *to = forces + axis * (size_t)c->count;
    for (int i = 0; i < c->count; i++) to[i] = from[c->slot_of[i]];
  }
  return c->energy[0] + c->energy[1];
}
