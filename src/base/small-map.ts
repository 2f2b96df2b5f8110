/**
 * A map of a handful of entries, as the members of a group are: looking at each key is faster than
 * hashing, and thousands of empty ones cost little. Every change copies it.
 */
import { none } from "./none.ts";

export class SmallMap<K, V> {
  private keyList: readonly K[] = none;
  private valueList: readonly V[] = none;

  constructor(entries: Iterable<readonly [K, V]> = none) {
    for (const [key, value] of entries) this.set(key, value);
  }

  get size(): number {
    return this.keyList.length;
  }

  /** In the order in which they were first set. */
  get keys(): readonly K[] {
    return this.keyList;
  }

  get values(): readonly V[] {
    return this.valueList;
  }

  has(key: K): boolean {
    return this.keyList.includes(key);
  }

  get(key: K): V | undefined {
    const keys = this.keyList;
    for (let at = 0; at < keys.length; at += 1) if (keys[at] === key) return this.valueList[at];
    return undefined;
  }

  set(key: K, value: V): void {
    const at = this.keyList.indexOf(key);
    if (at === -1) {
      this.keyList = this.keyList.concat([key]);
      this.valueList = this.valueList.concat([value]);
    } else {
      this.valueList = this.valueList.with(at, value);
    }
  }

  delete(key: K): void {
    const at = this.keyList.indexOf(key);
    if (at === -1) return;
    this.keyList = this.keyList.toSpliced(at, 1);
    this.valueList = this.valueList.toSpliced(at, 1);
  }

  clear(): void {
    this.keyList = none;
    this.valueList = none;
  }
}
