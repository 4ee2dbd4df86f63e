/* kernels/dynamics in C. Behind the settings stands what the kernel gave before the first step: that is where this one begins. */
#include "task.h"
#include "numbers.h"
#include "dynamics_pairs.h"

#define SCALED_EVERY 10

typedef struct {
  int count, steps, sample, equilibration, chain;
  double density, edge, temperature, cutoff, dt, bond_length, bond_stiffness, potential;
  double *positions, *velocities, *forces, *samples;
  cells cells;
} fluid;

/* The bond of the particle whose x lies there with the one before it. */
static double pull(const fluid *f, const double *at, double *force) {
  double way[3], square = 0;
  for (int axis = 0; axis < 3; axis++) {
    way[axis] = at[axis * f->count] - at[axis * f->count - 1];
    if (way[axis] > 0.5 * f->edge) way[axis] -= f->edge;
    else if (way[axis] < -0.5 * f->edge) way[axis] += f->edge;
    square += way[axis] * way[axis];
  }
  const double length = __builtin_sqrt(square), stretch = length - f->bond_length;
  const double share = (-f->bond_stiffness * stretch) / length;
  for (int axis = 0; axis < 3; axis++) {
    force[axis * f->count] += share * way[axis];
    force[axis * f->count - 1] -= share * way[axis];
  }
  return 0.5 * f->bond_stiffness * stretch * stretch;
}

static void compute_forces(fluid *f) {
  f->potential = compute_pairs(&f->cells, f->positions, f->forces);
  double energy = 0;
  for (int i = 1; i < f->count && f->chain > 1; i++) {
    if (i % f->chain != 0) energy += pull(f, f->positions + i, f->forces + i);
  }
  f->potential += energy;
}

static inline d2 wrapped(const fluid *f, d2 at) {
  const d2 edges = both(f->edge), in = at + (d2)((l2)edges & (at < both(0)));
  return in - (d2)((l2)edges & (in >= edges));
}

static int advance(fluid *f) {
  const double half = 0.5 * f->dt, way_max = 0.25 * f->cutoff * f->cutoff;
  /* Two particles at a time: there are four in each cell of the lattice. */
  for (int i = 0; i < f->count; i += 2) {
    d2 way = both(0);
    for (int axis = 0; axis < 3; axis++) {
      const int at = axis * f->count + i;
      const d2 velocity = AT(d2, f->velocities + at) + both(half) * AT(d2, f->forces + at), move = both(f->dt) * velocity;
      PUT(d2, f->velocities + at, velocity);
      PUT(d2, f->positions + at, wrapped(f, AT(d2, f->positions + at) + move));
      way += move * move;
    }
    if (ANY(~(way <= both(way_max)))) return 0;
  }
  compute_forces(f);
  for (int at = 0; at < 3 * f->count; at++) f->velocities[at] += half * f->forces[at];
  return 1;
}

static double kinetic_of(const fluid *f) {
  double sum = 0;
  for (int at = 0; at < 3 * f->count; at++) sum += f->velocities[at] * f->velocities[at];
  return 0.5 * sum;
}

static double temperature_of(const fluid *f, double kinetic) { return (2 * kinetic) / (double)(3 * f->count - 3); }

static void take_sample(fluid *f, int row, int done) {
  const double kinetic = kinetic_of(f), count = (double)f->count;
  double *to = f->samples + 5 * row;
  to[0] = f->dt * (double)done, to[1] = kinetic / count, to[2] = f->potential / count;
  to[3] = (kinetic + f->potential) / count, to[4] = temperature_of(f, kinetic);
}

static fluid read_fluid(const uint8_t *in, size_t size) {
  fluid f = {0};
#define NUMBER(name, index, usual) setting(in, size, name, index, usual)
  f.count = (int)NUMBER("particles", 0, 0), f.density = NUMBER("density", 0, 0), f.temperature = NUMBER("temperature", 0, 0);
  f.cutoff = NUMBER("cutoff", 0, 2.5), f.steps = (int)NUMBER("steps", 0, 0), f.dt = NUMBER("dt", 0, 0);
  f.sample = (int)NUMBER("sample", 0, 10), f.equilibration = (int)NUMBER("equilibration", 0, 0);
  f.chain = (int)NUMBER("chain", 0, 1), f.bond_length = NUMBER("bond", 0, 0), f.bond_stiffness = NUMBER("bond", 1, 0);
  const uint8_t *state = in + data_of(in, size);
  const size_t bytes = 24 * (size_t)f.count;
  f.edge = AT(double, state + 24);
  f.positions = take(bytes), f.velocities = take(bytes), f.forces = take(bytes);
  COPY(f.positions, state + 64 + 40, bytes);
  COPY(f.velocities, state + 64 + 40 + bytes, bytes);
  f.samples = take(40 * (size_t)(f.steps / f.sample + 1));
  f.cells = cells_of(f.count, f.edge, f.cutoff);
  return f;
}

static buffer result(const fluid *f) {
  const size_t rows = (size_t)(f->steps / f->sample + 1), state = 24 * (size_t)f->count;
  buffer out = {take(64 + 40 * rows + 2 * state), 64 + 40 * rows + 2 * state};
  const uint32_t ints[4] = {1, (uint32_t)f->count, (uint32_t)rows, 5};
  const double numbers[5] = {f->edge, f->density, f->cutoff, f->dt, f->dt * (double)f->equilibration};
  COPY(out.bytes, "lodgdyna", 8);
  for (int i = 0; i < 4; i++) PUT(uint32_t, out.bytes + 8 + 4 * i, ints[i]);
  for (int i = 0; i < 5; i++) PUT(double, out.bytes + 24 + 8 * i, numbers[i]);
  COPY(out.bytes + 64, f->samples, 40 * rows);
  COPY(out.bytes + 64 + 40 * rows, f->positions, state);
  COPY(out.bytes + 64 + 40 * rows + state, f->velocities, state);
  return out;
}

static buffer run(const uint8_t *input, size_t size) {
  fluid f = read_fluid(input, size);
  compute_forces(&f);
  take_sample(&f, 0, 0);
  for (int done = 0; done < f.steps;) {
    if (!advance(&f)) __builtin_trap();
    done++;
    if (done <= f.equilibration && done % SCALED_EVERY == 0) {
      const double factor = __builtin_sqrt(f.temperature / temperature_of(&f, kinetic_of(&f)));
      for (int at = 0; at < 3 * f.count; at++) f.velocities[at] *= factor;
    }
    if (done % f.sample == 0) take_sample(&f, done / f.sample, done);
  }
  const buffer out = result(&f);
  give_cells(&f.cells);
  give(f.samples), give(f.forces), give(f.velocities), give(f.positions);
  return out;
}

#include "serve.h"
