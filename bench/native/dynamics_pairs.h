/*
 * kernels/dynamics/cells.ts, records.ts and pairs.ts in C: particles and their images are copied cell by cell, those around a cell are looked at
 * in 16 bits, four at a time, and forces computed of two pairs at a time of those that may be near.
 */

/* A line of the cache each: those of 48 bytes that suit the kernel are no faster here, or slower. */
typedef struct {
  double x, y, z, unused, sum_x, sum_y, sum_z, unused_too;
} record;

/* Places of four particles in parts of a cell, x and y, z and 0, and the byte offset of the first one's record. */
typedef struct {
  s8 xy, z;
  i4 first;
} group;

/* A cell that is the image of another one, moved by so much. */
typedef struct {
  int cell, of;
  double x, y, z;
} image;

typedef struct {
  int count, side, row, plane, cells, images, slots;
  double edge, cells_per_length, parts, radius, shift;
  int reach;
  int *cell_of, *slot_of, *counts, *starts;
  image *image;
  /* Behind all slots stands a record that is far. */
  record *records;
  group *groups;
  /* Copies of the groups around a cell, and byte offsets of records that may be near. */
  group *around, *end;
  uint32_t *found;
  d2 energy;
  l2 pairs;
} cells;

/* For each mask of four lanes, how far the records of those that are in it lie behind the first of the four, one after the other. */
static const i4 CHOSEN[16] = {
  {0}, {0}, {64}, {0, 64}, {128}, {0, 128}, {64, 128}, {0, 64, 128},
  {192}, {0, 192}, {64, 192}, {0, 64, 192}, {128, 192}, {0, 128, 192}, {64, 128, 192}, {0, 64, 128, 192},
};
/* Two cells beside z for four lanes and behind them none. */
static const int GONE[7] = {0x40000000, 0x40000000, 0x40000000, 0x40000000};
#define FAR 1e18
/* Parts of a cell, and what leaves the nearest integer in the lowest bits of a number that it is added to. */
#define PARTS 8192
#define ROUND 6755399441055744.0

static i4 four_of(int x) { return (i4){x, x, x, x}; }
static int least(int a, int b) { return a < b ? a : b; }
static int most(int a, int b) { return a > b ? a : b; }

static int index_of(int side, int x, int y, int z) { return (z * (side + 2) + (y + 1)) * (side + 2) + (x + 1); }

static void put_image(cells *c, int x, int y, int z) {
  const int side = c->side, boxes_x = (x == side) - (x < 0), boxes_y = (y == side) - (y < 0), boxes_z = z == side;
  if (!boxes_x && !boxes_y && !boxes_z) return;
  const int of = index_of(side, x - boxes_x * side, y - boxes_y * side, z - boxes_z * side);
  c->image[c->images++] = (image){index_of(side, x, y, z), of, c->edge * boxes_x, c->edge * boxes_y, c->edge * boxes_z};
}

static cells cells_of(int count, double edge, double cutoff) {
  int root = 1;
  while ((root + 1) * (root + 1) * (root + 1) <= count) root++;
  cells c = {.count = count, .edge = edge, .radius = cutoff * cutoff};
  c.side = most(3, least((int)(edge / cutoff), root));
  c.cells_per_length = (double)c.side / edge, c.parts = (PARTS * (double)c.side) / edge;
  c.row = c.side + 2, c.plane = c.row * c.row, c.cells = c.plane * (c.side + 1);
  const double inverse = 1 / (c.radius * c.radius * c.radius), reach = cutoff * c.parts + 2;
  c.shift = 4 * inverse * (inverse - 1);
  c.reach = (int)(reach * reach);
  c.cell_of = take(4 * (size_t)count), c.slot_of = take(4 * (size_t)count);
  c.counts = take(4 * (size_t)c.cells), c.starts = take(4 * ((size_t)c.cells + 1));
  c.image = take(sizeof(image) * (size_t)c.cells);
  for (int z = 0; z <= c.side; z++) {
    for (int y = -1; y <= c.side; y++) {
      for (int x = -1; x <= c.side; x++) put_image(&c, x, y, z);
    }
  }
  return c;
}

