/*
 * One sequence a lane, sixteen at a time in i8, then in i16 what does not fit: kernels/align/search.ts and lanes.ts in C, the same lane
 * layout, the same profile (pshufb over the rows of BLOSUM62, a block of four columns), the same offsets and operations of a cell.
 */
#include <smmintrin.h>

#define LANES 16
#define MARGIN 4
#define BUCKETS 1024

typedef union {
  __m128i all;
  int8_t of8[LANES];
  int16_t of16[LANES / 2];
} vector;

typedef struct {
  const uint8_t *at[LANES];
  int left[LANES];
  int record[LANES];
  vector best;
  /* What scores are lowered to: 0 in the lanes that begin anew, in the others more than any is. */
  vector limit;
  __m128i profile[25][4];
  uint8_t letters[25];
  int letter_count;
} lanes;

/* H and E of all lanes in the column at hand. */
typedef struct {
  __m128i h, e;
} cell;

#define CELL(bits, above, f, column)                                                                        \
  above = _mm_add_epi##bits(above, LOAD##bits(profile + column));                                          \
  above = _mm_max_epi##bits(_mm_max_epi##bits(above, f), e);                                               \
  best = _mm_max_epi##bits(best, above);                                                                   \
  opened = _mm_add_epi##bits(_mm_subs_epi##bits(above, open), margin);                                     \
  e = _mm_max_epi##bits(_mm_sub_epi##bits(e, extend), opened);                                             \
  f = _mm_max_epi##bits(_mm_sub_epi##bits(f, extend), opened);

#define LOAD8(from) _mm_load_si128(from)
/* The lanes of the first eight sequences, widened. */
#define LOAD16(from) _mm_cvtepi8_epi16(_mm_loadl_epi64(from))

/* Four columns, in lanes of so many bits. */
#define SCORE_BLOCK(bits)                                                                                   \
  static __m128i score_block##bits(const __m128i *const *rows, const __m128i *const *end, cell *cells, __m128i best) { \
    const __m128i open = _mm_set1_epi##bits(GAP_OPEN + GAP_EXTEND + MARGIN);                               \
    const __m128i margin = _mm_set1_epi##bits(MARGIN);                                                      \
    const __m128i extend = _mm_set1_epi##bits(GAP_EXTEND);                                                  \
    const __m128i floor = _mm_set1_epi##bits(INT##bits##_MIN + MARGIN);                                     \
    __m128i f0 = floor, f1 = floor, f2 = floor, f3 = floor;                                                 \
    __m128i above0 = floor, above1 = floor, above2 = floor, above3 = floor;                                 \
    do {                                                                                                    \
      const __m128i *profile = *rows;                                                                       \
      const __m128i left = cells->h;                                                                        \
      __m128i e = cells->e, opened;                                                                         \
      CELL(bits, above0, f0, 0)                                                                             \
      CELL(bits, above1, f1, 1)                                                                             \
      CELL(bits, above2, f2, 2)                                                                             \
      CELL(bits, above3, f3, 3)                                                                             \
      cells->h = above3;                                                                                    \
      cells->e = e;                                                                                         \
      above3 = above2;                                                                                      \
      above2 = above1;                                                                                      \
      above1 = above0;                                                                                      \
      above0 = left;                                                                                        \
      cells++;                                                                                              \
      rows++;                                                                                               \
    } while (rows < end);                                                                                   \
    return best;                                                                                            \
  }

SCORE_BLOCK(8)
SCORE_BLOCK(16)

/* The next four codes of four lanes, column by column. */
static __m128i next_codes(const lanes *l, int from, int shift) {
  const __m128i by_column = _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  int32_t four[4];
  for (int i = 0; i < 4; i++) memcpy(&four[i], l->at[from + i] + shift, 4);
  return _mm_shuffle_epi8(_mm_setr_epi32(four[0], four[1], four[2], four[3]), by_column);
}

