/* kernels/digest in C: a manifest of a file, SHA-256 of the whole by one stream and of its pieces by four. */
#include "task.h"

#define PIECE 65536

static const uint32_t K[64] = {
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01,
  0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
  0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
  0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08,
  0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
  0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};
static const uint32_t START[8] = {
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

#define ROTR(x, n) (((x) >> (n)) | ((x) << (32 - (n))))
#define CH(e, f, g) ((g) ^ ((e) & ((f) ^ (g))))
#define MAJ(a, b, c) ((b) ^ (((a) ^ (b)) & ((b) ^ (c))))
#define SUM0(a) (ROTR(a, 2) ^ ROTR(a, 13) ^ ROTR(a, 22))
#define SUM1(e) (ROTR(e, 6) ^ ROTR(e, 11) ^ ROTR(e, 25))

#define SMALL0(w) (ROTR(w, 7) ^ ROTR(w, 18) ^ ((w) >> 3))
#define SMALL1(w) (ROTR(w, 17) ^ ROTR(w, 19) ^ ((w) >> 10))

static u4 turned(const uint8_t *at) {
  const u4 x = AT(u4u, at);
  return (ROTR(x, 8) & 0xff00ff00) | (ROTR(x, 24) & 0x00ff00ff);
}

/* The words of four blocks that lie `stride` bytes apart, a block a lane, with the constants of their rounds. */
static void schedule(u4 *sums, const uint8_t *block, size_t stride) {
  u4 w[64];
  for (int i = 0; i < 16; i += 4) {
    const u4 m0 = turned(block + 4 * i), m1 = turned(block + stride + 4 * i);
    const u4 m2 = turned(block + 2 * stride + 4 * i), m3 = turned(block + 3 * stride + 4 * i);
    for (int j = 0; j < 4; j++) {
      w[i + j] = (u4){m0[j], m1[j], m2[j], m3[j]};
      sums[i + j] = w[i + j] + K[i + j];
    }
  }
  for (int i = 16; i < 64; i++) {
    w[i] = w[i - 16] + SMALL0(w[i - 15]) + w[i - 7] + SMALL1(w[i - 2]);
    sums[i] = w[i] + K[i];
  }
}

/* A round, for one stream (a lane of the sums) or four. */
#define ROUND(a, b, c, d, e, f, g, h, SUM, i) \
  h += SUM(i) + CH(e, f, g) + SUM1(e);        \
  d += h;                                     \
  h += MAJ(a, b, c) + SUM0(a);
#define ROUNDS(SUM)                           \
  for (int i = 0; i < 64; i += 8) {           \
    ROUND(a, b, c, d, e, f, g, h, SUM, i)     \
    ROUND(h, a, b, c, d, e, f, g, SUM, i + 1) \
    ROUND(g, h, a, b, c, d, e, f, SUM, i + 2) \
    ROUND(f, g, h, a, b, c, d, e, SUM, i + 3) \
    ROUND(e, f, g, h, a, b, c, d, SUM, i + 4) \
    ROUND(d, e, f, g, h, a, b, c, SUM, i + 5) \
    ROUND(c, d, e, f, g, h, a, b, SUM, i + 6) \
    ROUND(b, c, d, e, f, g, h, a, SUM, i + 7) \
  }
#define ONE(i) sums[4 * (i)]
#define FOUR(i) sums[i]

static void compress(uint32_t *state, const uint32_t *sums) {
  uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6], h = state[7];
  ROUNDS(ONE)
  state[0] += a, state[1] += b, state[2] += c, state[3] += d, state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

static void compress_four(u4 *state, const u4 *sums) {
  u4 a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6], h = state[7];
  ROUNDS(FOUR)
  state[0] += a, state[1] += b, state[2] += c, state[3] += d, state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

/* The `rest` bytes at the end of a message of `length`, with its padding; how many blocks that are. */
static size_t padded(const uint8_t *from, size_t rest, size_t length, uint8_t *to) {
  const size_t blocks = (rest + 8) / 64 + 1;
  CLEAR(to, 64 * blocks);
  COPY(to, from, rest);
  to[rest] = 0x80;
  PUT(uint64_t, to + 64 * blocks - 8, __builtin_bswap64((uint64_t)length << 3));
  return blocks;
}

static void digest(const uint8_t *from, size_t length, uint32_t *state) {
  uint8_t last[512];
  u4 sums[64];
  COPY(state, START, 32);
  const uint8_t *whole = from + (length & ~(size_t)255);
  for (; from < whole; from += 256) {
    schedule(sums, from, 64);
    for (int lane = 0; lane < 4; lane++) compress(state, (const uint32_t *)sums + lane);
  }
  const size_t blocks = padded(whole, length & 255, length, last);
  for (size_t i = 0; i < blocks; i++) {
    if (i % 4 == 0) schedule(sums, last + 64 * i, 64);
    compress(state, (const uint32_t *)sums + i % 4);
  }
}

static void digest_four(const uint8_t *from, size_t length, u4 *state) {
  uint8_t last[512];
  u4 sums[64];
  size_t blocks = 0;
  for (int i = 0; i < 8; i++) state[i] = (u4){START[i], START[i], START[i], START[i]};
  const size_t whole = length & ~(size_t)63;
  for (size_t at = 0; at < whole; at += 64) {
    schedule(sums, from + at, length);
    compress_four(state, sums);
  }
  for (size_t lane = 0; lane < 4; lane++)
    blocks = padded(from + lane * length + whole, length - whole, length, last + lane * 128);
  for (size_t i = 0; i < blocks; i++) {
    schedule(sums, last + 64 * i, 128);
    compress_four(state, sums);
  }
}

static uint8_t *words(uint8_t *to, const char *text) {
  while (*text) *to++ = (uint8_t)*text++;
  return to;
}

static uint8_t *number(uint8_t *to, size_t value) {
  if (value > 9) to = number(to, value / 10);
  *to++ = (uint8_t)('0' + value % 10);
  return to;
}

static uint8_t *hex(uint8_t *to, uint32_t word) {
  for (int shift = 28; shift >= 0; shift -= 4) *to++ = (uint8_t)"0123456789abcdef"[(word >> shift) & 15];
  return to;
}

static uint8_t *line(uint8_t *to, const uint32_t *state) {
  for (int i = 0; i < 8; i++) to = hex(to, state[i]);
  *to++ = '\n';
  return to;
}

static buffer run(const uint8_t *input, size_t length) {
  uint32_t state[8];
  u4 four[8];
  buffer out = {take(512 + 72 * (length / PIECE + 1)), 0};
  digest(input, length, state);
  uint8_t *to = line(words(out.bytes, "sha256 "), state);
  to = words(number(words(to, "bytes "), length), "\npiece 65536\n");
  size_t at = 0;
  for (; at + 4 * PIECE <= length; at += 4 * PIECE) {
    digest_four(input + at, PIECE, four);
    for (int lane = 0; lane < 4; lane++) {
      for (int i = 0; i < 8; i++) state[i] = four[i][lane];
      to = line(to, state);
    }
  }
  for (; at < length; at += PIECE) {
    digest(input + at, length - at < PIECE ? length - at : PIECE, state);
    to = line(to, state);
  }
  out.size = (size_t)(to - out.bytes);
  return out;
}

#include "serve.h"
