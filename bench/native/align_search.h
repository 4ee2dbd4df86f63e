/*
 * Eight sequences at a time, one a lane of i16: kernels/align/search.ts in C, the same lane layout, the same profile (pshufb over the
 * rows of BLOSUM62, a block of four columns), the same offset that makes saturation the "or start anew" of the recurrence.
 */
#include <smmintrin.h>

#define LANES 8
#define FLOOR -32768
#define LANE_SCORE_MAX 65535

typedef struct {
  const uint8_t *at[LANES];
  int left[LANES];
  int record[LANES];
  __m128i best;
  __m128i keep;
  __m128i profile[25][4];
  uint8_t letters[25];
  int letter_count;
} lanes;

/* H and E of eight lanes in the column at hand. */
typedef struct {
  __m128i h, e;
} cell;

static void score_block(const __m128i *const *rows, const __m128i *const *end, cell *cells, __m128i *best_of_all) {
  const __m128i open = _mm_set1_epi16(GAP_OPEN + GAP_EXTEND);
  const __m128i extend = _mm_set1_epi16(GAP_EXTEND);
  const __m128i floor = _mm_set1_epi16(FLOOR);
  __m128i f0 = floor, f1 = floor, f2 = floor, f3 = floor;
  __m128i above0 = floor, above1 = floor, above2 = floor, above3 = floor;
  __m128i best = *best_of_all;
  do {
    const __m128i *profile = *rows;
    const __m128i left = cells->h;
    __m128i e = cells->e;
    __m128i opened;

#define CELL(above, f, column)                             \
  above = _mm_adds_epi16(above, profile[column]);          \
  above = _mm_max_epi16(_mm_max_epi16(above, f), e);       \
  best = _mm_max_epi16(best, above);                       \
  opened = _mm_subs_epi16(above, open);                    \
  e = _mm_max_epi16(_mm_subs_epi16(e, extend), opened);    \
  f = _mm_max_epi16(_mm_subs_epi16(f, extend), opened);

    CELL(above0, f0, 0)
    CELL(above1, f1, 1)
    CELL(above2, f2, 2)
    CELL(above3, f3, 3)
#undef CELL

    cells->h = above3;
    cells->e = e;
    above3 = above2;
    above2 = above1;
    above1 = above0;
    above0 = left;
    cells++;
    rows++;
  } while (rows < end);
  *best_of_all = best;
}

static __m128i next_codes(const lanes *l, int from, int shift) {
  int32_t four[4];
  for (int i = 0; i < 4; i++) memcpy(&four[i], l->at[from + i] + shift, 4);
  return _mm_setr_epi32(four[0], four[1], four[2], four[3]);
}

/* Scores of each letter of the query against the next four codes of every lane, widened to i16. */
static void write_profile(lanes *l, int shift) {
  const __m128i by_column = _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  const __m128i a = _mm_shuffle_epi8(next_codes(l, 0, shift), by_column);
  const __m128i b = _mm_shuffle_epi8(next_codes(l, 4, shift), by_column);
  const __m128i codes01 = _mm_unpacklo_epi32(a, b);
  const __m128i codes23 = _mm_unpackhi_epi32(a, b);
  /* pshufb gives 0 where the top bit of an index is set: for codes from 16 on in the low half, for the others in the high half. */
  const __m128i low01 = _mm_add_epi8(codes01, _mm_set1_epi8(0x70));
  const __m128i low23 = _mm_add_epi8(codes23, _mm_set1_epi8(0x70));
  const __m128i high01 = _mm_sub_epi8(codes01, _mm_set1_epi8(16));
  const __m128i high23 = _mm_sub_epi8(codes23, _mm_set1_epi8(16));
  for (int i = 0; i < l->letter_count; i++) {
    const int letter = l->letters[i];
    const __m128i low = _mm_load_si128((const __m128i *)(BLOSUM62 + letter * ROW_BYTES));
    const __m128i high = _mm_load_si128((const __m128i *)(BLOSUM62 + letter * ROW_BYTES + 16));
    const __m128i scores01 = _mm_or_si128(_mm_shuffle_epi8(low, low01), _mm_shuffle_epi8(high, high01));
    const __m128i scores23 = _mm_or_si128(_mm_shuffle_epi8(low, low23), _mm_shuffle_epi8(high, high23));
    l->profile[letter][0] = _mm_cvtepi8_epi16(scores01);
    l->profile[letter][1] = _mm_cvtepi8_epi16(_mm_srli_si128(scores01, 8));
    l->profile[letter][2] = _mm_cvtepi8_epi16(scores23);
    l->profile[letter][3] = _mm_cvtepi8_epi16(_mm_srli_si128(scores23, 8));
  }
}

