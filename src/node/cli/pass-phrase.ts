/**
 * Where a pass phrase comes from: the terminal, without an echo; standard input; or a descriptor
 * that the caller opened. Never the command line or the environment, which others can read.
 */
import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { isatty, ReadStream } from 'node:tty'
import { printable, VoboxError } from '../../errors.js'
import { LineEditor } from './line-editor.js'

/** What is asked for, for the prompt and for messages. */
export type AskForPassPhrase = (file: string) => Promise<Buffer>

export interface PassPhraseOptions {
  /** A descriptor to read one line from; absent: ask on the terminal. */
  descriptor?: number | undefined
  signal?: AbortSignal | undefined
}

const TERMINAL = '/dev/tty'

/** Longer than any key's pass phrase; what comes in without an end must not fill the memory. */
const MAX_BYTES = 4096

const OTHER_WAYS = '--pwstdin reads it from standard input, --pass-phrase-fd N from a descriptor'

/**
 * @throws VoboxError (later, when it is asked) `PASS_PHRASE_REQUIRED` where none can be had, `USAGE`
 *   for a descriptor that is not open, `CANCELLED`.
 */
export function passPhraseFrom({ descriptor, signal }: PassPhraseOptions): AskForPassPhrase {
  return (file) =>
    descriptor === undefined || isatty(descriptor)
      ? askOnTerminal(`Enter GRID pass phrase for ${printable(file)}: `, signal)
      : readFrom(descriptor, file, signal)
}

/** The first line, without its end. */
async function readFrom(
  descriptor: number,
  file: string,
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  const bytes = await readSome(descriptor, signal)
  const end = bytes.findIndex((octet) => octet === 0x0a || octet === 0x0d)
  const line = end < 0 ? bytes : bytes.subarray(0, end)
  if (line.length > 0 && line.length <= MAX_BYTES) return line
  const where = descriptor === 0 ? 'standard input' : `descriptor ${descriptor}`
  const what = line.length === 0 ? 'nothing' : `more than ${MAX_BYTES} bytes`
  throw new VoboxError(
    'PASS_PHRASE_REQUIRED',
    `${printable(file)} needs one, and ${what} came on ${where}`,
    {
      data: { file, descriptor },
    },
  )
}

async function readSome(descriptor: number, signal: AbortSignal | undefined): Promise<Buffer> {
  try {
    const facts = fstatSync(descriptor)
    if (facts.isFIFO() || facts.isSocket()) {
      return await readStream(new Socket({ fd: descriptor }), signal)
    }
    const buffer = Buffer.alloc(MAX_BYTES + 1)
    return buffer.subarray(0, readSync(descriptor, buffer, 0, buffer.length, null))
  } catch (cause) {
    signal?.throwIfAborted()
    throw new VoboxError('USAGE', `descriptor ${descriptor} is not open for reading`, {
      data: { descriptor },
      cause,
    })
  }
}

/** Up to the end of a line; a pipe may give it in pieces, and may stay open behind it. */
async function readStream(stream: Socket, signal: AbortSignal | undefined): Promise<Buffer> {
  signal?.throwIfAborted()
  signal?.addEventListener('abort', () => stream.destroy(), { once: true })
  let bytes = Buffer.alloc(0)
  try {
    for await (const chunk of stream) {
      bytes = Buffer.concat([bytes, chunk as Buffer])
      if (bytes.includes(0x0a) || bytes.length > MAX_BYTES) break
    }
    return bytes
  } catch (error) {
    // What was destroyed from here fails in a way of its own; the signal tells why.
    signal?.throwIfAborted()
    throw error
  } finally {
    stream.destroy()
  }
}

async function askOnTerminal(question: string, signal: AbortSignal | undefined): Promise<Buffer> {
  signal?.throwIfAborted()
  const output = openTerminal(constants.O_WRONLY)
  const input = new ReadStream(openTerminal(constants.O_RDONLY))
  try {
    // Raw: nothing is echoed, and keys such as Ctrl-C arrive here as they are.
    input.setRawMode(true)
    writeSync(output, question)
    return await lineFrom(input, signal)
  } finally {
    input.setRawMode(false)
    input.destroy()
    writeSync(output, '\n')
    closeSync(output)
  }
}

function openTerminal(mode: number): number {
  try {
    return openSync(TERMINAL, mode | constants.O_NOCTTY)
  } catch (cause) {
    throw new VoboxError(
      'PASS_PHRASE_REQUIRED',
      'a pass phrase is needed, and there is no terminal to ask for it',
      { hint: OTHER_WAYS, cause },
    )
  }
}

function lineFrom(input: ReadStream, signal: AbortSignal | undefined): Promise<Buffer> {
  const editor = new LineEditor(MAX_BYTES)
  return new Promise((resolve, reject) => {
    const gone = () => {
      reject(new VoboxError('PASS_PHRASE_REQUIRED', 'the terminal went away', { hint: OTHER_WAYS }))
    }
    input.on('data', (keys: Buffer) => {
      const outcome = editor.type(keys)
      keys.fill(0)
      if (outcome === 'entered') resolve(editor.take())
      if (outcome === 'cancelled') reject(new VoboxError('CANCELLED', 'interrupted'))
    })
    input.once('end', gone)
    input.once('error', gone)
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}
