/** Plain data, as far as the compiler can tell: what CBOR carries and gives back as it was. */

type NotPlain =
  PlainFault<"results and answers are plain data: no promises, Dates, Maps, Sets or functions">;
interface PlainFault<Text extends string> {
  readonly plainDataOnly: Text;
}

type Exotic =
  | Date
  | RegExp
  | Error
  | PromiseLike<unknown>
  | ReadonlyMap<unknown, unknown>
  | ReadonlySet<unknown>
  | WeakMap<WeakKey, unknown>
  | WeakSet<WeakKey>
  | ((...parameters: never[]) => unknown);

/**
 * `T` itself if it is plain data: numbers, strings, booleans, null, undefined, byte strings, and
 * arrays and objects of them. Anything else becomes a type that nothing can be assigned to.
 */
export type PlainOf<T> = unknown extends T
  ? T
  : T extends string | number | boolean | null | undefined | void | Uint8Array
    ? T
    : T extends Exotic | bigint | symbol
      ? NotPlain
      : { readonly [K in keyof T]: PlainOf<T[K]> };
