/* BLOSUM62 and gap penalties: kernels/align/matrix.ts in C. Padding (codes 24 and above) scores P with everything. */
#include <smmintrin.h>
#include <stdint.h>

#define ALPHABET "ARNDCQEGHILKMFPSTWYVBZX*"
#define PADDING 24
#define GAP_OPEN 11
#define GAP_EXTEND 1
#define SCORE_MAX 11
#define ROW_BYTES 32
#define P -4

/* Letters a to z, and as many bytes more as make two vectors; U, O and J count as X. */
static const uint8_t CODES[32] __attribute__((aligned(16))) = {0, 20, 4, 3, 6, 13, 7, 8, 9, 22, 11, 10, 12, 2, 22, 14, 5, 1, 15, 16, 22, 19, 17, 22, 18, 21};

static const int8_t BLOSUM62[24 * ROW_BYTES] __attribute__((aligned(16))) = {
  4, -1, -2, -2, 0, -1, -1, 0, -2, -1, -1, -1, -1, -2, -1, 1, 0, -3, -2, 0, -2, -1, 0, -4, P, P, P, P, P, P, P, P, /* A */
  -1, 5, 0, -2, -3, 1, 0, -2, 0, -3, -2, 2, -1, -3, -2, -1, -1, -3, -2, -3, -1, 0, -1, -4, P, P, P, P, P, P, P, P, /* R */
  -2, 0, 6, 1, -3, 0, 0, 0, 1, -3, -3, 0, -2, -3, -2, 1, 0, -4, -2, -3, 3, 0, -1, -4, P, P, P, P, P, P, P, P, /* N */
  -2, -2, 1, 6, -3, 0, 2, -1, -1, -3, -4, -1, -3, -3, -1, 0, -1, -4, -3, -3, 4, 1, -1, -4, P, P, P, P, P, P, P, P, /* D */
  0, -3, -3, -3, 9, -3, -4, -3, -3, -1, -1, -3, -1, -2, -3, -1, -1, -2, -2, -1, -3, -3, -2, -4, P, P, P, P, P, P, P, P, /* C */
  -1, 1, 0, 0, -3, 5, 2, -2, 0, -3, -2, 1, 0, -3, -1, 0, -1, -2, -1, -2, 0, 3, -1, -4, P, P, P, P, P, P, P, P, /* Q */
  -1, 0, 0, 2, -4, 2, 5, -2, 0, -3, -3, 1, -2, -3, -1, 0, -1, -3, -2, -2, 1, 4, -1, -4, P, P, P, P, P, P, P, P, /* E */
  0, -2, 0, -1, -3, -2, -2, 6, -2, -4, -4, -2, -3, -3, -2, 0, -2, -2, -3, -3, -1, -2, -1, -4, P, P, P, P, P, P, P, P, /* G */
  -2, 0, 1, -1, -3, 0, 0, -2, 8, -3, -3, -1, -2, -1, -2, -1, -2, -2, 2, -3, 0, 0, -1, -4, P, P, P, P, P, P, P, P, /* H */
  -1, -3, -3, -3, -1, -3, -3, -4, -3, 4, 2, -3, 1, 0, -3, -2, -1, -3, -1, 3, -3, -3, -1, -4, P, P, P, P, P, P, P, P, /* I */
  -1, -2, -3, -4, -1, -2, -3, -4, -3, 2, 4, -2, 2, 0, -3, -2, -1, -2, -1, 1, -4, -3, -1, -4, P, P, P, P, P, P, P, P, /* L */
  -1, 2, 0, -1, -3, 1, 1, -2, -1, -3, -2, 5, -1, -3, -1, 0, -1, -3, -2, -2, 0, 1, -1, -4, P, P, P, P, P, P, P, P, /* K */
  -1, -1, -2, -3, -1, 0, -2, -3, -2, 1, 2, -1, 5, 0, -2, -1, -1, -1, -1, 1, -3, -1, -1, -4, P, P, P, P, P, P, P, P, /* M */
  -2, -3, -3, -3, -2, -3, -3, -3, -1, 0, 0, -3, 0, 6, -4, -2, -2, 1, 3, -1, -3, -3, -1, -4, P, P, P, P, P, P, P, P, /* F */
  -1, -2, -2, -1, -3, -1, -1, -2, -2, -3, -3, -1, -2, -4, 7, -1, -1, -4, -3, -2, -2, -1, -2, -4, P, P, P, P, P, P, P, P, /* P */
  1, -1, 1, 0, -1, 0, 0, 0, -1, -2, -2, 0, -1, -2, -1, 4, 1, -3, -2, -2, 0, 0, 0, -4, P, P, P, P, P, P, P, P, /* S */
  0, -1, 0, -1, -1, -1, -1, -2, -2, -1, -1, -1, -1, -2, -1, 1, 5, -2, -2, 0, -1, -1, 0, -4, P, P, P, P, P, P, P, P, /* T */
  -3, -3, -4, -4, -2, -2, -3, -2, -2, -3, -2, -3, -1, 1, -4, -3, -2, 11, 2, -3, -4, -3, -2, -4, P, P, P, P, P, P, P, P, /* W */
  -2, -2, -2, -3, -2, -1, -2, -3, 2, -1, -1, -2, -1, 3, -3, -2, -2, 2, 7, -1, -3, -2, -1, -4, P, P, P, P, P, P, P, P, /* Y */
  0, -3, -3, -3, -1, -2, -2, -3, -3, 3, 1, -2, 1, -1, -2, -2, 0, -3, -1, 4, -3, -2, -1, -4, P, P, P, P, P, P, P, P, /* V */
  -2, -1, 3, 4, -3, 0, 1, -1, 0, -3, -4, 0, -3, -3, -2, 0, -1, -4, -3, -3, 4, 1, -1, -4, P, P, P, P, P, P, P, P, /* B */
  -1, 0, 0, 1, -3, 3, 4, -2, 0, -3, -3, 1, -1, -3, -1, 0, -1, -3, -2, -2, 1, 4, -1, -4, P, P, P, P, P, P, P, P, /* Z */
  0, -1, -1, -1, -2, -1, -1, -1, -1, -1, -1, -1, -1, -1, -2, 0, 0, -2, -1, -1, -1, -1, -1, -4, P, P, P, P, P, P, P, P, /* X */
  -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, 1, P, P, P, P, P, P, P, P, /* stop */
};

