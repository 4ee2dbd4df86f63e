/* kernels/lib/exponential.ts, logarithm.ts, normal.ts, sine.ts and a part of four.ts in C: the same operations in the same order. */

#define ROUNDER 6755399441055744.0
#define STEP(p, x, c) ((p) * (x) + (c))

static const double EXP_POLYNOMIAL[10] = {
  2.0911236630261545e-9, 2.510038549551032e-8, 2.755728296954995e-7, 2.7557268459997064e-6, 2.4801587317144498e-5,
  1.9841269863053618e-4, 1.3888888888886552e-3, 8.333333333330062e-3, 4.1666666666666664e-2, 1.6666666666666669e-1,
};
static const double LOG_TABLE[69] = {
  1.390625, -0.32975328637257917, 1.1118671389559323e-13,
  1.33203125, -0.28670503280386583, -8.848109604006821e-14,
  1.28125, -0.2478361639045943, 1.3029797173308663e-14,
  1.23046875, -0.20739519434596332, -1.0726867577289733e-13,
  1.18359375, -0.16855536102980295, -3.714397754170472e-15,
  1.14453125, -0.13499516453748583, -1.8996158041578768e-14,
  1.1015625, -0.09672962645845473, -9.638067658552277e-14,
  1.06640625, -0.06429435070549516, 9.790518511990216e-14,
  1.03125, -0.03077165866670839, -4.529814257790929e-14,
  1.0, 0.0, 0.0,
  0.96875, 0.03174869831468641, -1.0610652735224087e-13,
  0.94140625, 0.060380510988807146, 1.0033424888676119e-13,
  0.9140625, 0.08985632912185793, 3.1218748807418837e-15,
  0.890625, 0.11583181552509814, 2.3568822182038756e-14,
  0.86328125, 0.14701474296180095, 8.710783796122478e-15,
  0.84375, 0.16989903679541385, -1.6376276414097503e-14,
  0.8203125, 0.19806991376208316, 1.0634128304268335e-14,
  0.80078125, 0.2221674653410446, 1.0970699320566433e-13,
  0.78125, 0.2468600779316148, -8.899851356560444e-14,
  0.76171875, 0.2721778859158803, -6.465103064005256e-14,
  0.74609375, 0.29290401643288533, 4.727452940514406e-14,
  0.7265625, 0.3194307707663029, 5.834357420090924e-14,
  0.7109375, 0.3411707574027787, -1.156568624616423e-14,
};
static const double LOG_POLYNOMIAL[8] = {
  -0.10008644869769305, 0.11120541804241288, -0.12499997198666564, 0.14285711229745515, -0.16666666666957117,
  0.2000000000031685, -0.24999999999999994, 0.33333333333333326,
};
static const double MILLS[23] = {
  1.7765727731750866e-09, 8.646440980013591e-09, -1.1219325599986036e-09, -6.986455843606939e-08,
  -3.2920205468884096e-08, 4.3709649248848374e-07, 1.7232169331153652e-07, -2.86336634052618e-06,
  5.371638963472169e-07, 1.9392487500176515e-05, -2.643735845214353e-05, -0.00010817738225863915,
  0.0004250958876619354, -0.00011869346099295901, -0.0035716954352974432, 0.015422845669178039, -0.03933220135556429,
  0.072487826976612, -0.10065743821675983, 0.10088858203453757, -0.05400807503407684, -0.03964700840400565,
  0.8461123547250693,
};
static const double MIDDLE[16] = {
  2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457, 13731.693765509461125,
  1971.5909503065514427, 133.14166789178437745, 3.387132872796366608,
  5226.495278852854561, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867, 5394.1960214247511077,
  687.1870074920579083, 42.313330701600911252, 1,
};
static const double SIDE[16] = {
  7.7454501427834140764e-4, 2.27238449892691845833e-2, 2.4178072517745061177e-1, 1.27045825245236838258,
  3.64784832476320460504, 5.7694972214606914055, 4.6303378461565452959, 1.42343711074968357734,
  1.05075007164441684324e-9, 5.475938084995344946e-4, 1.51986665636164571966e-2, 1.4810397642748007459e-1,
  6.8976733498510000455e-1, 1.6763848301838038494, 2.05319162663775882187, 1,
};
static const double FAR_SIDE[16] = {
  2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.2426609473880784386e-3, 2.65321895265761230930e-2,
  2.9656057182850489123e-1, 1.7848265399172913358, 5.4637849111641143699, 6.6579046435011037772,
  2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5, 7.868691311456132591e-4,
  1.48753612908506148525e-2, 1.3692988092273580531e-1, 5.9983220655588793769e-1, 1,
};
static const double SINE[6] = {
  1.5917848524808262e-10, -2.5051127944014188e-8, 2.755731608381636e-6, -1.9841269836722418e-4, 8.333333333330925e-3,
  -1.6666666666666666e-1,
};
static const double COSINE[6] = {
  -1.1382456778061306e-11, 2.0876143827993133e-9, -2.7557317260008837e-7, 2.480158729874307e-5, -1.3888888888887382e-3,
  4.1666666666666664e-2,
};

