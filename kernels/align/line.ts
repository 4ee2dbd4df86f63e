// A line of JSON as it is written: bytes at the end of a buffer that grows, since each joined string would stay behind in memory.

/** Bytes are appended; `finish` gives them. */
export class Line {
  private bytes: Uint8Array = new Uint8Array(4096);
  private size: i32 = 0;

  /** ASCII text, as it is. */
  text(words: string): void {
    const to = this.take(words.length);
    for (let i = 0; i < words.length; i++) store<u8>(to + i, <u8>words.charCodeAt(i));
  }

  /** `"name":value`. */
  number(name: string, value: u64): void {
    this.text('"');
    this.text(name);
    this.text('":');
    this.text(value.toString());
  }

  /** A JSON string of `size` bytes of UTF-8: quotes, backslashes and control characters escaped, broken UTF-8 replaced. */
  quoted(from: usize, size: i32): void {
    for (let i = 0; i < size; i++) {
      if (load<u8>(from + i) < 128) continue;
      const whole = String.UTF8.encode(String.UTF8.decodeUnsafe(from, size), false, String.UTF8.ErrorMode.REPLACE);
      from = changetype<usize>(whole);
      size = whole.byteLength;
      break;
    }
    this.text('"');
    for (let i = 0; i < size; i++) {
      const byte = load<u8>(from + i);
      if (byte === 34 || byte === 92) this.text('\\');
      if (byte >= 32 && byte !== 127) store<u8>(this.take(1), byte);
      else this.text('\\u00' + (byte < 16 ? '0' : '') + byte.toString(16));
    }
    this.text('"');
  }

  finish(): Uint8Array {
    return this.bytes.subarray(0, this.size);
  }

  /** Address of `count` more bytes. */
  private take(count: i32): usize {
    if (this.size + count > this.bytes.length) {
      const larger = new Uint8Array(2 * (this.size + count));
      memory.copy(larger.dataStart, this.bytes.dataStart, this.size);
      this.bytes = larger;
    }
    const at = this.bytes.dataStart + this.size;
    this.size += count;
    return at;
  }
}
