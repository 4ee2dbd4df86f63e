// Every call of WASI preview 1, as data: its core signature, and what a program here is answered.
// Source of names and signatures: the witx files of wasi_snapshot_preview1, flattened as its legacy ABI has it.

/** The numbers of the errors that are answered. */
export const ERRNO = {
  SUCCESS: 0,
  ACCES: 2,
  BADF: 8,
  DQUOT: 19,
  EXIST: 20,
  FBIG: 22,
  ILSEQ: 25,
  INVAL: 28,
  IO: 29,
  ISDIR: 31,
  LOOP: 32,
  MFILE: 33,
  MLINK: 34,
  NAMETOOLONG: 37,
  NODEV: 43,
  NOENT: 44,
  NOSPC: 51,
  NOSYS: 52,
  NOTDIR: 54,
  NOTEMPTY: 55,
  NOTSOCK: 57,
  NOTSUP: 58,
  PERM: 63,
  ROFS: 69,
  SPIPE: 70,
  STALE: 72,
  XDEV: 75,
  NOTCAPABLE: 76,
} as const;

export type ErrorName = Exclude<keyof typeof ERRNO, 'SUCCESS'>;

/** One call. Every one but `proc_exit` gives an error number. */
export interface SystemCall {
  /** Core parameters and results: i = i32, I = i64. */
  readonly params: string;
  readonly results: string;
  /** `given`: it does what the words beside it say. Else the error that it always gives; BADF first, where `fd` is the parameter with a stream that is not open. */
  readonly answer: 'given' | keyof typeof ERRNO;
  readonly fd?: number;
}

const given = (params: string): SystemCall => ({ params, results: 'i', answer: 'given' });
const never = (params: string, answer: keyof typeof ERRNO, fd: number): SystemCall => ({
  ...{ params, results: 'i', answer, fd },
});

/**
 * A program has three streams and a folder for each grant of `files`. Stream 0 is the input, 1 the output, 2 the log; folders follow from 3
 * on. Without grants nothing differs between two runs of a task: the clock counts what was waited for and how often it was read, random
 * bytes come from the seed. The grant `clock` puts real time behind it. What a folder refuses (a link, a way out, a ceiling) is an error
 * of its own; links are neither made nor followed, and times of files are not kept.
 */
export const PREVIEW1: Readonly<Record<string, SystemCall>> = {
  args_get: given('ii'), // the name "program", and the task's own arguments
  args_sizes_get: given('ii'), // how many, and their bytes
  environ_get: given('ii'), // an empty environment
  environ_sizes_get: given('ii'), // no variables
  clock_res_get: given('ii'), // 1,000 ns for each of the four clocks
  // virtual time, 1,000 ns later at every reading; with the grant clock the time that it is
  clock_time_get: given('iIi'),
  fd_advise: given('iIIi'), // takes no advice of files; SPIPE for streams
  fd_allocate: given('iII'), // makes a file as long as that; SPIPE for streams
  fd_close: given('i'), // closes a stream, a file or a folder
  fd_datasync: given('i'), // as fd_sync
  fd_fdstat_get: given('ii'), // a stream of unknown type, a file or a folder, and what may be done with it
  fd_fdstat_set_flags: given('ii'), // APPEND and NONBLOCK of files; NOTSUP for any other
  fd_fdstat_set_rights: never('iII', 'NOTSUP', 0),
  fd_filestat_get: given('ii'), // type and size, a number made of the path, no times
  fd_filestat_set_size: given('iI'), // makes a file that long; INVAL for streams
  fd_filestat_set_times: never('iIIi', 'NOTSUP', 0),
  fd_pread: given('iiiIi'), // from a place of a file; SPIPE for streams
  fd_prestat_get: given('ii'), // a granted folder; BADF behind the last, where a program stops looking for more
  fd_prestat_dir_name: given('iii'), // under which path it was granted
  fd_pwrite: given('iiiIi'), // to a place of a file; SPIPE for streams
  fd_read: given('iiii'), // from the input or a file, 0 bytes at its end; BADF for other streams
  fd_readdir: given('iiiIi'), // the names in a folder, in order; NOTDIR for all else
  fd_renumber: given('ii'), // gives what is open another number, that of something else that is
  fd_seek: given('iIii'), // of files; SPIPE for streams
  fd_sync: given('i'), // waits until a file is on disk; INVAL for streams
  fd_tell: given('ii'), // of files; SPIPE for streams
  fd_write: given('iiii'), // to the output, the log or a file; BADF for the input
  path_create_directory: given('iii'), // makes a folder
  path_filestat_get: given('iiiii'), // as fd_filestat_get
  path_filestat_set_times: never('iiiiIIi', 'NOTSUP', 0),
  path_link: never('iiiiiii', 'NOTSUP', 0),
  path_open: given('iiiiiIIii'), // opens a file or a folder, or makes a file; links are not followed: LOOP
  path_readlink: never('iiiiii', 'INVAL', 0),
  path_remove_directory: given('iii'), // removes an empty folder
  path_rename: given('iiiiii'), // gives a file or a folder another name
  path_symlink: never('iiiii', 'NOTSUP', 2),
  path_unlink_file: given('iii'), // removes a file
  // what is open is always ready; else time goes, or is waited for, to the first clock asked for
  poll_oneoff: given('iiii'),
  proc_exit: { params: 'i', results: '', answer: 'given' }, // ends the task: done for 0, else failed
  proc_raise: { params: 'i', results: 'i', answer: 'NOSYS' },
  sched_yield: { params: '', results: 'i', answer: 'SUCCESS' },
  random_get: given('ii'), // bytes of the task's seed
  sock_accept: never('iii', 'NOTSOCK', 0),
  sock_recv: never('iiiiii', 'NOTSOCK', 0),
  sock_send: never('iiiii', 'NOTSOCK', 0),
  sock_shutdown: never('ii', 'NOTSOCK', 0),
};
