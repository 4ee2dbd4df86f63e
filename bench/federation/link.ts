// A TCP link that can be cut and mended, and counts what goes over it.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface Link {
  readonly port: number;
  /** What went over it so far, both ways. */
  readonly bytes: number;
  cut(): void;
  mend(): void;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Sees each piece that goes over it: to the port, or back. */
export type See = (piece: Uint8Array, way: 'there' | 'back') => void;

/** A link to a port of this machine. While it is cut, what was connected is gone, and nothing connects. */
export async function openLink(to: number, see: See = () => undefined): Promise<Link> {
  const sockets = new Set<Socket>();
  let isCut = false;
  let bytes = 0;
  const server = createServer((near) => {
    if (isCut) return near.destroy();
    const far = connect(to, '127.0.0.1');
    for (const [one, other, way] of [
      [near, far, 'there'],
      [far, near, 'back'],
    ] as const) {
      sockets.add(one);
      one.pipe(other);
      one.on('data', (piece) => {
        bytes += piece.byteLength;
        see(piece, way);
      });
      one.on('error', () => undefined);
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
    }
    return undefined;
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    isCut = true;
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    get bytes() {
      return bytes;
    },
    cut,
    mend: () => {
      isCut = false;
    },
    [Symbol.asyncDispose]: async () => {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
