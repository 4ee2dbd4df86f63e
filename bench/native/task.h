/*
 * What the twins of kernels share: bytes in and out, settings, vectors of two f64. Built natively, a twin is a process that times itself;
 * built for wasm32, it has the exports of a kernel.
 */
#include <stdint.h>
#include <stddef.h>

typedef double d2 __attribute__((vector_size(16)));
typedef float f4 __attribute__((vector_size(16)));
typedef int64_t l2 __attribute__((vector_size(16)));
typedef uint64_t ul2 __attribute__((vector_size(16)));
typedef int32_t i4 __attribute__((vector_size(16)));
typedef int16_t s8 __attribute__((vector_size(16)));
typedef uint32_t u4 __attribute__((vector_size(16)));
typedef d2 d2u __attribute__((aligned(1), may_alias));
typedef u4 u4u __attribute__((aligned(1), may_alias));

typedef struct {
  uint8_t *bytes;
  size_t size;
} buffer;

/* Reads any value from any address. */
#define AT(type, at) (((const struct { type v; } __attribute__((packed, may_alias)) *)(at))->v)
#define PUT(type, at, value) (((struct { type v; } __attribute__((packed, may_alias)) *)(at))->v = (value))

#ifdef __wasm__
#define ANY(m) __builtin_wasm_any_true_v128((signed char __attribute__((vector_size(16))))(m))
#define ANY4(m) ANY(m)
#define MASK4(m) __builtin_wasm_bitmask_i32x4((i4)(m))
#define DOT(a, b) __builtin_wasm_dot_s_i32x4_i16x8(a, b)
#define MIN2(a, b) __builtin_wasm_pmin_f64x2(a, b)
#define MAX2(a, b) __builtin_wasm_pmax_f64x2(a, b)
#define SQRT2(x) __builtin_wasm_sqrt_f64x2(x)
extern uint8_t __heap_base;
static uint8_t *heap_top = &__heap_base;
static void *take(size_t size) {
  uint8_t *at = (uint8_t *)(((uintptr_t)heap_top + 15) & ~(uintptr_t)15);
  heap_top = at + size;
  const size_t pages = __builtin_wasm_memory_size(0), wanted = ((uintptr_t)heap_top + 65535) >> 16;
  if (wanted > pages && __builtin_wasm_memory_grow(0, wanted - pages) == (size_t)-1) __builtin_trap();
  return at;
}
static void give(void *at) { (void)at; }
#else
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#define ANY(m) (__builtin_ia32_movmskpd((d2)(m)) != 0)
#define ANY4(m) (__builtin_ia32_movmskps((f4)(m)) != 0)
#define MASK4(m) ((unsigned)__builtin_ia32_movmskps((f4)(m)))
#define DOT(a, b) ((i4)__builtin_ia32_pmaddwd128((short __attribute__((vector_size(16))))(a), (short __attribute__((vector_size(16))))(b)))
/* a where the other is not smaller or larger: NaN stays if it is a. */
#define MIN2(a, b) __builtin_ia32_minpd(b, a)
#define MAX2(a, b) __builtin_ia32_maxpd(b, a)
#define SQRT2(x) __builtin_ia32_sqrtpd(x)
static void *take(size_t size) { return aligned_alloc(16, (size + 31) & ~(size_t)15); }
static void give(void *at) { free(at); }
#endif

#define COPY(to, from, size) __builtin_memcpy(to, from, size)
#define CLEAR(to, size) __builtin_memset(to, 0, size)

static inline d2 both(double x) { return (d2){x, x}; }
static inline d2 pick(l2 mask, d2 yes, d2 no) { return (d2)((mask & (l2)yes) | (~mask & (l2)no)); }

/*
 * The `index`th number of the line `name = ...` before a line `data`; `usual` where there is none. Digits and a point, as in the inputs of
 * the benchmark.
 */
static __attribute__((unused)) double setting(const uint8_t *text, size_t size, const char *name, int index, double usual) {
  for (size_t at = 0; at < size;) {
    size_t end = at;
    while (end < size && text[end] != '\n') end++;
    if (end - at == 4 && text[at] == 'd' && text[at + 1] == 'a' && text[at + 2] == 't' && text[at + 3] == 'a') break;
    size_t p = at, n = 0;
    while (p < end && name[n] && text[p] == (uint8_t)name[n]) p++, n++;
    while (!name[n] && p < end && text[p] == ' ') p++;
    if (!name[n] && p < end && text[p] == '=') {
      for (p++;; index--) {
        while (p < end && text[p] == ' ') p++;
        const int negative = p < end && text[p] == '-';
        p += (size_t)negative;
        double value = 0, scale = 1;
        int behind = 0;
        for (; p < end && text[p] != ' ' && text[p] != '#'; p++) {
          if (text[p] == '.') behind = 1;
          else value = value * 10 + (text[p] - '0'), scale *= behind ? 10 : 1;
        }
        if (index == 0) return negative ? -value / scale : value / scale;
      }
    }
    at = end + 1;
  }
  return usual;
}

/* Where the bytes behind the line `data` begin. */
static __attribute__((unused)) size_t data_of(const uint8_t *text, size_t size) {
  for (size_t at = 0; at + 6 <= size; at++) {
    if ((at == 0 || text[at - 1] == '\n') && text[at] == 'd' && text[at + 1] == 'a' && text[at + 2] == 't' && text[at + 4] == '\n') return at + 5;
  }
  return size;
}
