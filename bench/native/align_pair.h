/* One pair: its score in 32 bits, and its alignment: kernels/align/pair.ts in C. */
#define TRACE_CELLS_MAX 8388608
#define OPEN (GAP_OPEN + GAP_EXTEND)
/* Of the matrix, at a time. */
#define ROWS 8

enum { START = 0, PAIR = 1, GAP_IN_QUERY = 2, GAP_IN_TARGET = 3, WAY = 3, LONGER_IN_QUERY = 4, LONGER_IN_TARGET = 8 };

typedef struct {
  int score, query_from, query_to, target_from, target_to;
  char *query, *match, *target;
} alignment;

static inline int max_of(int a, int b) { return a > b ? a : b; }

static int score_of_pair(const sequence *query, const sequence *target) {
  int score = 0;
  int *h = calloc((size_t)query->length, sizeof(int)), *e = calloc((size_t)query->length, sizeof(int));
  for (int j = 0; j < target->length; j++) {
    const int residue = target->codes[j];
    int diagonal = 0, f = 0;
    for (int i = 0; i < query->length; i++) {
      const int gap = e[i];
      const int best = max_of(max_of(diagonal + score_of(query->codes[i], residue), 0), max_of(gap, f));
      score = max_of(score, best);
      diagonal = h[i];
      h[i] = best;
      e[i] = max_of(gap - GAP_EXTEND, best - OPEN);
      f = max_of(f - GAP_EXTEND, best - OPEN);
    }
  }
  free(h);
  free(e);
  return score;
}

/* H and E of the rows at hand. */
typedef struct {
  union {
    __m128i all;
    int16_t of[ROWS];
  } h;
  __m128i e;
} rows;

/* Column by column, eight rows at a time, until one has the alignment's score; `ways` takes up to ROWS bytes more than there are cells. */
static void fill(const sequence *query, const sequence *target, uint8_t *ways, alignment *a) {
  const int size = query->length, padded = (size + ROWS - 1) / ROWS * ROWS;
  uint8_t *codes = malloc((size_t)padded);
  memset(codes, PADDING, (size_t)padded);
  memcpy(codes, query->codes, (size_t)size);
  rows *cells = aligned_alloc(16, sizeof(rows) * (size_t)(padded / ROWS));
  memset(cells, 0, sizeof(rows) * (size_t)(padded / ROWS));
  const __m128i zero = _mm_setzero_si128(), wanted = _mm_set1_epi16((short)a->score);
  const __m128i open = _mm_set1_epi16(OPEN), one = _mm_set1_epi16(GAP_EXTEND), two = _mm_set1_epi16(2 * GAP_EXTEND);
  const __m128i four = _mm_set1_epi16(4 * GAP_EXTEND), least = _mm_set1_epi16(-16384);
  int j = 0;
  __m128i most;
  do {
    const __m128i *row = (const __m128i *)(BLOSUM62 + target->codes[j] * ROW_BYTES);
    uint8_t *column = ways + (size_t)j * (size_t)size;
    __m128i left = zero, next = zero;
    most = zero;
    for (int i = 0; i < padded; i += ROWS) {
      rows *at = &cells[i / ROWS];
      const __m128i code = _mm_loadl_epi64((const __m128i *)(codes + i));
      const __m128i low = _mm_shuffle_epi8(row[0], _mm_add_epi8(code, _mm_set1_epi8(0x70)));
      const __m128i high = _mm_shuffle_epi8(row[1], _mm_sub_epi8(code, _mm_set1_epi8(16)));
      const __m128i gap = at->e;
      const __m128i paired = _mm_add_epi16(_mm_alignr_epi8(at->h.all, left, 14), _mm_cvtepi8_epi16(_mm_or_si128(low, high)));
      left = at->h.all;
      const __m128i ungapped = _mm_max_epi16(_mm_max_epi16(paired, zero), gap);

      /* F of a row is the best of all rows above, each less what the way down costs. */
      __m128i f = _mm_alignr_epi8(_mm_sub_epi16(ungapped, open), next, 14);
      f = _mm_max_epi16(f, _mm_sub_epi16(_mm_alignr_epi8(f, least, 14), one));
      f = _mm_max_epi16(f, _mm_sub_epi16(_mm_alignr_epi8(f, least, 12), two));
      f = _mm_max_epi16(f, _mm_sub_epi16(_mm_alignr_epi8(f, least, 8), four));
      const __m128i best = _mm_max_epi16(ungapped, f);
      most = _mm_max_epi16(most, best);

      const __m128i opened = _mm_sub_epi16(best, open);
      const __m128i longer_in_query = _mm_sub_epi16(gap, one), longer_in_target = _mm_sub_epi16(f, one);
      next = _mm_max_epi16(longer_in_target, opened);
      at->h.all = best;
      at->e = _mm_max_epi16(longer_in_query, opened);

      /* Comparisons give 0 or -1. */
      const __m128i is_pair = _mm_cmpeq_epi16(best, paired);
      __m128i way = _mm_add_epi16(_mm_set1_epi16(GAP_IN_TARGET), _mm_cmpeq_epi16(best, gap));
      way = _mm_sub_epi16(_mm_andnot_si128(is_pair, way), is_pair);
      way = _mm_andnot_si128(_mm_cmpeq_epi16(best, zero), way);
      way = _mm_or_si128(way, _mm_and_si128(_mm_cmpgt_epi16(longer_in_query, opened), _mm_set1_epi16(LONGER_IN_QUERY)));
      way = _mm_or_si128(way, _mm_and_si128(_mm_cmpgt_epi16(longer_in_target, opened), _mm_set1_epi16(LONGER_IN_TARGET)));
      _mm_storel_epi64((__m128i *)(column + i), _mm_packus_epi16(way, way));
    }
    j++;
  } while (j < target->length && _mm_movemask_epi8(_mm_cmpeq_epi16(most, wanted)) == 0);

  int i = 0;
  while (cells[i / ROWS].h.of[i % ROWS] != a->score) i++;
  a->query_to = i + 1;
  a->target_to = j;
  free(cells);
  free(codes);
}

