import type { SourceLocation } from "../values.ts";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** A migration's text, addressed by UTF-8 byte offsets as the grammar does. Lines end with LF, CR LF or CR. */
export class SourceText {
  readonly path: string;
  readonly text: string;
  readonly bytes: Uint8Array;
  /** One byte per UTF-16 unit, so that slices need no decoding. */
  readonly #ascii: boolean;
  #lineStarts: number[] | null = null;

  constructor(path: string, text: string) {
    this.path = path;
    // psql skips a byte order mark at the start of a file.
    this.text = text.startsWith("\ufeff") ? text.slice(1) : text;
    this.bytes = new TextEncoder().encode(this.text);
    this.#ascii = this.bytes.length === this.text.length;
  }

  slice(start: number, end: number): string {
    return this.#ascii ? this.text.slice(start, end) : decoder.decode(this.bytes.subarray(start, end));
  }

  line(offset: number): number {
    const starts = this.#starts();
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return low + 1;
  }

  location(offset: number): SourceLocation {
    const line = this.line(offset);
    const lineStart = this.#starts()[line - 1] ?? 0;
    return { path: this.path, line, column: this.slice(lineStart, offset).length + 1 };
  }

  /** PostgreSQL counts error positions in code points from `base`, which is a byte offset. */
  offsetOfCodePoint(position: number, base: number): number {
    let offset = base;
    for (let seen = 0; seen < position && offset < this.bytes.length; seen += 1) {
      offset += 1;
      while (((this.bytes[offset] ?? 0) & 0xc0) === 0x80) offset += 1;
    }
    return offset;
  }

  #starts(): number[] {
    if (this.#lineStarts === null) {
      const starts = [0];
      const { bytes } = this;
      for (let index = 0; index < bytes.length; index += 1) {
        if (bytes[index] === 10 || (bytes[index] === 13 && bytes[index + 1] !== 10)) starts.push(index + 1);
      }
      this.#lineStarts = starts;
    }
    return this.#lineStarts;
  }
}
