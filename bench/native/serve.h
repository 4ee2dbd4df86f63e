/* The end of a twin, which has defined `static buffer run(const uint8_t *input, size_t size)`: a process, or the exports of a kernel. */
#ifdef __wasm__
static struct {
  uint32_t tag;
  uint8_t *at;
  size_t size;
} answer;

__attribute__((export_name("cabi_realloc"))) void *cabi_realloc(void *old, size_t was, size_t align, size_t size) {
  (void)old, (void)was, (void)align;
  return take(size);
}

__attribute__((export_name("run"))) void *run_kernel(const uint8_t *input, size_t size) {
  const buffer output = run(input, size);
  answer.at = output.bytes;
  answer.size = output.size;
  return &answer;
}
#else
static uint64_t clock_of(clockid_t id) {
  struct timespec t;
  clock_gettime(id, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint8_t *read_input(const char *path, size_t *size) {
  FILE *in = fopen(path, "rb");
  if (!in) exit(2);
  fseek(in, 0, SEEK_END);
  *size = (size_t)ftell(in);
  rewind(in);
  uint8_t *input = take(*size);
  if (fread(input, 1, *size, in) != *size) exit(2);
  fclose(in);
  return input;
}

static void write_output(const char *path, buffer output) {
  FILE *out = fopen(path, "wb");
  if (!out || fwrite(output.bytes, 1, output.size, out) != output.size) exit(2);
  fclose(out);
  give(output.bytes);
}

/* Each input's output goes into the folder, under its number. */
static int run_job(const char *folder, char **inputs) {
  char path[4096];
  for (int i = 0; inputs[i]; i++) {
    size_t size;
    uint8_t *input = read_input(inputs[i], &size);
    snprintf(path, sizeof path, "%s/%d", folder, i);
    write_output(path, run(input, size));
    give(input);
  }
  return 0;
}

/*
 * usage: twin INPUT OUTPUT. Each line on standard input runs it so many times, writes OUTPUT and says wall and CPU time in ns.
 * Or: twin --job FOLDER INPUT...
 */
int main(int argc, char **argv) {
  if (argc > 3 && strcmp(argv[1], "--job") == 0) return run_job(argv[2], argv + 3);
  if (argc != 3) return 2;
  size_t size;
  uint8_t *input = read_input(argv[1], &size);
  char line[64];
  while (fgets(line, sizeof line, stdin)) {
    const int times = atoi(line);
    const uint64_t wall = clock_of(CLOCK_MONOTONIC), cpu = clock_of(CLOCK_PROCESS_CPUTIME_ID);
    buffer output = {0};
    for (int i = 0; i < times; i++) {
      if (output.bytes) give(output.bytes);
      output = run(input, size);
    }
    const uint64_t cpu_end = clock_of(CLOCK_PROCESS_CPUTIME_ID), wall_end = clock_of(CLOCK_MONOTONIC);
    write_output(argv[2], output);
    printf("%llu %llu\n", (unsigned long long)(wall_end - wall), (unsigned long long)(cpu_end - cpu));
    fflush(stdout);
  }
  return 0;
}
#endif
