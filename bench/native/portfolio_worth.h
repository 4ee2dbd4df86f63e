/* kernels/portfolio/worth.ts in C: Black and Scholes, each step of some options before the next one. */
#define PART 16

/* Four coefficients of powers of t a row, from the highest power down. */
static const double ROWS[6][4] = {
  {1.7765727731750866e-09, 8.646440980013591e-09, -1.1219325599986036e-09},
  {-3.2920205468884096e-08, 4.3709649248848374e-07, 1.7232169331153652e-07, -6.986455843606939e-08},
  {5.371638963472169e-07, 1.9392487500176515e-05, -2.643735845214353e-05, -2.86336634052618e-06},
  {0.0004250958876619354, -0.00011869346099295901, -0.0035716954352974432, -0.00010817738225863915},
  {-0.03933220135556429, 0.072487826976612, -0.10065743821675983, 0.015422845669178039},
  {-0.05400807503407684, -0.03964700840400565, 0.8461123547250693, 0.10088858203453757},
};

/* A position. x = s d1 and y = s d2, for its sign s: factor of ln S and constant of x, x - y; discounted strike; quantity, with the sign. */
typedef struct {
  size_t price;
  double factor, shift, spread, cash, quantity;
} term;

/* An option at hand: t of x and y, then its tails but for the density; exp(-x^2 / 2); what tails are divided by; its worth but for these. */
typedef struct {
  d2 sums[2], density, below[2], rest;
} point;

static inline d2 size_alone(d2 x) { return (d2)((l2)x & (l2){INT64_MAX, INT64_MAX}); }

/* 1 + 2 |x|, negative above 0. */
static inline d2 divisor_of(d2 x, l2 above) { return (d2)((above & (l2)both(-0.0)) | (l2)both(1)) - (x + x); }

static inline void set_point(point *p, const term *t, d2 logarithm, d2 price) {
  const d2 x = logarithm * both(t->factor) + both(t->shift), y = x - both(t->spread);
  const l2 above = x > both(0), beyond = y > both(0);
  const d2 size_x = size_alone(x), size_y = size_alone(y), bounded = MIN2(size_x, both(37));
  p->sums[0] = argument_of(size_x), p->sums[1] = argument_of(size_y);
  p->density = bounded * bounded * both(-0.5);
  p->below[0] = divisor_of(x, above), p->below[1] = divisor_of(y, beyond);
  p->rest = (d2)(above & (l2)price) - (d2)(beyond & (l2)both(t->cash));
}

/* Of four numbers from -708 to 709, in place. Even and odd powers apart; each step of all four before the next one. */
static inline void exp_four(d2 *x, size_t apart) {
  d2 count[4], r[4], r2[4], odd[4], even[4];
  for (int j = 0; j < 4; j++) {
    const d2 given = x[(size_t)j * apart], k = (count[j] = given * both(1.4426950408889634) + both(ROUNDER + 1023)) - both(ROUNDER + 1023);
    r[j] = (given - k * both(0.6931471805598903)) - k * both(5.497923018708371e-14), r2[j] = r[j] * r[j];
    odd[j] = both(EXP_POLYNOMIAL[0]), even[j] = both(EXP_POLYNOMIAL[1]);
  }
  for (int i = 2; i < 10; i += 2) {
    for (int j = 0; j < 4; j++) odd[j] = STEP(odd[j], r2[j], both(EXP_POLYNOMIAL[i])), even[j] = STEP(even[j], r2[j], both(EXP_POLYNOMIAL[i + 1]));
  }
  for (int j = 0; j < 4; j++) {
    const d2 curved = r2[j] * (both(0.5) + r[j] * (even[j] + r[j] * odd[j]));
    x[(size_t)j * apart] = (both(1) + (r[j] + curved)) * (d2)((ul2)count[j] << 52);
  }
}

/* Every fourth power is summed on its own. */
static inline d2 sum_of(d2 t, d2 t2, const d2 *c) { return (c[2] + t2 * c[0]) + t * (c[1] + t2 * c[3]); }

static void run_sums(point *p, size_t count) {
  for (size_t i = 0; i < count; i += 4) exp_four(&p[i].density, sizeof(point) / sizeof(d2));
  for (size_t i = 0; i < count; i++) {
    const d2 t = p[i].sums[0], u = p[i].sums[1], t2 = t * t, u2 = u * u, t4 = t2 * t2, u4 = u2 * u2;
    d2 a[4], b[4];
    for (int j = 0; j < 3; j++) a[j] = STEP(both(ROWS[0][j]), t4, both(ROWS[1][j])), b[j] = STEP(both(ROWS[0][j]), u4, both(ROWS[1][j]));
    a[3] = b[3] = both(ROWS[1][3]);
    for (int row = 2; row < 6; row++) {
      for (int j = 0; j < 4; j++) a[j] = STEP(a[j], t4, both(ROWS[row][j])), b[j] = STEP(b[j], u4, both(ROWS[row][j]));
    }
    p[i].sums[0] = sum_of(t, t2, a) / p[i].below[0] - sum_of(u, u2, b) / p[i].below[1];
  }
}

static inline d2 worth_of(const point *p, d2 price) {
  return p->rest + price * p->density * p->sums[0];
}
