// Every call of WASI preview 1, as data: its core signature, and what a program here is answered.
// Source of names and signatures: the witx files of wasi_snapshot_preview1, flattened as its legacy ABI has it.

/** The import module of all of them. */
export const PREVIEW1_MODULE = 'wasi_snapshot_preview1';

/** The numbers of the errors that are answered. */
export const ERRNO = {
  SUCCESS: 0,
  BADF: 8,
  INVAL: 28,
  NOSYS: 52,
  NOTDIR: 54,
  NOTSOCK: 57,
  NOTSUP: 58,
  SPIPE: 70,
} as const;

/** One call. Every one but `proc_exit` gives an error number. */
export interface SystemCall {
  /** Core parameters and results: i = i32, I = i64. */
  readonly params: string;
  readonly results: string;
  /** `given`: it does what `says` says. Else the error that it always gives; BADF first, where `fd` is the parameter with a stream that is not open. */
  readonly answer: 'given' | keyof typeof ERRNO;
  readonly fd?: number;
  readonly says?: string;
}

const given = (params: string, says: string): SystemCall => ({ params, results: 'i', answer: 'given', says });
const never = (params: string, answer: keyof typeof ERRNO, fd: number): SystemCall => ({
  ...{ params, results: 'i', answer, fd },
});

/**
 * A program has three streams and no folders. Stream 0 is the input, 1 the output, 2 the log. Nothing here needs a grant, and nothing
 * differs between two runs of a task: the clock counts what was waited for and how often it was read, random bytes come from the seed.
 */
export const PREVIEW1: Readonly<Record<string, SystemCall>> = {
  args_get: given('ii', 'one argument: the name "program"'),
  args_sizes_get: given('ii', 'one argument of 8 bytes'),
  environ_get: given('ii', 'an empty environment'),
  environ_sizes_get: given('ii', 'no variables'),
  clock_res_get: given('ii', '1,000 ns for each of the four clocks'),
  clock_time_get: given('iIi', 'virtual time, 1,000 ns later at every reading'),
  fd_advise: never('iIIi', 'SPIPE', 0),
  fd_allocate: never('iII', 'SPIPE', 0),
  fd_close: given('i', 'closes a stream'),
  fd_datasync: never('i', 'INVAL', 0),
  fd_fdstat_get: given('ii', 'a stream of unknown type, that can be read or written'),
  fd_fdstat_set_flags: given('ii', 'no flags can be set: NOTSUP for any'),
  fd_fdstat_set_rights: never('iII', 'NOTSUP', 0),
  fd_filestat_get: given('ii', 'a stream of unknown type, of size 0'),
  fd_filestat_set_size: never('iI', 'INVAL', 0),
  fd_filestat_set_times: never('iIIi', 'NOTSUP', 0),
  fd_pread: never('iiiIi', 'SPIPE', 0),
  fd_prestat_get: given('ii', 'no folder: BADF, where a program stops looking for more'),
  fd_prestat_dir_name: given('iii', 'no folder: BADF'),
  fd_pwrite: never('iiiIi', 'SPIPE', 0),
  fd_read: given('iiii', 'from the input, 0 bytes at its end; BADF for other streams'),
  fd_readdir: never('iiiIi', 'NOTDIR', 0),
  fd_renumber: never('ii', 'NOTSUP', 0),
  fd_seek: never('iIii', 'SPIPE', 0),
  fd_sync: never('i', 'INVAL', 0),
  fd_tell: never('ii', 'SPIPE', 0),
  fd_write: given('iiii', 'to the output or the log; BADF for the input'),
  path_create_directory: never('iii', 'NOTDIR', 0),
  path_filestat_get: never('iiiii', 'NOTDIR', 0),
  path_filestat_set_times: never('iiiiIIi', 'NOTDIR', 0),
  path_link: never('iiiiiii', 'NOTDIR', 0),
  path_open: never('iiiiiIIii', 'NOTDIR', 0),
  path_readlink: never('iiiiii', 'NOTDIR', 0),
  path_remove_directory: never('iii', 'NOTDIR', 0),
  path_rename: never('iiiiii', 'NOTDIR', 0),
  path_symlink: never('iiiii', 'NOTDIR', 2),
  path_unlink_file: never('iii', 'NOTDIR', 0),
  poll_oneoff: given('iiii', 'streams are always ready; else time goes to the first clock that was waited for'),
  proc_exit: { params: 'i', results: '', answer: 'given', says: 'ends the task: done for 0, else failed' },
  proc_raise: { params: 'i', results: 'i', answer: 'NOSYS' },
  sched_yield: { params: '', results: 'i', answer: 'SUCCESS' },
  random_get: given('ii', "bytes of the task's seed"),
  sock_accept: never('iii', 'NOTSOCK', 0),
  sock_recv: never('iiiiii', 'NOTSOCK', 0),
  sock_send: never('iiiii', 'NOTSOCK', 0),
  sock_shutdown: never('ii', 'NOTSOCK', 0),
};
