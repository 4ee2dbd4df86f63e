/* kernels/portfolio/worth.ts in C: Black and Scholes, each step of some options before the next one. */
#define PART 32

/* Of each row four coefficients in powers of t. */
static const double ROWS[6][4] = {
  {0, 1.7765727731750866e-09, 8.646440980013591e-09, -1.1219325599986036e-09},
  {-6.986455843606939e-08, -3.2920205468884096e-08, 4.3709649248848374e-07, 1.7232169331153652e-07},
  {-2.86336634052618e-06, 5.371638963472169e-07, 1.9392487500176515e-05, -2.643735845214353e-05},
  {-0.00010817738225863915, 0.0004250958876619354, -0.00011869346099295901, -0.0035716954352974432},
  {0.015422845669178039, -0.03933220135556429, 0.072487826976612, -0.10065743821675983},
  {0.10088858203453757, -0.05400807503407684, -0.03964700840400565, 0.8461123547250693},
};

/* A position. x = s d1 and y = s d2, for its sign s: factor of ln S and constant of x, x - y; discounted strike; quantity, with the sign. */
typedef struct {
  size_t price;
  double factor, shift, spread, cash, quantity;
} term;

/* An option at hand: t of x and y, then the polynomials there; exp(-x^2 / 2); what their tails are divided by; its worth but for these. */
typedef struct {
  d2 sums[2], density, below[2], rest;
} point;

static inline d2 size_within(d2 x) { return MIN2((d2)((l2)x & (l2){INT64_MAX, INT64_MAX}), both(37)); }

/* Negative above 0. */
static inline d2 divisor_of(d2 size, l2 above) {
  return (d2)((above & (l2)both(-0.0)) | (l2)both(1)) * (both(1) + (size + size));
}

static inline void set_point(point *p, const term *t, d2 logarithm, d2 price) {
  const d2 x = logarithm * both(t->factor) + both(t->shift), y = x - both(t->spread);
  const l2 above = x > both(0), beyond = y > both(0);
  const d2 size_x = size_within(x), size_y = size_within(y);
  p->sums[0] = argument_of(size_x), p->sums[1] = argument_of(size_y);
  p->density = size_x * size_x * both(-0.5);
  p->below[0] = divisor_of(size_x, above), p->below[1] = divisor_of(size_y, beyond);
  p->rest = (d2)(above & (l2)price) - (d2)(beyond & (l2)both(t->cash));
}

/* From -708 to 709. Even and odd powers apart. */
static inline d2 exp_between(d2 x) {
  const d2 count = x * both(1.4426950408889634) + both(ROUNDER + 1023), k = count - both(ROUNDER + 1023);
  const d2 r = (x - k * both(0.6931471805598903)) - k * both(5.497923018708371e-14), r2 = r * r;
  d2 odd = both(EXP_POLYNOMIAL[0]), even = both(EXP_POLYNOMIAL[1]);
  for (int i = 2; i < 10; i += 2) odd = STEP(odd, r2, both(EXP_POLYNOMIAL[i])), even = STEP(even, r2, both(EXP_POLYNOMIAL[i + 1]));
  const d2 curved = r2 * (both(0.5) + r * (even + r * odd));
  return (both(1) + (r + curved)) * (d2)((ul2)count << 52);
}

static inline d2 sum_of(d2 t, d2 t2, const d2 *c) { return (c[3] + t2 * c[1]) + t * (c[2] + t2 * c[0]); }

static void run_sums(point *p, size_t count) {
  for (size_t i = 0; i < count; i++) p[i].density = exp_between(p[i].density);
  for (size_t i = 0; i < count; i++) {
    const d2 t = p[i].sums[0], u = p[i].sums[1], t2 = t * t, u2 = u * u, t4 = t2 * t2, u4 = u2 * u2;
    d2 a[4], b[4];
    for (int j = 0; j < 4; j++) a[j] = b[j] = both(ROWS[0][j]);
    for (int row = 1; row < 6; row++) {
      for (int j = 0; j < 4; j++) a[j] = STEP(a[j], t4, both(ROWS[row][j])), b[j] = STEP(b[j], u4, both(ROWS[row][j]));
    }
    p[i].sums[0] = sum_of(t, t2, a), p[i].sums[1] = sum_of(u, u2, b);
  }
}

static inline d2 worth_of(const point *p, d2 price) {
  return p->rest + price * p->density * (p->sums[0] / p->below[0] - p->sums[1] / p->below[1]);
}