static inline d2 of_exponent(ul2 n) { return (d2)((n + (ul2){1023, 1023}) << 52); }
static inline d2 upper(d2 x) { return (d2)((l2)x & (l2){-134217728, -134217728}); }

static inline d2 exp_within(d2 x, d2 tail) {
  const d2 count = x * both(1.4426950408889634) + both(ROUNDER), k = count - both(ROUNDER);
  const d2 a = x - k * both(0.6931471805598903);
  const d2 b = k * both(5.497923018708371e-14) - tail;
  const d2 r = a - b;
  const d2 lost = (a - r) - b;
  d2 p = both(EXP_POLYNOMIAL[0]);
  for (int i = 1; i < 10; i++) p = STEP(p, r, both(EXP_POLYNOMIAL[i]));
  const d2 square = r * r;
  const d2 rest = r + (square * (both(0.5) + r * p) + lost);
  const ul2 low = (ul2)count >> 1;
  return (both(1) + rest) * of_exponent(low) * of_exponent((ul2)count - low);
}

static __attribute__((unused)) d2 exp_of_sum(d2 x, d2 tail) { return exp_within(MIN2(MAX2(x, both(-746.0)), both(710.0)), tail); }

/* Of positive, finite numbers. */
static __attribute__((unused)) d2 log_of(d2 x) {
  const l2 small = x < both(2.2250738585072014e-308);
  const d2 normal = pick(small, x * both(18014398509481984.0), x);
  const l2 over = ((l2)normal - (l2){0x3fe6a09e667f3bcd, 0x3fe6a09e667f3bcd}) >> 52;
  const d2 m = (d2)((l2)normal - (over << 52));
  d2 k = (d2)(over + (l2){0x4338000000000000, 0x4338000000000000}) - both(ROUNDER);
  k = k - (d2)(small & (l2)both(54));
  const l2 row = (l2)(m * both(32) + both(ROUNDER));
  uint32_t i0 = (uint32_t)row[0] - 23, i1 = (uint32_t)row[1] - 23;
  const double *r0 = LOG_TABLE + 3 * (i0 < 22 ? i0 : 22), *r1 = LOG_TABLE + 3 * (i1 < 22 ? i1 : 22);
  const d2 inverse = {r0[0], r1[0]}, log_high = {r0[1], r1[1]}, log_low = {r0[2], r1[2]};
  const d2 m1 = upper(m);
  const d2 a = m1 * inverse - both(1);
  const d2 b = (m - m1) * inverse;
  const d2 r = a + b;
  const d2 rest = (a - r) + b;
  d2 p = both(LOG_POLYNOMIAL[0]);
  for (int i = 1; i < 8; i++) p = STEP(p, r, both(LOG_POLYNOMIAL[i]));
  const d2 square = r * r;
  const d2 cubic = square * r * p;
  const d2 half = both(0.5);
  const d2 q1 = upper(r), q2 = r - q1;
  const d2 h = half * (q1 * q1);
  const d2 h_rest = half * (q2 * (r + q1)) + r * rest;
  const d2 whole = k * both(0.6931471805598903) + log_high;
  const d2 s = whole + r;
  const d2 s_rest = (whole - s) + r;
  const d2 t = s - h;
  const d2 t_rest = (s - t) - h;
  const d2 small1 = k * both(5.497923018708371e-14) + log_low;
  const d2 small2 = (cubic + rest) - h_rest;
  return t + ((s_rest + t_rest) + (small1 + small2));
}

static const float LOG_FOUR[9] = {
  6.971611827611923e-2f, -1.1479733884334564e-1f, 1.1685419827699661e-1f, -1.2425687164068222e-1f, 1.4249058067798615e-1f,
  -1.666780263185501e-1f, 2.0000715553760529e-1f, -2.499999701976776e-1f, 3.333333134651184e-1f,
};

/* Of positive, finite numbers that are not denormal. */
static __attribute__((unused)) f4 log_four(f4 x) {
  const i4 over = ((i4)x - 0x3f3504f3) >> 23;
  const f4 f = (f4)((i4)x - (over << 23)) - 1;
  const f4 k = __builtin_convertvector(over, f4);
  f4 p = (f4){LOG_FOUR[0], LOG_FOUR[0], LOG_FOUR[0], LOG_FOUR[0]};
  for (int i = 1; i < 9; i++) p = p * f + LOG_FOUR[i];
  const f4 square = f * f;
  f4 rest = square * f * p + k * 1.428606765330187e-6f;
  rest = rest - 0.5f * square;
  return (f + rest) + k * 0.693145751953125f;
}

static inline d2 size_of(d2 x) { return MIN2((d2)((l2)x & (l2){INT64_MAX, INT64_MAX}), both(39)); }
static inline d2 argument_of(d2 size) { return (size - both(5)) / (size + both(5)); }

