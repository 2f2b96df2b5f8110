/** A clock that all threads and processes of the machine share, in ms. */
export function sharedMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
