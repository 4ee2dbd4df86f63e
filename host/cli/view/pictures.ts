// What outputs can be drawn, by the eight bytes that they begin with. A picture is made from bytes of a guest: none is trusted.
import { LodgerError } from '../../../runtime/base/errors.ts';
import { type Canvas, encodePng } from './canvas.ts';
import { drawRun, readRun } from './dynamics.ts';
import { drawTile, readTile } from './fractal.ts';
import { MAGICS, type Magic, magicOf } from './magic.ts';
import { drawMigration, readMigration } from './migration.ts';
import { drawFindings, readFindings } from './spectra.ts';
import { drawShot, readShot } from './wave.ts';

/** Magic -> what reads and draws such an output; undefined where its header does not fit its bytes. */
const FORMS: Readonly<Record<Magic, (output: Uint8Array) => Canvas | undefined>> = {
  lodgwave: formOf(readShot, drawShot),
  lodgmigr: formOf(readMigration, drawMigration),
  lodgdyna: formOf(readRun, drawRun),
  lodgfrac: formOf(readTile, drawTile),
  lodgspec: formOf(readFindings, drawFindings),
};

/** An output as a PNG; `path` is where it is to go, for messages. Throws `ERR_FILE` for an output that has no picture. */
export function pictureOf(output: Uint8Array, path: string): Uint8Array {
  const png = pictureIfAny(output);
  if (png) return png;
  const magic = magicOf(output);
  const reason = magic
    ? `the output begins with ${magic}, but its header does not fit it`
    : `the output begins with none of ${MAGICS.join(', ')}, which have pictures`;
  throw new LodgerError('ERR_FILE', ['draw', path, reason]);
}

/** An output as a PNG; undefined where it has no picture. */
export function pictureIfAny(output: Uint8Array): Uint8Array | undefined {
  const magic = magicOf(output);
  const canvas = magic && FORMS[magic](output);
  return canvas && encodePng(canvas);
}

function formOf<T>(read: (output: Uint8Array) => T | undefined, draw: (content: T) => Canvas) {
  return (output: Uint8Array) => {
    const content = read(output);
    return content === undefined ? undefined : draw(content);
  };
}
