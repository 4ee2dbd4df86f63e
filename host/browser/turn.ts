// Lets messages that wait have their turn. A timer would take 4 ms, once it is nested.

/** Resolves when whatever waits in this thread has been looked at. */
export function createTurn(): () => Promise<void> {
  const { port1, port2 } = new MessageChannel();
  const waiting: (() => void)[] = [];
  port1.onmessage = () => waiting.shift()?.();
  return () =>
    new Promise((resolve) => {
      waiting.push(resolve);
      port2.postMessage(0);
    });
}
