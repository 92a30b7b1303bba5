// A parser for the official client's option `parser`, which writes MessagePack as the codec in
// socket.io-msgpack-parser does (protocol.md §23): `undefined` as D4 00 00, a Date as D7 00 and
// milliseconds, an ArrayBuffer and its views as an extension of type 0, a Node Buffer as bin.
const text = { encoder: new TextEncoder(), decoder: new TextDecoder("utf-8", { fatal: true }) };

class Writer {
  constructor() {
    this.parts = [];
  }

  number(format, size, write) {
    const bytes = new DataView(new ArrayBuffer(1 + size));
    bytes.setUint8(0, format);
    write?.call(bytes);
    this.parts.push(Buffer.from(bytes.buffer));
  }

  /** A head: `small` where the count fits the first byte, else one of `formats` for 8 to 32 bits. */
  head(count, small, limit, formats) {
    if (count < limit) this.number(small | count, 0);
    else if (formats[0] && count < 0x100) this.number(formats[0], 1, function () { this.setUint8(1, count); });
    else if (count < 0x10000) this.number(formats[1], 2, function () { this.setUint16(1, count); });
    else this.number(formats[2], 4, function () { this.setUint32(1, count); });
  }

  integer(value) {
    if (value >= 0) {
      if (value < 0x80) return this.number(value, 0);
      if (value < 0x100) return this.number(0xcc, 1, function () { this.setUint8(1, value); });
      if (value < 0x10000) return this.number(0xcd, 2, function () { this.setUint16(1, value); });
      if (value < 2 ** 32) return this.number(0xce, 4, function () { this.setUint32(1, value); });
      return this.number(0xcf, 8, function () { this.setBigUint64(1, BigInt(value)); });
    }
    if (value >= -0x20) return this.number(value & 0xff, 0);
    if (value >= -0x80) return this.number(0xd0, 1, function () { this.setInt8(1, value); });
    if (value >= -0x8000) return this.number(0xd1, 2, function () { this.setInt16(1, value); });
    if (value >= -(2 ** 31)) return this.number(0xd2, 4, function () { this.setInt32(1, value); });
    return this.number(0xd3, 8, function () { this.setBigInt64(1, BigInt(value)); });
  }

  extension(bytes) {
    this.head(bytes.byteLength, 0, 0, [0xc7, 0xc8, 0xc9]);
    this.parts.push(Buffer.from([0]), Buffer.from(bytes));
  }

  value(value) {
    if (value === undefined) this.parts.push(Buffer.from([0xd4, 0, 0]));
    else if (value === null) this.number(0xc0, 0);
    else if (typeof value === "boolean") this.number(value ? 0xc3 : 0xc2, 0);
    else if (Number.isSafeInteger(value)) this.integer(value);
    else if (typeof value === "number") this.number(0xcb, 8, function () { this.setFloat64(1, value); });
    else if (typeof value === "string") {
      const bytes = text.encoder.encode(value);
      this.head(bytes.length, 0xa0, 32, [0xd9, 0xda, 0xdb]);
      this.parts.push(bytes);
    } else if (value instanceof Date) {
      this.parts.push(Buffer.from([0xd7, 0]));
      const bytes = Buffer.alloc(8);
      bytes.writeBigInt64BE(BigInt(value.getTime()));
      this.parts.push(bytes);
    } else if (Buffer.isBuffer(value)) {
      this.head(value.length, 0, 0, [0xc4, 0xc5, 0xc6]);
      this.parts.push(value);
    } else if (value instanceof ArrayBuffer) this.extension(value);
    else if (ArrayBuffer.isView(value)) {
      this.extension(Buffer.from(value.buffer, value.byteOffset, value.byteLength));
    } else if (Array.isArray(value)) {
      this.head(value.length, 0x90, 16, [0, 0xdc, 0xdd]);
      for (const item of value) this.value(item);
    } else {
      // Members that are `undefined` are written too.
      const members = Object.entries(value).filter(([, item]) => typeof item !== "function");
      this.head(members.length, 0x80, 16, [0, 0xde, 0xdf]);
      for (const [name, item] of members) {
        this.value(name);
        this.value(item);
      }
    }
  }
}

class Reader {
  constructor(data) {
    this.bytes = ArrayBuffer.isView(data)
      ? new DataView(data.buffer, data.byteOffset, data.byteLength) : new DataView(data);
    this.offset = 0;
  }

  take(count) {
    if (this.offset + count > this.bytes.byteLength) throw new Error("unexpected end");
    this.offset += count;
    return this.bytes.buffer.slice(
      this.bytes.byteOffset + this.offset - count, this.bytes.byteOffset + this.offset,
    );
  }

  /** The number of 1, 2, 4 or 8 bytes that comes next. */
  unsigned(size) {
    let value = 0;
    for (const byte of new Uint8Array(this.take(size))) value = value * 256 + byte;
    return value;
  }

  string(count) {
    return text.decoder.decode(this.take(count));
  }

  array(count) {
    return Array.from({ length: count }, () => this.value());
  }

  map(count) {
    return Object.fromEntries(Array.from({ length: count }, () => [this.value(), this.value()]));
  }

  value() {
    const format = this.unsigned(1);
    if (format < 0x80) return format;
    if (format < 0x90) return this.map(format & 0x0f);
    if (format < 0xa0) return this.array(format & 0x0f);
    if (format < 0xc0) return this.string(format & 0x1f);
    if (format >= 0xe0) return format - 0x100;
    switch (format) {
      case 0xc0: return null;
      case 0xc2: return false;
      case 0xc3: return true;
      case 0xc4: return this.take(this.unsigned(1));
      case 0xc5: return this.take(this.unsigned(2));
      case 0xc6: return this.take(this.unsigned(4));
      case 0xcb: return new DataView(this.take(8)).getFloat64(0);
      case 0xcc: return this.unsigned(1);
      case 0xcd: return this.unsigned(2);
      case 0xce: return this.unsigned(4);
      case 0xcf: return this.unsigned(8);
      case 0xd0: return new DataView(this.take(1)).getInt8(0);
      case 0xd1: return new DataView(this.take(2)).getInt16(0);
      case 0xd2: return new DataView(this.take(4)).getInt32(0);
      case 0xd3: return Number(new DataView(this.take(8)).getBigInt64(0));
      case 0xd9: return this.string(this.unsigned(1));
      case 0xda: return this.string(this.unsigned(2));
      case 0xdb: return this.string(this.unsigned(4));
      case 0xdc: return this.array(this.unsigned(2));
      case 0xdd: return this.array(this.unsigned(4));
      case 0xde: return this.map(this.unsigned(2));
      case 0xdf: return this.map(this.unsigned(4));
      default: throw new Error(`unexpected byte ${format}`);
    }
  }
}

export class Encoder {
  encode(packet) {
    const writer = new Writer();
    writer.value(packet);
    return [Buffer.concat(writer.parts)];
  }
}

/** What the client's Manager asks of a decoder: `add` bytes, and listen to `decoded`. */
export class Decoder {
  constructor() {
    this.listeners = new Set();
  }

  on(event, listener) {
    if (event === "decoded") this.listeners.add(listener);
  }

  off(event, listener) {
    this.listeners.delete(listener);
  }

  add(data) {
    const reader = new Reader(data);
    const packet = reader.value();
    if (reader.offset !== reader.bytes.byteLength) throw new Error("bytes behind the packet");
    for (const listener of this.listeners) listener(packet);
  }

  destroy() {
    this.listeners.clear();
  }
}