/* Scores of each letter of the query against the next four codes of every lane. */
static void write_profile(lanes *l, int shift) {
  const __m128i a = next_codes(l, 0, shift), b = next_codes(l, 4, shift);
  const __m128i c = next_codes(l, 8, shift), d = next_codes(l, 12, shift);
  const __m128i ab01 = _mm_unpacklo_epi32(a, b), ab23 = _mm_unpackhi_epi32(a, b);
  const __m128i cd01 = _mm_unpacklo_epi32(c, d), cd23 = _mm_unpackhi_epi32(c, d);
  const __m128i codes[4] = {
    _mm_unpacklo_epi64(ab01, cd01), _mm_unpackhi_epi64(ab01, cd01),
    _mm_unpacklo_epi64(ab23, cd23), _mm_unpackhi_epi64(ab23, cd23),
  };
  /* pshufb gives 0 where the top bit of an index is set: for codes from 16 on in the low half, for the others in the high half. */
  __m128i in_low[4], in_high[4];
  for (int i = 0; i < 4; i++) {
    in_low[i] = _mm_add_epi8(codes[i], _mm_set1_epi8(0x70));
    in_high[i] = _mm_sub_epi8(codes[i], _mm_set1_epi8(16));
  }
  for (int i = 0; i < l->letter_count; i++) {
    const int letter = l->letters[i];
    const __m128i low = _mm_load_si128((const __m128i *)(BLOSUM62 + letter * ROW_BYTES));
    const __m128i high = _mm_load_si128((const __m128i *)(BLOSUM62 + letter * ROW_BYTES + 16));
    for (int column = 0; column < 4; column++) {
      l->profile[letter][column] = _mm_or_si128(_mm_shuffle_epi8(low, in_low[column]), _mm_shuffle_epi8(high, in_high[column]));
    }
  }
}

/* What one search has for all its passes. */
typedef struct {
  const sequence *query, *records;
  int *scores;
  /* Indices of the records to score; those of the ones that did not fit take their place. */
  int *order;
  cell *cells;
  const __m128i **rows;
  /* Padding as long as the longest record, for lanes that have none. */
  sequence idle;
  lanes *l;
} search;

static int blocks_of(const sequence *s) { return (s->length + BLOCK - 1) / BLOCK; }

/* Reads on until the first lane has no block left. */
static void advance(const search *s, int bits) {
  lanes *l = s->l;
  int blocks = l->left[0];
  for (int lane = 1; lane < LANES; lane++) if (l->left[lane] < blocks) blocks = l->left[lane];
  __m128i best = l->best.all;
  for (int block = 0; block < blocks; block++) {
    write_profile(l, block * BLOCK);
    best = bits == 8 ? score_block8(s->rows, s->rows + s->query->length, s->cells, best)
                     : score_block16(s->rows, s->rows + s->query->length, s->cells, best);
  }
  l->best.all = best;
  for (int lane = 0; lane < LANES; lane++) {
    l->at[lane] += blocks * BLOCK;
    l->left[lane] -= blocks;
  }
}

static void begin(lanes *l, int lane, int bits, const sequence *sequence, int record) {
  l->at[lane] = sequence->codes;
  l->left[lane] = blocks_of(sequence);
  l->record[lane] = record;
  if (bits == 8) l->limit.of8[lane] = INT8_MIN + MARGIN;
  else if (lane < LANES / 2) l->limit.of16[lane] = INT16_MIN + MARGIN;
}

/* Sets H, E and the best score of the lanes that begin anew to 0, which none is below. */
static void clear_lanes(const search *s, int bits) {
  const __m128i limit = s->l->limit.all;
#define LOWER(vector) vector = bits == 8 ? _mm_min_epi8(vector, limit) : _mm_min_epi16(vector, limit)
  LOWER(s->l->best.all);
  for (int i = 0; i < s->query->length; i++) {
    LOWER(s->cells[i].h);
    LOWER(s->cells[i].e);
  }
#undef LOWER
}

