/* One pair in 32 bits, and its alignment: kernels/align/pair.ts in C. */
#define TRACE_CELLS_MAX 8388608
#define OPEN (GAP_OPEN + GAP_EXTEND)

enum { START = 0, PAIR = 1, GAP_IN_QUERY = 2, GAP_IN_TARGET = 3, WAY = 3, LONGER_IN_QUERY = 4, LONGER_IN_TARGET = 8 };

typedef struct {
  int score, query_from, query_to, target_from, target_to;
  char *query, *match, *target;
} alignment;

static inline int max_of(int a, int b) { return a > b ? a : b; }

/* Until a column has the score that is wanted. */
static alignment fill(const sequence *query, const sequence *target, uint8_t *ways, int wanted) {
  alignment found = {0};
  int *h = calloc((size_t)query->length, sizeof(int)), *e = calloc((size_t)query->length, sizeof(int));
  for (int j = 0; j < target->length && found.score < wanted; j++) {
    const int residue = target->codes[j];
    int diagonal = 0, f = 0;
    for (int i = 0; i < query->length; i++) {
      const int gap = e[i];
      const int paired = diagonal + score_of(query->codes[i], residue);
      const int best = max_of(max_of(paired, 0), max_of(gap, f));
      if (best > found.score) {
        found.score = best;
        found.query_to = i + 1;
        found.target_to = j + 1;
      }
      diagonal = h[i];
      h[i] = best;
      const int opened = best - OPEN;
      if (ways) {
        const int way = best == 0 ? START : best == paired ? PAIR : best == gap ? GAP_IN_QUERY : GAP_IN_TARGET;
        *ways++ = (uint8_t)(way | (gap - GAP_EXTEND > opened ? LONGER_IN_QUERY : 0) | (f - GAP_EXTEND > opened ? LONGER_IN_TARGET : 0));
      }
      e[i] = max_of(gap - GAP_EXTEND, opened);
      f = max_of(f - GAP_EXTEND, opened);
    }
  }
  free(h);
  free(e);
  return found;
}

static int score_of_pair(const sequence *query, const sequence *target) { return fill(query, target, NULL, INT32_MAX).score; }

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

/* Score 0, or more cells than the ceiling: no lines. */
static alignment align_pair(const sequence *query, const sequence *target, int score) {
  alignment none = {0};
  const uint64_t cells = (uint64_t)query->length * (uint64_t)target->length;
  if (cells > TRACE_CELLS_MAX) return none;
  uint8_t *ways = malloc(cells);
  alignment found = fill(query, target, ways, score);
  if (found.score > 0) trace(query, target, ways, &found);
  free(ways);
  return found;
}