static void give_cells(cells *c) {
  if (c->slots) give(c->found), give(c->around), give(c->groups), give(c->records);
  give(c->image), give(c->starts), give(c->counts), give(c->slot_of), give(c->cell_of);
}

static inline void put(cells *c, size_t slot, d2 xy, double z) {
  record *at = c->records + slot;
  *(d2 *)&at->x = xy, at->z = z;
  *(d2 *)&at->sum_x = both(0), *(d2 *)&at->sum_z = both(0);
  group *to = c->groups + slot / 4;
  const s8 part = (s8)(xy * both(c->parts) + both(ROUND));
  to->xy[2 * (slot % 4)] = part[0], to->xy[2 * (slot % 4) + 1] = part[4], to->z[2 * (slot % 4)] = ((s8)both(z * c->parts + ROUND))[0];
}

/* Room for so many slots, a multiple of four. */
static void reserve(cells *c, int slots) {
  if (slots <= c->slots) return;
  if (c->slots) give(c->found), give(c->around), give(c->groups), give(c->records);
  c->slots = slots;
  c->records = take(sizeof(record) * ((size_t)slots + 1)), c->groups = take(sizeof(group) * (size_t)(slots / 4));
  c->around = take(sizeof(group) * (size_t)(slots / 4 + 9)), c->found = take(4 * ((size_t)slots + 36));
  for (int i = 0; i < slots / 4; i++) c->groups[i] = (group){.first = four_of(i) * (4 * (int)sizeof(record))};
  c->records[slots] = (record){.x = FAR, .y = FAR, .z = FAR};
}

static int along(const cells *c, double place) { return least(c->side - 1, (int)(place * c->cells_per_length)); }

static void sort(cells *c, const double *positions) {
  CLEAR(c->counts, 4 * (size_t)c->cells);
  for (int i = 0; i < c->count; i++) {
    const double *at = positions + i;
    c->cell_of[i] = index_of(c->side, along(c, at[0]), along(c, at[c->count]), along(c, at[2 * c->count]));
    c->slot_of[i] = c->counts[c->cell_of[i]]++;
  }
  for (int i = 0; i < c->images; i++) c->counts[c->image[i].cell] = c->counts[c->image[i].of];
  int slot = 0;
  for (int cell = 0; cell < c->cells; cell++) {
    if (cell % c->row == 0) slot = (slot + 3) & -4;
    c->starts[cell] = slot;
    slot += c->counts[cell];
  }
  c->starts[c->cells] = slot = (slot + 3) & -4;
  reserve(c, slot);
  for (int i = 0; i < c->count; i++) {
    const double *at = positions + i;
    c->slot_of[i] += c->starts[c->cell_of[i]];
    put(c, (size_t)c->slot_of[i], (d2){at[0], at[c->count]}, at[2 * c->count]);
  }
  for (const image *i = c->image; i < c->image + c->images; i++) {
    const record *from = c->records + c->starts[i->of];
    const d2 shift = {i->x, i->y};
    size_t to = (size_t)c->starts[i->cell];
    for (const size_t end = to + (size_t)c->counts[i->of]; to < end; from++) put(c, to++, *(const d2 *)&from->x + shift, from->z + i->z);
  }
  for (int last = c->row - 1; last < c->cells; last += c->row) {
    for (int nobody = c->starts[last] + c->counts[last]; nobody < c->starts[last + 1]; nobody++) put(c, (size_t)nobody, both(FAR), FAR);
  }
}

/* Slots of a row are around, in whole groups: others in these are of the same row, but farther than a cell, or nobody. */
static void add(cells *c, int from, int to) {
  const group *end = c->groups + (to + 3) / 4;
  for (const group *at = c->groups + from / 4; at < end; at++) *c->end++ = *at;
}

