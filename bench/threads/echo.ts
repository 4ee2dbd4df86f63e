// A plain Piscina thread that gives back what it got.
export default (input: Uint8Array): Uint8Array => input;
