/*
 * The align kernel in C, to compare it with: the same algorithm, the same output byte for byte.
 *   gcc -O3 -msse4.2 -o align align.c          (and once more with -march=native)
 *   align QUERY.fasta DATABASE.fasta           prints the line of JSON that the kernel gives for the database as one task
 *   align --scores QUERY.fasta DATABASE.fasta  prints name and score of each record
 *   align --job QUERY.fasta FOLDER DATABASE... puts the line of each database into the folder
 *   align --serve QUERY.fasta DATABASE.fasta   answers lines on standard input, each with "<nanoseconds> <checksum>" for N repetitions:
 *     run N      text to JSON, as one task does it      search N   scores of parsed records only
 * The checksum of `run` is FNV-1a of the JSON line, that of `search` the scores s folded as c = 31 * c + s in 32 bits.
 */
#define _POSIX_C_SOURCE 200809L
#include "align_matrix.h"
#include "align_fasta.h"
#include "align_pair.h"
#include "align_search.h"
#include <inttypes.h>
#include <time.h>

#define HITS_MAX 25
#define HEADER_BYTES_MAX 200

typedef struct {
  char *bytes;
  size_t size, room;
} text;

static void add(text *t, const char *bytes, size_t size) {
  if (t->size + size + 1 > t->room) t->bytes = realloc(t->bytes, t->room = 2 * (t->size + size) + 1024);
  memcpy(t->bytes + t->size, bytes, size);
  t->size += size;
  t->bytes[t->size] = 0;
}

static void say(text *t, const char *words) { add(t, words, strlen(words)); }

static void count(text *t, const char *name, uint64_t value) {
  char part[64];
  add(t, part, (size_t)snprintf(part, sizeof part, "\"%s\":%" PRIu64, name, value));
}

static void quoted(text *t, const uint8_t *bytes, int size) {
  say(t, "\"");
  for (int i = 0; i < size && i < HEADER_BYTES_MAX; i++) {
    char part[8];
    if (bytes[i] == '"' || bytes[i] == '\\') add(t, part, (size_t)snprintf(part, sizeof part, "\\%c", bytes[i]));
    else if (bytes[i] < 32 || bytes[i] == 127) add(t, part, (size_t)snprintf(part, sizeof part, "\\u%04x", bytes[i]));
    else add(t, (const char *)bytes + i, 1);
  }
  say(t, "\"");
}

static int comes_before(const fasta *f, const int *scores, int a, int b) {
  if (scores[a] != scores[b]) return scores[a] > scores[b];
  const sequence *p = &f->records[a], *q = &f->records[b];
  const int m = p->name_to - p->name_from, n = q->name_to - q->name_from;
  const int order = memcmp(f->text + p->name_from, f->text + q->name_from, (size_t)(m < n ? m : n));
  return order != 0 ? order < 0 : m < n;
}

static int top_of(const fasta *f, const int *scores, int *top) {
  int size = 0;
  for (int i = 0; i < f->count; i++) {
    if (scores[i] == 0) continue;
    int at = size;
    while (at > 0 && comes_before(f, scores, i, top[at - 1])) at--;
    if (at == HITS_MAX) continue;
    if (size < HITS_MAX) size++;
    memmove(top + at + 1, top + at, sizeof(int) * (size_t)(size - 1 - at));
    top[at] = i;
  }
  return size;
}

static void say_best(text *t, const fasta *f, const sequence *query, const sequence *record, int score) {
  alignment a = align_pair(query, record, score);
  if (a.score == 0) {
    say(t, "\"bestSkipped\":\"query x target exceeds 8388608 cells\"");
    return;
  }
  say(t, "\"best\":{\"name\":");
  quoted(t, f->text + record->name_from, record->name_to - record->name_from);
  say(t, ","), count(t, "score", (uint64_t)a.score);
  say(t, ","), count(t, "queryFrom", (uint64_t)a.query_from);
  say(t, ","), count(t, "queryTo", (uint64_t)a.query_to);
  say(t, ","), count(t, "targetFrom", (uint64_t)a.target_from);
  say(t, ","), count(t, "targetTo", (uint64_t)a.target_to);
  say(t, ",\"query\":\""), say(t, a.query);
  say(t, "\",\"match\":\""), say(t, a.match);
  say(t, "\",\"target\":\""), say(t, a.target);
  say(t, "\"}");
  free(a.query);
}

static void report(text *t, const fasta *f, const sequence *query, const int *scores) {
  int top[HITS_MAX];
  const int hits = top_of(f, scores, top);
  uint64_t residues = 0;
  for (int i = 0; i < f->count; i++) residues += (uint64_t)f->records[i].length;
  say(t, "{"), count(t, "records", (uint64_t)f->count);
  say(t, ","), count(t, "residues", residues);
  say(t, ","), count(t, "cells", residues * (uint64_t)query->length);
  say(t, ",\"hits\":[");
  for (int i = 0; i < hits; i++) {
    const sequence *record = &f->records[top[i]];
    say(t, i ? ",{\"name\":" : "{\"name\":");
    quoted(t, f->text + record->name_from, record->name_to - record->name_from);
    if (record->description_to > record->description_from) {
      say(t, ",\"description\":");
      quoted(t, f->text + record->description_from, record->description_to - record->description_from);
    }
    say(t, ","), count(t, "length", (uint64_t)record->length);
    say(t, ","), count(t, "score", (uint64_t)scores[top[i]]);
    say(t, "}");
  }
  say(t, "]");
  if (hits > 0) say(t, ","), say_best(t, f, query, &f->records[top[0]], scores[top[0]]);
  say(t, "}\n");
}

