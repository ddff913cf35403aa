/** The part that we use of a package that brings no types. */
declare module 'fs-native-extensions' {
  /** Takes an exclusive lock of the open file description `fd`; false when another holds it. */
  export function tryLock(fd: number): boolean
  export function unlock(fd: number): void
}
