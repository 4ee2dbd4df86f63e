// What native code in a cell can try: any system call by its name, a fork, a thread. A Node addon, declared by hand: no headers needed.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

typedef void *Env, *Value, *Info;
typedef Value (*Callback)(Env, Info);
extern int napi_create_function(Env, const char *, size_t, Callback, void *, Value *);
extern int napi_set_named_property(Env, Value, const char *, Value);
extern int napi_get_cb_info(Env, Info, size_t *, Value *, Value *, void **);
extern int napi_typeof(Env, Value, int *);
extern int napi_get_value_int64(Env, Value, int64_t *);
extern int napi_get_value_bigint_int64(Env, Value, int64_t *, bool *);
extern int napi_get_value_string_utf8(Env, Value, char *, size_t, size_t *);
extern int napi_get_buffer_info(Env, Value, void **, size_t *);
extern int napi_create_int64(Env, int64_t, Value *);
extern int napi_create_bigint_uint64(Env, uint64_t, Value *);

enum { NUMBER = 3, OBJECT = 6, BIGINT = 9, ARGUMENTS = 7 };

#define CALL(name) { #name, SYS_##name }
static const struct { const char *name; long number; } CALLS[] = {
  CALL(add_key), CALL(bpf), CALL(chroot), CALL(close), CALL(execve), CALL(execveat), CALL(fchmodat), CALL(fcntl), CALL(inotify_init1),
  CALL(io_uring_setup), CALL(keyctl), CALL(kill), CALL(memfd_create), CALL(mount), CALL(mq_open), CALL(name_to_handle_at),
  CALL(openat),
  CALL(perf_event_open), CALL(pidfd_open), CALL(prlimit64), CALL(process_vm_readv), CALL(ptrace), CALL(sched_setaffinity),
  CALL(setns), CALL(setpriority), CALL(shmget), CALL(socket), CALL(socketpair), CALL(tgkill), CALL(umount2), CALL(unshare),
  CALL(userfaultfd),
};

static Value number(Env env, int64_t value) {
  Value result;
  napi_create_int64(env, value, &result);
  return result;
}

static int64_t argument(Env env, Value value) {
  int type;
  int64_t result = 0;
  bool lossless;
  void *bytes;
  size_t size;
  napi_typeof(env, value, &type);
  if (type == NUMBER) napi_get_value_int64(env, value, &result);
  if (type == BIGINT) napi_get_value_bigint_int64(env, value, &result, &lossless);
  if (type == OBJECT && napi_get_buffer_info(env, value, &bytes, &size) == 0) result = (int64_t)bytes;
  return result;
}

static long numberOf(Env env, Value value) {
  char name[64] = "";
  size_t size;
  napi_get_value_string_utf8(env, value, name, sizeof name, &size);
  for (size_t i = 0; i < sizeof CALLS / sizeof *CALLS; i++)
    if (strcmp(CALLS[i].name, name) == 0) return CALLS[i].number;
  return -1;
}

// call(name, ...up to six arguments): what the system answers, errors as negative numbers. Buffers are passed as their address.
static Value call(Env env, Info info) {
  size_t count = ARGUMENTS;
  Value given[ARGUMENTS];
  int64_t x[ARGUMENTS] = {0};
  napi_get_cb_info(env, info, &count, given, 0, 0);
  for (size_t i = 1; i < count && i < ARGUMENTS; i++) x[i] = argument(env, given[i]);
  long result = syscall(numberOf(env, given[0]), x[1], x[2], x[3], x[4], x[5], x[6]);
  return number(env, result < 0 ? -errno : result);
}

// address(buffer)
static Value address(Env env, Info info) {
  size_t count = 1;
  Value given[1], result;
  napi_get_cb_info(env, info, &count, given, 0, 0);
  napi_create_bigint_uint64(env, (uint64_t)argument(env, given[0]), &result);
  return result;
}

// fork(flags, name of a call that the child makes, its argument): 0, or the negative error of either.
static Value forkAnd(Env env, Info info) {
  size_t count = 3;
  Value given[3];
  napi_get_cb_info(env, info, &count, given, 0, 0);
  long inner = count > 1 ? numberOf(env, given[1]) : -1;
  int64_t x = count > 2 ? argument(env, given[2]) : 0;
  long child = syscall(SYS_clone, argument(env, given[0]), 0, 0, 0, 0);
  if (child == 0) _exit(inner >= 0 && syscall(inner, x) < 0 ? errno : 0);
  if (child < 0) return number(env, -errno);
  int status;
  waitpid(child, &status, 0);
  return number(env, -WEXITSTATUS(status));
}

static void *nothing(void *given) { return given; }

static Value thread(Env env, Info info) {
  (void)info;
  pthread_t made;
  int error = pthread_create(&made, 0, nothing, 0);
  if (error == 0) pthread_join(made, 0);
  return number(env, -error);
}

static void define(Env env, Value exports, const char *name, Callback callback) {
  Value function;
  napi_create_function(env, name, strlen(name), callback, 0, &function);
  napi_set_named_property(env, exports, name, function);
}

Value napi_register_module_v1(Env env, Value exports) {
  define(env, exports, "call", call);
  define(env, exports, "address", address);
  define(env, exports, "fork", forkAnd);
  define(env, exports, "thread", thread);
  return exports;
}

int32_t node_api_module_get_api_version_v1(void) { return 8; }