static int code_of(uint8_t byte) {
  unsigned letter = (unsigned)(byte | 0x20) - 97;
  if (letter < 26) return CODES[letter];
  return byte == 42 ? 23 : -1;
}

/* Writes the codes of sixteen bytes; a bit for each of them, set for letters. Where it is not, there is no code. */
static inline unsigned codes_of_letters(const uint8_t *from, uint8_t *to) {
  const __m128i bytes = _mm_loadu_si128((const __m128i *)from);
  const __m128i letters = _mm_sub_epi8(_mm_or_si128(bytes, _mm_set1_epi8(0x20)), _mm_set1_epi8(97));
  const __m128i is_letter = _mm_cmpeq_epi8(_mm_min_epu8(letters, _mm_set1_epi8(25)), letters);
  const __m128i *codes = (const __m128i *)CODES;
  const __m128i low = _mm_shuffle_epi8(codes[0], _mm_add_epi8(letters, _mm_set1_epi8(0x70)));
  const __m128i high = _mm_shuffle_epi8(codes[1], _mm_sub_epi8(letters, _mm_set1_epi8(16)));
  _mm_storeu_si128((__m128i *)to, _mm_or_si128(low, high));
  return (unsigned)_mm_movemask_epi8(is_letter);
}

static inline int score_of(int a, int b) { return BLOSUM62[a * ROW_BYTES + b]; }
