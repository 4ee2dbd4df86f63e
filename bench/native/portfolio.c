/*
 * kernels/portfolio in C. Input and output are numbers instead of MessagePack: f64 of assets, positions, paths, first, seed, rate,
 * horizon, confidence; spots, volatilities, correlation; of each position asset, sign, strike, years, quantity. Output: f64 of value,
 * then value and error of mean, value at risk and shortfall, with control variate and without.
 */
#include "task.h"
#include "numbers.h"
#include "philox.h"
#include "portfolio_worth.h"

#define BATCHES 20
#define SMALL 16
/* Pairs of paths that are run at a time: of each asset, theirs stand together. */
#define PAIRS 4

/* Of an asset: where ln S is drawn to until the horizon, how far a shock takes it, and the loss of a shock. */
typedef struct {
  double drift, scale, slope;
} move;

typedef struct {
  size_t assets, positions, paths, first;
  double rate, horizon, confidence, spread, value;
  const double *spots, *volatilities, *correlation;
  double *factor, *slopes;
  move *moves;
  d2 *normals, *logarithms, *prices;
  term *now, *then;
  philox random;
} book;

static double log1of(double x) { return log_of(both(x))[0]; }

static void fill_terms(const book *b, const double *positions, term *terms, double at) {
  for (size_t i = 0; i < b->positions; i++) {
    const double *p = positions + 5 * i;
    const double gone = p[3] - at, left = gone > 1e-14 ? gone : 1e-14, sigma = b->volatilities[(size_t)p[0]];
    const double spread = sigma * __builtin_sqrt(left);
    terms[i] = (term){(size_t)p[0] * PAIRS, p[1] / spread, p[1] * ((b->rate + 0.5 * sigma * sigma) * left - log1of(p[2])) / spread,
                      p[1] * spread, p[2] * exp_of_sum(both(-b->rate * left), both(0))[0], p[1] * p[4]};
  }
}

/* Of each pair. Terms are read once for all of them. */
static void book_values(const book *b, const term *terms, d2 *values) {
  for (int p = 0; p < PAIRS; p++) values[p] = both(0);
  point at_hand[PART * PAIRS];
  for (size_t from = 0; from < b->positions; from += PART) {
    const size_t count = b->positions - from < PART ? b->positions - from : PART;
    const term *t = terms + from;
    for (size_t i = 0; i < count; i++) {
      const d2 *logarithms = b->logarithms + t[i].price, *prices = b->prices + t[i].price;
      for (int p = 0; p < PAIRS; p++) set_point(at_hand + i * PAIRS + p, t + i, logarithms[p], prices[p]);
    }
    run_sums(at_hand, count * PAIRS);
    for (size_t i = 0; i < count; i++) {
      for (int p = 0; p < PAIRS; p++) values[p] += both(t[i].quantity) * worth_of(at_hand + i * PAIRS + p, b->prices[t[i].price + p]);
    }
  }
}

static void set_price(book *b, size_t asset, d2 logarithm) {
  for (int p = 0; p < PAIRS; p++) b->logarithms[asset * PAIRS + p] = logarithm, b->prices[asset * PAIRS + p] = exp_of_sum(logarithm, both(0));
}

static void factorize(double *a, size_t n) {
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0; j <= i; j++) {
      double rest = a[i * n + j];
      for (size_t p = 0; p < j; p++) rest -= a[i * n + p] * a[j * n + p];
      a[i * n + j] = i != j ? rest / a[j * n + j] : __builtin_sqrt(rest);
    }
  }
}

static void prepare(book *b, const double *positions) {
  for (size_t i = 0; i < b->assets * b->assets; i++) b->factor[i] = b->correlation[i];
  factorize(b->factor, b->assets);
  for (size_t a = 0; a < b->assets; a++) set_price(b, a, both(log1of(b->spots[a]))), b->slopes[a] = 0;
  d2 values[PAIRS];
  book_values(b, b->now, values);
  b->value = values[0][0];
  for (size_t i = 0; i < b->positions; i++) {
    const term *t = b->now + i;
    const double delta = normal_cdf(both(b->logarithms[t->price][0] * t->factor + t->shift))[0] * t->quantity;
    const size_t a = (size_t)positions[5 * i];
    b->slopes[a] -= delta * b->spots[a] * b->volatilities[a] * __builtin_sqrt(b->horizon);
  }
  double variance = 0;
  for (size_t i = 0; i < b->assets; i++) {
    for (size_t j = 0; j < b->assets; j++) variance += b->slopes[i] * b->slopes[j] * b->correlation[i * b->assets + j];
  }
  b->spread = __builtin_sqrt(variance);
  for (size_t a = 0; a < b->assets; a++) {
    const double sigma = b->volatilities[a];
    const double drift = log1of(b->spots[a]) + (b->rate - 0.5 * sigma * sigma) * b->horizon;
    b->moves[a] = (move){drift, sigma * __builtin_sqrt(b->horizon), b->slopes[a]};
  }
}

