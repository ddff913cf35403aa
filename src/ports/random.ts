export interface Random {
  /** `length` bytes fit for serial numbers and challenges. */
  bytes(length: number): Uint8Array
  /** A number in [0, 1), for jitter. */
  fraction(): number
}