typedef struct {
  uint8_t *bytes;
  int size;
} file;

static file read_file(const char *path) {
  FILE *in = fopen(path, "rb");
  if (!in) refuse("cannot read a file");
  fseek(in, 0, SEEK_END);
  file f = {NULL, (int)ftell(in)};
  rewind(in);
  f.bytes = malloc((size_t)f.size + 1);
  if (fread(f.bytes, 1, (size_t)f.size, in) != (size_t)f.size) refuse("cannot read a file");
  fclose(in);
  return f;
}

/* One task: both texts to a line of JSON. The line stays in `t`. */
static void run(const file *query, const file *database, text *t) {
  fasta q = parse_fasta(query->bytes, query->size), f = parse_fasta(database->bytes, database->size);
  if (q.count != 1) refuse("one query is wanted");
  int *scores = malloc(sizeof(int) * (size_t)f.count);
  search_all(&q.records[0], f.records, f.count, scores);
  t->size = 0;
  report(t, &f, &q.records[0], scores);
  free(scores);
  free_fasta(&q);
  free_fasta(&f);
}

static uint64_t now(clockid_t id) {
  struct timespec t;
  clock_gettime(id, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void serve(const file *query, const file *database) {
  fasta q = parse_fasta(query->bytes, query->size), f = parse_fasta(database->bytes, database->size);
  int *scores = malloc(sizeof(int) * (size_t)f.count);
  text t = {0};
  char line[64];
  int times;
  while (fgets(line, sizeof line, stdin)) {
    uint32_t checksum = 0;
    const uint64_t start = now(CLOCK_MONOTONIC), cpu_start = now(CLOCK_PROCESS_CPUTIME_ID);
    uint64_t end, cpu_end;
    if (sscanf(line, "run %d", &times) == 1) {
      for (int i = 0; i < times; i++) run(query, database, &t);
      end = now(CLOCK_MONOTONIC);
      cpu_end = now(CLOCK_PROCESS_CPUTIME_ID);
      checksum = 2166136261u;
      for (size_t i = 0; i < t.size; i++) checksum = (checksum ^ (uint8_t)t.bytes[i]) * 16777619u;
    } else if (sscanf(line, "search %d", &times) == 1) {
      for (int i = 0; i < times; i++) search_all(&q.records[0], f.records, f.count, scores);
      end = now(CLOCK_MONOTONIC);
      cpu_end = now(CLOCK_PROCESS_CPUTIME_ID);
      for (int i = 0; i < f.count; i++) checksum = checksum * 31 + (uint32_t)scores[i];
    } else {
      refuse("say: run N, or search N");
    }
    printf("%" PRIu64 " %" PRIu32 " %" PRIu64 "\n", end - start, checksum, cpu_end - cpu_start);
    fflush(stdout);
  }
}

/* Each database is a task, whose line goes into the folder under its number. */
static int run_job(const file *query, const char *folder, char **databases) {
  char path[4096];
  for (int i = 0; databases[i]; i++) {
    const file database = read_file(databases[i]);
    text t = {0};
    run(query, &database, &t);
    snprintf(path, sizeof path, "%s/%d", folder, i);
    FILE *out = fopen(path, "wb");
    if (!out || fwrite(t.bytes, 1, t.size, out) != t.size) refuse("cannot write");
    fclose(out);
    free(t.bytes);
    free((void *)database.bytes);
  }
  return 0;
}

int main(int argc, char **argv) {
  if (argc > 4 && strcmp(argv[1], "--job") == 0) {
    const file query = read_file(argv[2]);
    return run_job(&query, argv[3], argv + 4);
  }
  const int flag = argc > 1 && argv[1][0] == '-';
  if (argc != 3 + flag) refuse("usage: align [--scores|--serve] QUERY.fasta DATABASE.fasta");
  const file query = read_file(argv[1 + flag]), database = read_file(argv[2 + flag]);
  if (!flag) {
    text t = {0};
    run(&query, &database, &t);
    fwrite(t.bytes, 1, t.size, stdout);
  } else if (strcmp(argv[1], "--serve") == 0) {
    serve(&query, &database);
  } else {
    fasta q = parse_fasta(query.bytes, query.size), f = parse_fasta(database.bytes, database.size);
    int *scores = malloc(sizeof(int) * (size_t)f.count);
    search_all(&q.records[0], f.records, f.count, scores);
    for (int i = 0; i < f.count; i++) {
      const sequence *r = &f.records[i];
      printf("%.*s %d\n", r->name_to - r->name_from, f.text + r->name_from, scores[i]);
    }
  }
  return 0;
}