/* All pairs at once, which read factors once. */
static void shocks(const book *b, double *linear) {
  d2 first[PAIRS];
  for (int p = 0; p < PAIRS; p++) first[p] = both(0);
  for (size_t a = 0; a < b->assets; a++) {
    d2 shock[PAIRS];
    for (int p = 0; p < PAIRS; p++) shock[p] = both(0);
    for (size_t i = 0; i <= a; i++) {
      for (int p = 0; p < PAIRS; p++) shock[p] += both(b->factor[a * b->assets + i]) * b->normals[i * PAIRS + p];
    }
    for (int p = 0; p < PAIRS; p++) {
      b->logarithms[a * PAIRS + p] = both(b->moves[a].drift) + both(b->moves[a].scale) * shock[p];
      first[p] += both(b->moves[a].slope) * shock[p];
    }
  }
  for (int p = 0; p < PAIRS; p++) PUT(d2u, linear + 2 * p, first[p]);
}

static void run_pairs(book *b, uint64_t pair, double *losses, double *linear) {
  const size_t all = PAIRS * b->assets;
  for (size_t a = 0; a < b->assets; a++) philox_even_four(b->random, pair, a, b->normals + a * PAIRS, 1);
  normal_quantile_of((double *)b->normals, 2 * all);
  shocks(b, linear);
  for (size_t i = 0; i < all; i += 4) {
    for (size_t j = i; j < i + 4; j++) b->prices[j] = MIN2(MAX2(b->logarithms[j], both(-708)), both(709));
    exp_four(b->prices + i, 1);
  }
  d2 values[PAIRS];
  book_values(b, b->then, values);
  for (int p = 0; p < PAIRS; p++) PUT(d2u, losses + 2 * p, both(b->value) - values[p]);
}

static double middle(double a, double b, double c) {
  const double low = a < b ? a : b, high = a < b ? b : a, rest = high < c ? high : c;
  return low > rest ? low : rest;
}

/* kernels/portfolio/top.ts: no branch on what is random. */
static double *smaller_first(double *from, double *to, double pivot) {
  double *low = from;
  for (double *at = from; at < to; at++) {
    const double value = *at;
    *at = *low;
    *low = value;
    low += value < pivot;
  }
  return low;
}

static double *not_larger_first(double *from, double *to, double pivot) {
  double *low = from;
  for (double *at = from; at < to; at++) {
    const double value = *at;
    *at = *low;
    *low = value;
    low += !(value > pivot);
  }
  return low;
}

static void sort_behind(double *from, double *to, double *border) {
  while (to - from > SMALL) {
    const double pivot = middle(from[0], from[(to - from) >> 1], to[-1]);
    double *low = smaller_first(from, to, pivot);
    if (low == from) from = not_larger_first(from, to, pivot);
    else if (low <= border) from = low;
    else if (low - from < to - low) {
      sort_behind(from, low, border);
      from = low;
    } else {
      sort_behind(low, to, border);
      to = low;
    }
  }
  for (double *at = from + 1; at < to; at++) {
    const double value = *at;
    double *hole = at;
    for (; hole > from && hole[-1] > value; hole--) *hole = hole[-1];
    *hole = value;
  }
}

static void sort_top(double *from, double *to, size_t count) {
  sort_behind(from, to, count < (size_t)(to - from) ? to - count : from);
}

typedef struct {
  double of[3];
} sample;

