/**
 * Serial numbers of issued certificates, of which none may ever be given twice.
 *
 * A file holds the *next* number, in hexadecimal, as with the C server and `openssl ca`. The C server
 * writes over it in place and without fsync, and begins again with 1 when it finds the file empty or
 * missing. Here the next number is on the disk before this one is used (temporary file, fsync,
 * rename, fsync of the directory, all below a lock), so that a kill loses a number at worst, and a
 * file that has gone bad, gone back or gone away stops the CA until somebody has looked.
 */
import pLimit from 'p-limit'
import { printable, VoboxError } from '../../../errors.js'
import type { Files } from '../../../ports/files.js'
import type { Random } from '../../../ports/random.js'

export interface SerialNumbers {
  /** A number that nobody had: unsigned, big-endian, at most 20 octets. */
  next(signal: AbortSignal): Promise<Uint8Array>
}

/** RFC 5280 §4.1.2.2: 20 octets, the first bit of which is the sign. */
const END_OF_SERIALS = 1n << 159n

/** What a random number needs so that nobody can guess the next, and none comes twice. */
const RANDOM_BYTES = 16

/** Octets of the number with which a new file begins: no CA of before has come so far by counting. */
const FIRST_BYTES = 8

/**
 * Numbers of 126 random bits: nothing to keep, to lock or to lose. They all have the same length and
 * are larger than what counting reaches, so that a file can take over.
 */
export class RandomSerials implements SerialNumbers {
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
  }

  async next(): Promise<Uint8Array> {
    return highBitsSet(this.#random.bytes(RANDOM_BYTES))
  }
}

/** Positive as a signed number, and never short. */
function highBitsSet(bytes: Uint8Array): Uint8Array {
  const serial = Uint8Array.from(bytes)
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40
  return serial
}

export interface FileSerialsOptions {
  files: Files
  /** `certificate_serialfile`; `<path>.lock` stands beside it. */
  path: string
  /** `certificate_serial_skip`. */
  skip: number
  /** Accepted owners of the file. */
  owners: readonly number[]
  /** Whether a certificate with this number was kept by somebody who issued it. */
  wasIssued?: (serial: Uint8Array) => Promise<boolean>
}

const LOCK_MS = 20_000
const MAX_BYTES = 1024
const WRITABLE_BY_OTHERS = 0o022

export class FileSerials implements SerialNumbers {
  readonly #options: FileSerialsOptions
  /** Requests of one process wait in a line, which is faster than to try for a lock. */
  readonly #oneByOne = pLimit(1)
  /** The largest number that this process gave: the file must be beyond it. */
  #last = 0n

  constructor(options: FileSerialsOptions) {
    this.#options = options
  }

  /**
   * @throws `SERIAL_FILE_UNUSABLE` when the file is missing, holds no number, went back, or is at its
   *   end; `LOCK_TIMEOUT`; what reading and writing throws.
   */
  next(signal: AbortSignal): Promise<Uint8Array> {
    return this.#oneByOne(() => this.#next(signal))
  }

  async #next(signal: AbortSignal): Promise<Uint8Array> {
    signal.throwIfAborted()
    const { files, path, skip } = this.#options
    const lock = await files.lock(`${path}.lock`, LOCK_MS, signal)
    try {
      const serial = await this.#readUnused()
      const bytes = toBytes(serial)
      await files.replace(path, encodeSerialFile(serial + BigInt(skip)), { mode: 0o600 })
      this.#last = serial
      return bytes
    } finally {
      await lock.release()
    }
  }

  /** What the file says, if it can be believed. Also asked at the start, when nothing is issued. */
  async check(): Promise<void> {
    await this.#readUnused()
  }

  async #readUnused(): Promise<bigint> {
    const { path, wasIssued } = this.#options
    const serial = await readSerialFile(this.#options)
    if (serial <= this.#last) {
      throw unusable(path, 'went-back', `is at ${hex(serial)}, and ${hex(this.#last)} was given`)
    }
    if ((await wasIssued?.(toBytes(serial))) === true) {
      const problem = `is at ${hex(serial)}, with which certificate_out_dir has a certificate`
      throw unusable(path, 'went-back', problem)
    }
    return serial
  }
}

/**
 * The first file of a CA, when there is none. The C server begins with 1, and so would a CA whose file
 * was lost; a number of 63 random bits meets no earlier one.
 *
 * @returns whether there was none.
 * @throws `SERIAL_FILE_UNUSABLE` when several CAs share the numbers, since then only their
 *   administrator knows which are whose.
 */
export async function createSerialFile(
  { files, path, skip }: Pick<FileSerialsOptions, 'files' | 'path' | 'skip'>,
  random: Random,
): Promise<boolean> {
  if ((await files.facts(path)) !== undefined) return false
  if (skip !== 1) {
    throw new VoboxError('SERIAL_FILE_UNUSABLE', `${printable(path)} is missing`, {
      hint: `Write the first number of this CA into it: echo 01 > ${printable(path)}`,
      data: { path, reason: 'missing' },
    })
  }
  const lock = await files.lock(`${path}.lock`, LOCK_MS)
  try {
    if ((await files.facts(path)) !== undefined) return false
    const first = BigInt(`0x${hexOf(highBitsSet(random.bytes(FIRST_BYTES)))}`)
    await files.replace(path, encodeSerialFile(first), { mode: 0o600 })
    return true
  } finally {
    await lock.release()
  }
}

async function readSerialFile({ files, path, owners }: FileSerialsOptions): Promise<bigint> {
  if ((await files.facts(path)) === undefined) throw unusable(path, 'missing', 'is missing')
  const { bytes } = await files.read(path, {
    maxBytes: MAX_BYTES,
    owners,
    forbiddenMode: WRITABLE_BY_OTHERS,
  })
  const text = bytes.toString('latin1')
  // Half a number is another number: an odd digit, a second word or a missing one is a damage.
  if (!/^(?:[0-9A-Fa-f]{2}){1,21}\s*$/.test(text)) {
    throw unusable(path, 'damaged', 'does not hold one number in hexadecimal')
  }
  const serial = BigInt(`0x${text.trim()}`)
  if (serial === 0n) throw unusable(path, 'damaged', 'holds 0, which is no serial number')
  if (serial >= END_OF_SERIALS) throw unusable(path, 'at-end', 'holds more than 20 octets')
  return serial
}

/** As the C server writes it: capital letters, an even number of digits, an end of line. */
function encodeSerialFile(serial: bigint): Uint8Array {
  return Buffer.from(`${hex(serial)}\n`, 'latin1')
}

function hex(serial: bigint): string {
  const digits = serial.toString(16).toUpperCase()
  return digits.length % 2 === 0 ? digits : `0${digits}`
}

function toBytes(serial: bigint): Uint8Array {
  return Buffer.from(hex(serial), 'hex')
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

function unusable(path: string, reason: string, problem: string): VoboxError {
  const shown = printable(path)
  return new VoboxError('SERIAL_FILE_UNUSABLE', `Serial file ${shown} ${problem}`, {
    hint: `Write a number into ${shown} that is larger than all that were issued (hexadecimal)`,
    data: { path, reason },
  })
}