static inline d2 tail_of(d2 x, d2 size, d2 p) {
  const d2 x1 = upper(size);
  const d2 main = both(-0.5) * (x1 * x1);
  const d2 rest = both(-0.5) * (size - x1) * (size + x1);
  const d2 tail = exp_within(main, rest) * (p / (both(1) + (size + size)));
  const l2 above = (x > both(0)) & (l2)both(-1);
  const d2 sign = (d2)((above & (l2)both(-0.0)) | (l2)both(1));
  return (d2)(above & (l2)both(1)) + sign * tail;
}

/* Even and odd powers of t apart. */
static __attribute__((unused)) d2 normal_cdf(d2 x) {
  const d2 size = size_of(x), t = argument_of(size), square = t * t;
  d2 even = both(MILLS[0]), odd = both(MILLS[1]);
  for (int i = 2; i < 22; i += 2) even = STEP(even, square, both(MILLS[i])), odd = STEP(odd, square, both(MILLS[i + 1]));
  return tail_of(x, size, STEP(even, square, both(MILLS[22])) + t * odd);
}

static inline d2 ratio(d2 r, const double *table) {
  d2 above = both(table[0]), below = both(table[8]);
  for (int i = 1; i < 8; i++) above = STEP(above, r, both(table[i]));
  for (int i = 9; i < 16; i++) below = STEP(below, r, both(table[i]));
  return above / below;
}

/* Away from the middle. */
static inline d2 aside(d2 p, d2 q) {
  const l2 below = q < both(0);
  const d2 root = SQRT2(-log_of(pick(below, p, both(1) - p)));
  d2 x = ratio(root - both(1.6), SIDE);
  const l2 far = root > both(5);
  if (ANY(far)) x = pick(far, ratio(root - both(5), FAR_SIDE), x);
  return (d2)((l2)x ^ (below & (l2)both(-0.0)));
}

static inline d2 quantile_near(d2 q) { return q * ratio(both(0.180625) - q * q, MIDDLE); }
static inline l2 is_near(d2 q) { return (d2)((l2)q & (l2){INT64_MAX, INT64_MAX}) <= both(0.425); }

/* Of numbers between 0 and 1. */
static __attribute__((unused)) d2 normal_quantile(d2 p) {
  const d2 q = p - both(0.5), middle = quantile_near(q);
  const l2 near = is_near(q);
  return ANY(~near) ? pick(near, middle, aside(p, q)) : middle;
}

/* In place; those away from the middle are put off, and done two at a time. */
static __attribute__((unused)) void normal_quantile_of(double *all, size_t count) {
  double *off[65];
  while (count > 0) {
    const size_t part = count < 64 ? count : 64;
    size_t waiting = 0;
    for (size_t i = 0; i < part; i += 2) {
      const d2 p = AT(d2u, all + i), q = p - both(0.5);
      const l2 near = is_near(q);
      PUT(d2u, all + i, pick(near, quantile_near(q), p));
      off[waiting] = all + i, waiting += (size_t)(near[0] + 1);
      off[waiting] = all + i + 1, waiting += (size_t)(near[1] + 1);
    }
    if (waiting > 0) off[waiting] = off[waiting - 1];
    for (size_t i = 0; i < waiting; i += 2) {
      const d2 p = {*off[i], *off[i + 1]}, x = aside(p, p - both(0.5));
      *off[i] = x[0], *off[i + 1] = x[1];
    }
    all += part, count -= part;
  }
}

/* sin(x + quarters pi/2), |x| < 2^20. */
static __attribute__((unused)) double sin_of(double x, int64_t quarters) {
  const double count = x * 0.6366197723675814 + ROUNDER, n = count - ROUNDER;
  const double a = x - n * 1.5707963267341256, b = n * 6.077100506303966e-11, near = a - b;
  const double c = n * 2.0222662487111665e-21, nearer = near - c;
  const double taken1 = a - near, lost1 = (a - (near + taken1)) + (taken1 - b);
  const double taken2 = near - nearer, lost2 = (near - (nearer + taken2)) + (taken2 - c);
  const double tail = (lost1 + lost2) - n * 8.4784276603689e-32;
  const double r = nearer + tail, rest = (nearer - r) + tail;
  const double z = r * r;
  double s = SINE[0], k = COSINE[0];
  for (int i = 1; i < 5; i++) s = STEP(s, z, SINE[i]);
  for (int i = 1; i < 6; i++) k = STEP(k, z, COSINE[i]);
  const double cube = z * r;
  const double sine = r - ((z * (0.5 * rest - cube * s) - rest) - cube * SINE[5]);
  const double half = 0.5 * z, w = 1 - half;
  const double cosine = w + (((1 - w) - half) + (z * z * k - r * rest));
  int64_t place;
  COPY(&place, &count, 8);
  place += quarters;
  const double value = place & 1 ? cosine : sine;
  return place & 2 ? -value : value;
}
