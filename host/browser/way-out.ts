// What the ways out of `walls.ts` lead to: a script that says that it ran. In a kernel worker nothing can load it.
postMessage('out');

export {};
