// Changes to the names in a granted folder, beside writing bytes: files and folders made, removed, renamed and cut. No link is followed by any.
import {
  closeSync,
  constants,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  renameSync,
  rmdirSync,
  unlinkSync,
} from 'node:fs';
import type { Change } from '../../runtime/job/outside.ts';
import { attempt, type Entry, look, mustBeFile, openPlace, through } from './walk.ts';
import { lookFor } from './write.ts';

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants;

/** Throws a Refusal. */
export function changeEntry(entry: Entry, change: Exclude<Change, { act: 'rename' }>): void {
  attempt(entry.path, actOf(entry, change));
}

function actOf(entry: Entry, change: Exclude<Change, { act: 'rename' }>): () => void {
  const at = through(entry.parent.fd, entry.name);
  switch (change.act) {
    case 'create':
      return () => closeSync(openSync(at, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o666));
    case 'folder':
      return () => mkdirSync(at);
    case 'unlink':
      return () => {
        mustNotBeLink(entry);
        unlinkSync(at);
      };
    case 'remove':
      return () => rmdirSync(at);
    case 'resize':
      return () => withFile(entry, O_WRONLY, (fd) => ftruncateSync(fd, change.size));
    case 'sync':
      return () => withFile(entry, O_RDONLY, fsyncSync);
    default:
      return change satisfies never;
  }
}

/** Gives what has a name another one, whose file or empty folder it replaces; links are neither moved nor replaced. Throws a Refusal. */
export function renameEntry(from: Entry, to: Entry): void {
  mustNotBeLink(from);
  const known = lookFor(to.parent, to.name, to.path);
  if (known) closeSync(known.fd);
  attempt(to.path, () => renameSync(through(from.parent.fd, from.name), through(to.parent.fd, to.name)));
}

function mustNotBeLink({ parent, name, path }: Entry): void {
  closeSync(look(parent, name, path).fd);
}

function withFile(entry: Entry, flags: number, act: (fd: number) => void): void {
  const place = look(entry.parent, entry.name, entry.path);
  try {
    mustBeFile(place, entry);
    const fd = openPlace(place, flags, entry.path);
    try {
      act(fd);
    } finally {
      closeSync(fd);
    }
  } finally {
    closeSync(place.fd);
  }
}
