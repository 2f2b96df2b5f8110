/** What is used of fs-native-extensions, which brings no types. */
declare module "fs-native-extensions" {
  /** False if another open file description has a lock; throws what the system answers else. */
  export function tryLock(fd: number): boolean;
}
