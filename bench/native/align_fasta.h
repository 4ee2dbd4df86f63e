/* FASTA text -> sequences of codes: kernels/align/fasta.ts in C. What the kernel refuses ends the program here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 4
#define VECTOR 16
#define ALL_LETTERS 0xffff

typedef struct {
  int name_from, name_to, description_from, description_to;
  uint8_t *codes;
  int length;
} sequence;

typedef struct {
  const uint8_t *text;
  int size;
  sequence *records;
  int count;
  uint8_t *codes;
} fasta;

static void refuse(const char *why) {
  fprintf(stderr, "align: %s\n", why);
  exit(2);
}

static int is_blank(uint8_t byte) { return byte == 32 || (byte >= 9 && byte <= 13); }

static int line_end(const uint8_t *text, int size, int at) {
  for (; at + VECTOR <= size; at += VECTOR) {
    const __m128i bytes = _mm_loadu_si128((const __m128i *)(text + at));
    const int feeds = _mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(10)));
    if (feeds) return at + __builtin_ctz((unsigned)feeds);
  }
  while (at < size && text[at] != 10) at++;
  return at;
}

static int read_header(const uint8_t *text, int size, int from, sequence *record) {
  const int end = line_end(text, size, from);
  int to = end;
  while (to > from && is_blank(text[to - 1])) to--;
  record->name_from = from;
  int at = from;
  while (at < to && !is_blank(text[at])) at++;
  record->name_to = at;
  while (at < to && is_blank(text[at])) at++;
  record->description_from = at;
  record->description_to = to;
  if (record->name_from == record->name_to) refuse("a record has no name");
  return end;
}

static int read_residues(const uint8_t *text, int size, int from, sequence *record) {
  int at = from;
  uint8_t *to = record->codes;
  for (; at < size; at++) {
    while (at + VECTOR <= size) {
      const unsigned letters = codes_of_letters(text + at, to);
      if (letters != ALL_LETTERS) {
        const int count = __builtin_ctz(~letters);
        to += count;
        at += count;
        break;
      }
      to += VECTOR;
      at += VECTOR;
    }
    if (at == size) break;
    const uint8_t byte = text[at];
    const int code = code_of(byte);
    if (code >= 0) {
      *to++ = (uint8_t)code;
      continue;
    }
    if (byte == 62 && text[at - 1] == 10) break;
    if (!is_blank(byte)) refuse("a record contains what is no residue");
  }
  const int length = (int)(to - record->codes);
  if (length == 0) refuse("a record has no residues");
  record->length = length;
  return at;
}

static fasta parse_fasta(const uint8_t *text, int size) {
  fasta f = {text, size, NULL, 0, malloc((size_t)size + VECTOR)};
  uint8_t *codes = f.codes;
  int at = 0, room = 0;
  while (at < size && is_blank(text[at])) at++;
  if (at == size || text[at] != 62) refuse("a FASTA file begins with >");
  while (at < size) {
    if (f.count == room) f.records = realloc(f.records, sizeof(sequence) * (size_t)(room = room ? room * 2 : 16));
    sequence *record = &f.records[f.count++];
    at = read_header(text, size, at + 1, record);
    record->codes = codes;
    at = read_residues(text, size, at, record);
    codes += record->length;
    for (int n = record->length; n % BLOCK != 0; n++) *codes++ = PADDING;
  }
  return f;
}

static void free_fasta(fasta *f) {
  free(f->records);
  free(f->codes);
}