static sample sample_of(const double *losses, const double *linear, size_t count, double slope, double border, double confidence) {
  sample s = {{0, 0, 0}};
  double *room = take(8 * count), *end = room + count, *inner = room, *outer = end;
  for (size_t i = 0; i < count; i++) {
    s.of[0] += losses[i] - slope * linear[i];
    if (linear[i] > border) *--outer = losses[i];
    else *inner++ = losses[i];
  }
  s.of[0] /= (double)count;
  size_t to_inner = (size_t)(inner - room), to_outer = count - to_inner;
  const size_t beyond = to_outer;
  const double tail = 1 - confidence;
  const int controlled = beyond > 0 && beyond < count;
  const double outer_weight = controlled ? tail / (double)beyond : 1 / (double)count;
  const double inner_weight = controlled ? confidence / (double)to_inner : outer_weight;
  const double outer_top = tail / outer_weight + 2, inner_top = tail / inner_weight + 2;
  sort_top(outer, end, outer_top < (double)to_outer ? (size_t)outer_top : to_outer);
  sort_top(room, inner, inner_top < (double)to_inner ? (size_t)inner_top : to_inner);
  double weight = 0, sum = 0;
  while (weight < tail && (to_inner > 0 || to_outer > 0)) {
    const int is_outer = to_outer > 0 && (to_inner == 0 || outer[to_outer - 1] >= room[to_inner - 1]);
    const double loss = is_outer ? outer[--to_outer] : room[--to_inner];
    const double whole = is_outer ? outer_weight : inner_weight, each = whole < tail - weight ? whole : tail - weight;
    weight += each;
    sum += each * loss;
    s.of[1] = loss;
  }
  s.of[2] = sum / weight;
  give(room);
  return s;
}

static void estimate(const book *b, const double *losses, const double *linear, double *to) {
  const size_t size = b->paths / BATCHES;
  double both_ways = 0;
  for (size_t i = 0; i < b->paths; i++) both_ways += losses[i] * linear[i];
  const double slope = b->spread == 0 ? 0 : both_ways / ((double)b->paths * b->spread * b->spread);
  const double border = b->spread * normal_quantile(both(b->confidence))[0];
  for (int controlled = 1; controlled >= 0; controlled--) {
    const double factor = controlled ? slope : 0, limit = controlled ? border : __builtin_inf();
    const sample whole = sample_of(losses, linear, b->paths, factor, limit, b->confidence);
    sample parts[BATCHES];
    for (size_t i = 0; i < BATCHES; i++) parts[i] = sample_of(losses + i * size, linear + i * size, size, factor, limit, b->confidence);
    for (int which = 0; which < 3; which++) {
      double mean = 0, square = 0;
      for (int i = 0; i < BATCHES; i++) mean += parts[i].of[which] / BATCHES;
      for (int i = 0; i < BATCHES; i++) square += (parts[i].of[which] - mean) * (parts[i].of[which] - mean);
      *to++ = whole.of[which];
      *to++ = __builtin_sqrt(square / (BATCHES * (BATCHES - 1)));
    }
  }
}

static buffer run(const uint8_t *input, size_t size) {
  (void)size;
  const double *in = (const double *)input;
  book b = {.assets = (size_t)in[0], .positions = (size_t)in[1], .paths = (size_t)in[2], .first = (size_t)in[3]};
  b.random = philox_of((uint64_t)in[4]);
  b.rate = in[5], b.horizon = in[6], b.confidence = in[7];
  b.spots = in + 8, b.volatilities = b.spots + b.assets, b.correlation = b.volatilities + b.assets;
  const double *positions = b.correlation + b.assets * b.assets;
  b.factor = take(8 * b.assets * b.assets), b.slopes = take(8 * b.assets), b.moves = take(sizeof(move) * b.assets);
  b.normals = take(PAIRS * 16 * b.assets), b.logarithms = take(PAIRS * 16 * b.assets), b.prices = take(PAIRS * 16 * b.assets);
  b.now = take(sizeof(term) * (b.positions + 1)), b.then = take(sizeof(term) * (b.positions + 1));
  fill_terms(&b, positions, b.now, 0);
  fill_terms(&b, positions, b.then, b.horizon);
  prepare(&b, positions);
  double *losses = take(8 * b.paths), *linear = take(8 * b.paths);
  for (size_t i = 0; i < b.paths; i += 2 * PAIRS) run_pairs(&b, b.first + (i >> 1), losses + i, linear + i);
  buffer out = {take(13 * 8), 13 * 8};
  PUT(double, out.bytes, b.value);
  estimate(&b, losses, linear, (double *)(out.bytes + 8));
  give(linear), give(losses), give(b.then), give(b.now), give(b.prices), give(b.logarithms), give(b.normals), give(b.moves), give(b.slopes), give(b.factor);
  return out;
}

#include "serve.h"
