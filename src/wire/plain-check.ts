/**
 * Whether a value is the plain data that it would be encoded as. cbor-x writes an object that it
 * does not know as a map of its fields: of a promise that is an empty map, and nobody sees it.
 */
import { isUint8Array } from "node:util/types";
import { isRecord } from "../base/index.ts";

/** What is no plain data in a value; undefined if all of it is, up to `depthMax` levels. */
export function findPlainFault(value: unknown, depthMax: number): string | undefined {
  if (typeof value !== "object" || value === null || isUint8Array(value)) return undefined;
  if (depthMax === 0) return "it is nested too deeply";
  if (Array.isArray(value)) return findPartFault(value, depthMax);
  if (!isRecord(value) || !isPlainObject(value)) return `${nameOf(value)} is no plain object`;
  return findPartFault(Object.values(value), depthMax);
}

/**
 * The same data in arrays, bytes and objects of this realm: cbor-x knows them by their constructor.
 * What is no plain data stays as it is.
 */
export function copyOfThisRealm(value: unknown): unknown {
  if (isUint8Array(value)) return new Uint8Array(value);
  if (Array.isArray(value)) return Array.from(value, copyOfThisRealm);
  if (!isRecord(value) || !isPlainObject(value) || Symbol.iterator in value) return value;
  const parts = Object.entries(value).map(([name, part]) => [name, copyOfThisRealm(part)]);
  return Object.fromEntries(parts);
}

function findPartFault(parts: readonly unknown[], depthMax: number): string | undefined {
  for (const part of parts) {
    const fault = findPlainFault(part, depthMax - 1);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/**
 * Also one of another realm, and an instance of a user's class, which arrives as what it consists
 * of. What the language or the platform made has a tag of its own.
 */
function isPlainObject(value: Readonly<Record<string, unknown>>): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return true;
  const tag = Object.prototype.toString.call(value);
  return tag === "[object Object]" && typeof value["then"] !== "function";
}

function nameOf(value: object): string {
  return Object.prototype.toString.call(value).slice("[object ".length, -1);
}