/* Reads on until the first lane has no block left. */
static void advance(lanes *l, const __m128i *const *rows, int length, cell *cells) {
  int blocks = l->left[0];
  for (int lane = 1; lane < LANES; lane++) if (l->left[lane] < blocks) blocks = l->left[lane];
  __m128i best = l->best;
  for (int block = 0; block < blocks; block++) {
    write_profile(l, block * BLOCK);
    score_block(rows, rows + length, cells, &best);
  }
  l->best = best;
  for (int lane = 0; lane < LANES; lane++) {
    l->at[lane] += blocks * BLOCK;
    l->left[lane] -= blocks;
  }
}

static void begin(lanes *l, int lane, const uint8_t *codes, int length, int record) {
  l->at[lane] = codes;
  l->left[lane] = (length + BLOCK - 1) / BLOCK;
  l->record[lane] = record;
  ((int16_t *)&l->keep)[lane] = 0;
}

static void clear_lanes(lanes *l, cell *cells, int length) {
  const __m128i floor = _mm_set1_epi16(FLOOR), keep = l->keep;
  l->best = _mm_blendv_epi8(floor, l->best, keep);
  for (int i = 0; i < length; i++) {
    cells[i].h = _mm_blendv_epi8(floor, cells[i].h, keep);
    cells[i].e = _mm_blendv_epi8(floor, cells[i].e, keep);
  }
}

static const sequence *sorted_records;

static int longer_first(const void *a, const void *b) {
  const int i = *(const int *)a, j = *(const int *)b;
  const int by_length = sorted_records[j].length - sorted_records[i].length;
  return by_length != 0 ? by_length : i - j;
}

static void letters_of(lanes *l, const sequence *query) {
  uint8_t found[25] = {0};
  for (int i = 0; i < query->length; i++) found[query->codes[i]] = 1;
  l->letter_count = 0;
  for (int code = 0; code < 25; code++) if (found[code]) l->letters[l->letter_count++] = (uint8_t)code;
}

/* Score of each record. */
static void search_all(const sequence *query, const sequence *records, int count, int *scores) {
  lanes *l = aligned_alloc(16, sizeof(lanes));
  cell *cells = aligned_alloc(16, sizeof(cell) * (size_t)query->length);
  const __m128i **rows = malloc(sizeof(*rows) * (size_t)query->length);
  int *order = malloc(sizeof(int) * (size_t)count);
  for (int i = 0; i < count; i++) order[i] = i;
  sorted_records = records;
  qsort(order, (size_t)count, sizeof(int), longer_first);
  const int longest = records[order[0]].length;
  uint8_t *padding = malloc((size_t)longest + BLOCK);
  memset(padding, PADDING, (size_t)longest + BLOCK);
  letters_of(l, query);
  for (int i = 0; i < query->length; i++) rows[i] = l->profile[query->codes[i]];

  for (int lane = 0; lane < LANES; lane++) {
    l->left[lane] = 0;
    l->record[lane] = -1;
  }
  int next = 0, running = 0;
  do {
    int started = 0;
    l->keep = _mm_set1_epi8(-1);
    for (int lane = 0; lane < LANES; lane++) {
      if (l->left[lane] != 0) continue;
      if (l->record[lane] >= 0) {
        const int score = ((int16_t *)&l->best)[lane] - FLOOR;
        scores[l->record[lane]] = score < LANE_SCORE_MAX ? score : score_of_pair(query, &records[l->record[lane]]);
        running--;
      }
      if (next < count) {
        const int index = order[next++];
        begin(l, lane, records[index].codes, records[index].length, index);
        started = 1;
        running++;
      } else {
        begin(l, lane, padding, longest, -1);
      }
    }
    if (started) clear_lanes(l, cells, query->length);
    if (running > 0) advance(l, rows, query->length, cells);
  } while (running > 0);
  free(padding);
  free(order);
  free(rows);
  free(cells);
  free(l);
}