/* Scores the first `count` records of the order. How many did not fit: they are the first of the order now. */
static int score_in_lanes(const search *s, int bits, int count) {
  lanes *l = s->l;
  const int score_max = (bits == 8 ? UINT8_MAX : UINT16_MAX) - MARGIN - SCORE_MAX + 1;
  for (int lane = 0; lane < LANES; lane++) {
    l->left[lane] = 0;
    l->record[lane] = -1;
  }
  /* Any scores, as limits only lower them. */
  l->best.all = _mm_setzero_si128();
  memset(s->cells, 0, sizeof(cell) * (size_t)s->query->length);
  int next = 0, running = 0, unfit = 0;
  do {
    int started = 0;
    l->limit.all = bits == 8 ? _mm_set1_epi8(INT8_MAX) : _mm_set1_epi16(INT16_MAX);
    for (int lane = 0; lane < LANES; lane++) {
      if (l->left[lane] != 0) continue;
      const int record = l->record[lane];
      if (record >= 0) {
        const int score = bits == 8 ? l->best.of8[lane] - INT8_MIN - MARGIN : l->best.of16[lane] - INT16_MIN - MARGIN;
        s->scores[record] = score;
        if (score >= score_max) s->order[unfit++] = record;
        running--;
      }
      if (next < count && lane < LANES * 8 / bits) {
        const int index = s->order[next++];
        begin(l, lane, bits, &s->records[index], index);
        started = 1;
        running++;
      } else {
        begin(l, lane, bits, &s->idle, -1);
      }
    }
    if (started) clear_lanes(s, bits);
    if (running > 0) advance(s, bits);
  } while (running > 0);
  return unfit;
}

static int bucket_of(const sequence *s) {
  const int blocks = blocks_of(s);
  return blocks < BUCKETS ? blocks : BUCKETS;
}

/* Indices of the records, the longest first, sorted by counting their blocks. */
static void longest_first(const sequence *records, int count, int *order) {
  int counts[BUCKETS + 1] = {0}, before = 0;
  for (int i = 0; i < count; i++) counts[bucket_of(&records[i])]++;
  for (int bucket = BUCKETS; bucket >= 0; bucket--) {
    const int here = counts[bucket];
    counts[bucket] = before;
    before += here;
  }
  for (int i = 0; i < count; i++) order[counts[bucket_of(&records[i])]++] = i;
}

static void letters_of(lanes *l, const sequence *query) {
  uint8_t found[25] = {0};
  for (int i = 0; i < query->length; i++) found[query->codes[i]] = 1;
  l->letter_count = 0;
  for (int code = 0; code < 25; code++) if (found[code]) l->letters[l->letter_count++] = (uint8_t)code;
}

static sequence padding_for(const sequence *records, int count) {
  sequence padding = {0};
  for (int i = 0; i < count; i++) if (records[i].length > padding.length) padding.length = records[i].length;
  padding.codes = malloc((size_t)padding.length + BLOCK);
  memset(padding.codes, PADDING, (size_t)padding.length + BLOCK);
  return padding;
}

/* Score of each record. */
static void search_all(const sequence *query, const sequence *records, int count, int *scores) {
  search s = {query, records, scores};
  s.l = aligned_alloc(16, sizeof(lanes));
  s.cells = aligned_alloc(16, sizeof(cell) * (size_t)query->length);
  s.rows = malloc(sizeof(*s.rows) * (size_t)query->length);
  s.order = malloc(sizeof(int) * (size_t)count);
  longest_first(records, count, s.order);
  s.idle = padding_for(records, count);
  letters_of(s.l, query);
  for (int i = 0; i < query->length; i++) s.rows[i] = s.l->profile[query->codes[i]];

  int unfit = score_in_lanes(&s, 8, count);
  if (unfit > 0) unfit = score_in_lanes(&s, 16, unfit);
  for (int i = 0; i < unfit; i++) scores[s.order[i]] = score_of_pair(query, &records[s.order[i]]);
  free(s.idle.codes);
  free(s.order);
  free(s.rows);
  free(s.cells);
  free(s.l);
}