/* The three lines are written from their end, in one block that `query` owns. */
static void trace(const sequence *query, const sequence *target, const uint8_t *ways, alignment *a) {
  const int room = query->length + target->length + 1;
  char *block = malloc(3 * (size_t)room);
  char *lines[3] = {block, block + room, block + 2 * room};
  int at = room - 1, i = a->query_to - 1, j = a->target_to - 1;
  lines[0][at] = lines[1][at] = lines[2][at] = 0;
#define WAY_AT ways[(size_t)j * (size_t)query->length + (size_t)i]
#define PUT(q, m, t) (at--, lines[0][at] = (q), lines[1][at] = (m), lines[2][at] = (t))
  while (i >= 0 && j >= 0) {
    const int way = WAY_AT & WAY;
    if (way == START) break;
    if (way == PAIR) {
      const int p = query->codes[i--], q = target->codes[j--];
      PUT(ALPHABET[p], p == q ? ALPHABET[p] : score_of(p, q) > 0 ? '+' : ' ', ALPHABET[q]);
    } else if (way == GAP_IN_QUERY) {
      do PUT('-', ' ', ALPHABET[target->codes[j--]]);
      while (WAY_AT & LONGER_IN_QUERY);
    } else {
      do PUT(ALPHABET[query->codes[i--]], ' ', '-');
      while (WAY_AT & LONGER_IN_TARGET);
    }
  }
#undef PUT
#undef WAY_AT
  a->query_from = i + 2;
  a->target_from = j + 2;
  a->query = lines[0] + at;
  a->match = lines[1] + at;
  a->target = lines[2] + at;
  memmove(block, a->query, (size_t)(room - at));
  a->query = block;
}

/* More cells than the ceiling: score 0 and no lines. */
static alignment align_pair(const sequence *query, const sequence *target, int score) {
  alignment found = {0};
  const uint64_t cells = (uint64_t)query->length * (uint64_t)target->length;
  if (cells > TRACE_CELLS_MAX) return found;
  uint8_t *ways = malloc(cells + ROWS);
  found.score = score;
  fill(query, target, ways, &found);
  trace(query, target, ways, &found);
  free(ways);
  return found;
}