/* A particle with all behind it in what is around. Adds to what acts on both, in parts of 48. */
static void meet_all(cells *c, size_t slot, size_t place) {
  group *at = c->around + place / 4;
  const group *end = c->end;
  const size_t lane = place % 4;
  const s8 xy4 = (s8)four_of(((i4)at->xy)[lane]), z4 = (s8)four_of(((i4)at->z)[lane]);
  const i4 reach = four_of(c->reach);
  /* It and those before it are near to nothing. */
  s8 z8 = at->z | (s8)AT(i4, GONE + 3 - lane);
  uint32_t *found = c->found;
  do {
    const s8 to_xy = at->xy - xy4, to_z = z8 - z4;
    const unsigned mask = MASK4((DOT(to_xy, to_xy) + DOT(to_z, to_z)) < reach);
    PUT(i4, found, at->first + CHOSEN[mask]);
    found += __builtin_popcount(mask);
    z8 = (++at)->z;
  } while (at < end);
  if (found == c->found) return;
  *found = (uint32_t)c->slots * sizeof(record);

  uint8_t *records = (uint8_t *)c->records;
  record *own = c->records + slot;
  const d2 xy = *(const d2 *)&own->x, z = both(own->z), radius = both(c->radius), one = both(1), half = both(0.5);
  d2 sum_xy = both(0), sum_z = both(0), energy = c->energy;
  l2 pairs = c->pairs;
  for (const uint32_t *next = c->found; next < found; next += 2) {
    record *a = (record *)(records + next[0]), *b = (record *)(records + next[1]);
    const d2 to_a = *(const d2 *)&a->x - xy, to_b = *(const d2 *)&b->x - xy;
    const d2 dx = {to_a[0], to_b[0]}, dy = {to_a[1], to_b[1]}, dz = (d2){a->z, b->z} - z;
    const d2 square = (dx * dx + dy * dy) + dz * dz;
    const l2 is_near = square < radius;
    const d2 inverse = (d2)((l2)(one / square) & is_near);
    const d2 sixth = inverse * inverse * inverse;
    energy += sixth * (sixth - one);
    pairs -= is_near;
    const d2 share = (sixth * (sixth - half)) * inverse;
    const d2 fx = share * dx, fy = share * dy, fz = share * dz;
    const d2 on_a = {fx[0], fy[0]}, on_b = {fx[1], fy[1]}, on_z = (d2){a->sum_z, b->sum_z} + fz;
    *(d2 *)&a->sum_x += on_a;
    *(d2 *)&b->sum_x += on_b;
    a->sum_z = on_z[0], b->sum_z = on_z[1];
    sum_xy = (sum_xy + on_a) + on_b;
    sum_z += fz;
  }
  *(d2 *)&own->sum_x -= sum_xy;
  own->sum_z -= sum_z[0] + sum_z[1];
  c->energy = energy, c->pairs = pairs;
}

static void add_row(cells *c, int cell) { add(c, c->starts[cell - 1], c->starts[cell + 2]); }

static void meet(cells *c, int cell) {
  const int from = c->starts[cell], to = c->starts[cell + 1];
  if (from == to) return;
  c->end = c->around;
  add(c, from, c->starts[cell + 2]);
  add_row(c, cell + c->row), add_row(c, cell + c->plane - c->row), add_row(c, cell + c->plane), add_row(c, cell + c->plane + c->row);
  for (int slot = from; slot < to; slot++) meet_all(c, (size_t)slot, (size_t)(from % 4 + slot - from));
}

/* Writes the forces on particles at these positions, and gives their potential energy. */
static double compute_pairs(cells *c, const double *positions, double *forces) {
  sort(c, positions);
  c->energy = both(0), c->pairs = (l2){0, 0};
  for (int z = 0; z < c->side; z++) {
    for (int y = 0; y < c->side; y++) {
      for (int x = 0; x < c->side; x++) meet(c, index_of(c->side, x, y, z));
    }
  }
  for (const image *i = c->image; i < c->image + c->images; i++) {
    const record *from = c->records + c->starts[i->cell];
    record *to = c->records + c->starts[i->of];
    for (int n = 0; n < c->counts[i->of]; n++, from++, to++) {
      *(d2 *)&to->sum_x += *(const d2 *)&from->sum_x;
      to->sum_z += from->sum_z;
    }
  }
  for (int i = 0; i < c->count; i++) {
    const record *from = c->records + c->slot_of[i];
    double *to = forces + i;
    to[0] = 48 * from->sum_x, to[c->count] = 48 * from->sum_y, to[2 * c->count] = 48 * from->sum_z;
  }
  return 4 * (c->energy[0] + c->energy[1]) - c->shift * (double)(c->pairs[0] + c->pairs[1]);
}
