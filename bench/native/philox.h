/* kernels/lib/philox.ts in C: Philox4x32-10. */
typedef struct {
  uint32_t key0, key1;
} philox;

static inline philox philox_of(uint64_t key) { return (philox){(uint32_t)key, (uint32_t)(key >> 32)}; }

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
  const ul2 bits = {(uint64_t)c1 << 32 | c0, (uint64_t)c3 << 32 | c2};
  return ((d2)((bits >> 12) | (ul2){0x3ff0000000000000u, 0x3ff0000000000000u}) - both(1)) + both(1.1102230246251565e-16);
}
