import type { Instant } from '../../time.ts';

/**
 * PostgreSQL's binary forms of arrays and of rows to copy (its manual, COPY, Binary Format, and the `*_recv` functions).
 * Numbers and instants by the thousand reach the server so without becoming text on either side: node-postgres sends a Buffer
 * as it is.
 */

/** 2000-01-01 UTC, from which PostgreSQL counts microseconds. */
const epoch = Date.UTC(2000, 0, 1);

const oids = { text: 25, float8: 701, timestamptz: 1184 } as const;

/** The length that stands for NULL. */
const nullLength = -1;

/** A buffer that grows while it is written. */
class Writer {
  #bytes = Buffer.allocUnsafe(8192);
  #length = 0;

  /** Makes room for so many bytes. @returns where they begin */
  #take(bytes: number): number {
    const at = this.#length;
    this.#length += bytes;
    if (this.#length > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#length, this.#bytes.length * 2));
      this.#bytes.copy(larger, 0, 0, at);
      this.#bytes = larger;
    }
    return at;
  }

  int16(value: number): void {
    const at = this.#take(2);
    this.#bytes.writeInt16BE(value, at);
  }

  int32(value: number): void {
    const at = this.#take(4);
    this.#bytes.writeInt32BE(value, at);
  }

  // Each of the following is preceded by its length.

  null(): void {
    this.int32(nullLength);
  }

  boolean(value: boolean): void {
    const at = this.#take(5);
    this.#bytes.writeInt32BE(1, at);
    this.#bytes[at + 4] = value ? 1 : 0;
  }

  float8(value: number): void {
    const at = this.#take(12);
    this.#bytes.writeInt32BE(8, at);
    // Adding 0 makes 0 of -0, which a text would have been, too.
    this.#bytes.writeDoubleBE(value + 0, at + 4);
  }

  timestamptz(instant: Instant): void {
    const microseconds = Math.round((instant - epoch) * 1000);
    const high = Math.floor(microseconds / 0x1_0000_0000);
    const at = this.#take(12);
    this.#bytes.writeInt32BE(8, at);
    this.#bytes.writeInt32BE(high, at + 4);
    this.#bytes.writeUInt32BE(microseconds - high * 0x1_0000_0000, at + 8);
  }

  text(value: string): void {
    const bytes = Buffer.byteLength(value);
    const at = this.#take(4 + bytes);
    this.#bytes.writeInt32BE(bytes, at);
    this.#bytes.write(value, at + 4);
  }

  raw(value: Buffer): void {
    const at = this.#take(value.length);
    value.copy(this.#bytes, at);
  }

  get written(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }
}

/** A one-dimensional array of one type; `null` becomes NULL. */
function array<T>(
  oid: number,
  items: readonly (T | null | undefined)[],
  write: (writer: Writer, item: T) => void,
): Buffer {
  const writer = new Writer();
  writer.int32(items.length === 0 ? 0 : 1);
  writer.int32(items.some((item) => item === null || item === undefined) ? 1 : 0);
  writer.int32(oid);
  if (items.length === 0) return writer.written;
  writer.int32(items.length);
  // The index of the first item.
  writer.int32(1);
  for (const item of items) {
    if (item === null || item === undefined) writer.null();
    else write(writer, item);
  }
  return writer.written;
}

export const float8Binary = (items: readonly (number | null | undefined)[]): Buffer =>
  array(oids.float8, items, (writer, item) => writer.float8(item));

export const timestamptzBinary = (items: readonly (Instant | null | undefined)[]): Buffer =>
  array(oids.timestamptz, items, (writer, item) => writer.timestamptz(item));

export const textBinary = (items: readonly (string | null)[]): Buffer =>
  array(oids.text, items, (writer, item) => writer.text(item));

const copySignature = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1');

/** Rows in the form that `COPY … FROM STDIN (FORMAT binary)` reads. */
export class CopyRows {
  readonly #writer = new Writer();

  constructor() {
    this.#writer.raw(copySignature);
    // No flags, and no further header.
    this.#writer.int32(0);
    this.#writer.int32(0);
  }

  /** Begins a row; its fields follow. */
  row(fields: number): void {
    this.#writer.int16(fields);
  }

  text(value: string): void {
    this.#writer.text(value);
  }

  timestamptz(instant: Instant): void {
    this.#writer.timestamptz(instant);
  }

  boolean(value: boolean): void {
    this.#writer.boolean(value);
  }

  float8(value: number | null): void {
    if (value === null) this.#writer.null();
    else this.#writer.float8(value);
  }

  /** Ends the data. */
  end(): Buffer {
    this.#writer.int16(-1);
    return this.#writer.written;
  }
}
