// Frames for kernel workers, where a server sends no header with their script: of no origin, with a policy that shuts off every network.

/** What such a frame may do: run this one script, compile WebAssembly, and start a worker from a text, which has the frame's policy. */
const policyOf = (nonce: string) =>
  `default-src 'none'; script-src 'nonce-${nonce}' 'wasm-unsafe-eval'; worker-src blob:`;

/** Runs in the frame: starts the worker from the text that it is sent, and hands it the port. */
const FRAME_SCRIPT = `onmessage = ({ data: { script, port } }) => {
  const worker = new Worker(URL.createObjectURL(new Blob([script], { type: 'text/javascript' })));
  worker.postMessage({ type: 'port', port }, [port]);
};`;

/** The frames of one I/O worker, by the numbers that it gives them. */
export interface Frames {
  /** Opens a frame with a worker of this script, which is handed the port. */
  open(number: number, script: string, port: MessagePort): void;
  /** Ends a frame and its worker. */
  end(number: number): void;
  close(): void;
}

export function createFrames(): Frames {
  const frames = new Map<number, HTMLIFrameElement>();
  const end = (number: number) => {
    frames.get(number)?.remove();
    frames.delete(number);
  };
  return {
    open: (number, script, port) => {
      const frame = newFrame();
      frame.onload = () => frame.contentWindow?.postMessage({ script, port }, '*', [port]);
      frames.set(number, frame);
      document.body.append(frame);
    },
    end,
    close: () => {
      for (const number of frames.keys()) end(number);
    },
  };
}

function newFrame(): HTMLIFrameElement {
  const nonce = crypto.randomUUID();
  const frame = document.createElement('iframe');
  frame.setAttribute('sandbox', 'allow-scripts');
  frame.hidden = true;
  frame.title = 'A room for tasks';
  frame.srcdoc = `<meta http-equiv="Content-Security-Policy" content="${policyOf(nonce)}"><script nonce="${nonce}">${FRAME_SCRIPT}</script>`;
  return frame;
}
