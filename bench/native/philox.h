/* kernels/lib/philox.ts in C: Philox4x32-10. */
typedef struct {
  uint32_t key0, key1;
} philox;

static inline philox philox_of(uint64_t key) { return (philox){(uint32_t)key, (uint32_t)(key >> 32)}; }

static inline d2 even_of(ul2 bits) {
  return ((d2)((bits >> 12) | (ul2){0x3ff0000000000000u, 0x3ff0000000000000u}) - both(1)) + both(1.1102230246251565e-16);
}

/* Two numbers between 0 and 1 of a block's counter. */
static inline d2 philox_even(philox p, uint64_t low, uint64_t high) {
  uint32_t c0 = (uint32_t)low, c1 = (uint32_t)(low >> 32), c2 = (uint32_t)high, c3 = (uint32_t)(high >> 32);
  for (int round = 0; round < 10; round++) {
    const uint64_t p0 = (uint64_t)c0 * 0xd2511f53u, p1 = (uint64_t)c2 * 0xcd9e8d57u;
    c0 = (uint32_t)(p1 >> 32) ^ c1 ^ p.key0;
    c2 = (uint32_t)(p0 >> 32) ^ c3 ^ p.key1;
    c1 = (uint32_t)p1;
    c3 = (uint32_t)p0;
    p.key0 += 0x9e3779b9u;
    p.key1 += 0xbb67ae85u;
  }
  return even_of((ul2){(uint64_t)c1 << 32 | c0, (uint64_t)c3 << 32 | c2});
}

/* Products of the numbers in even lanes; even lanes of one vector, odd ones of another. */
#ifdef __wasm__
typedef uint32_t u2 __attribute__((vector_size(8)));
#define WIDE(a) __builtin_convertvector(__builtin_shufflevector(a, a, 0, 2), ul2)
static inline ul2 products_of(u4 a, u4 b) { return WIDE(a) * WIDE(b); }
#else
static inline ul2 products_of(u4 a, u4 b) { return (ul2)__builtin_ia32_pmuludq128((i4)a, (i4)b); }
#endif
static inline u4 lanes_of(ul2 even, ul2 odd) { return __builtin_shufflevector((u4)even, (u4)odd, 0, 5, 2, 7); }

/* `philox_even` of four counters that follow each other. Lanes are the first and the third number of two blocks, and the others. */
static __attribute__((unused)) void philox_even_four(philox p, uint64_t low, uint64_t high, d2 *to, size_t apart) {
  const u4 multipliers = {0xd2511f53u, 0xcd9e8d57u, 0xd2511f53u, 0xcd9e8d57u}, others = (u4)((ul2)multipliers >> 32);
  const u4 weyls = {0x9e3779b9u, 0xbb67ae85u, 0x9e3779b9u, 0xbb67ae85u};
  u4 keys = {p.key0, p.key1, p.key0, p.key1}, a[2], b[2];
  for (int i = 0; i < 2; i++) {
    const ul2 lows = {low + 2 * (uint64_t)i, low + 2 * (uint64_t)i + 1}, highs = {high, high};
    a[i] = lanes_of(lows, highs << 32), b[i] = lanes_of(lows >> 32, highs);
  }
  for (int round = 0; round < 10; round++) {
    for (int i = 0; i < 2; i++) {
      const ul2 p0 = products_of(a[i], multipliers), p1 = products_of((u4)((ul2)a[i] >> 32), others);
      a[i] = lanes_of(p1 >> 32, p0) ^ b[i] ^ keys;
      b[i] = lanes_of(p1, p0 << 32);
    }
    keys += weyls;
  }
  for (int i = 0; i < 2; i++) {
    const ul2 firsts = (ul2)lanes_of((ul2)a[i], (ul2)b[i] << 32), thirds = (ul2)lanes_of((ul2)a[i] >> 32, (ul2)b[i]);
    to[(size_t)(2 * i) * apart] = even_of((ul2){firsts[0], thirds[0]});
    to[(size_t)(2 * i + 1) * apart] = even_of((ul2){firsts[1], thirds[1]});
  }
}
