/**
 * Reads positional fields out of a decoded CBOR array, checking each as it goes. Everything it
 * returns has the type and the range that it says; everything else is ERR_FRAME_INVALID naming the
 * field.
 */
import { groupIdMax } from "../base/index.ts";
import type { GroupId } from "../base/index.ts";
import { frameInvalid } from "./frame-invalid.ts";

const uint32Max = 0xffff_ffff;

export class FieldReader {
  /** Where the next field is. */
  at = 0;
  /** Where the fields end that may be read. */
  end: number;
  /** What the fields belong to, for the message of an error. */
  owner: string;
  private readonly values: readonly unknown[];

  constructor(values: readonly unknown[], owner: string) {
    this.values = values;
    this.end = values.length;
    this.owner = owner;
  }

  /** A safe integer from 0. */
  integer(field: string): number {
    const value = this.next(field);
    if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) {
      throw this.fault(field, "an integer from 0 to 2^53-1", value);
    }
    // A float64 may say -0, which is 0 to every rule but Object.is.
    return value + 0;
  }

  /** An integer in [min, max]. */
  integerIn(field: string, min: number, max: number): number {
    const value = this.integer(field);
    if (value < min || value > max) throw this.fault(field, `from ${min} to ${max}`, value);
    return value;
  }

  uint32(field: string): number {
    return this.integerIn(field, 0, uint32Max);
  }

  group(): GroupId {
    return this.integerIn("group", 0, groupIdMax);
  }

  flag(field: string): boolean {
    return this.integerIn(field, 0, 1) === 1;
  }

  bytes(field: string): Uint8Array {
    const value = this.next(field);
    if (!(value instanceof Uint8Array)) throw this.fault(field, "a byte string", value);
    return value;
  }

  /** A text string of at most `lengthMax` UTF-16 units. */
  text(field: string, lengthMax: number): string {
    const value = this.next(field);
    if (typeof value !== "string" || value.length > lengthMax) {
      throw this.fault(field, `a text string of at most ${lengthMax} characters`, value);
    }
    return value;
  }

  list(field: string): readonly unknown[] {
    const value = this.next(field);
    if (!Array.isArray(value)) throw this.fault(field, "an array", value);
    return value;
  }

  private next(field: string): unknown {
    if (this.at >= this.end) throw frameInvalid(`${this.owner} ends before its field ${field}`);
    const value = this.values[this.at];
    this.at += 1;
    return value;
  }

  private fault(field: string, expected: string, value: unknown): Error {
    return frameInvalid(
      `${this.owner}: ${field} must be ${expected}, got ${describeForeign(value)}`,
    );
  }
}

/** Values of a stranger are named by their type, and shown only where they are short by nature. */
function describeForeign(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (typeof value === "string") return `text of ${value.length} characters`;
  return typeof value === "object" && value !== null ? typeof value : String(value);
}
