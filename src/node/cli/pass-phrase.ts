/**
 * Where a pass phrase comes from: the terminal, without an echo; standard input; or a descriptor
 * that the caller opened. Never the command line or the environment, which others can read.
 */
import { closeSync, constants, openSync, writeSync } from 'node:fs'
import { isatty, ReadStream } from 'node:tty'
import { printable, VoboxError } from '../../errors.js'
import { LineEditor } from './line-editor.js'
import { MAX_SECRET_BYTES, SecretLines } from './secret-lines.js'

/** What is asked for, for the prompt and for messages. */
export type AskForPassPhrase = (file: string) => Promise<Buffer>

export interface PassPhraseOptions {
  /** A descriptor to read one line from; absent: ask on the terminal. */
  descriptor?: number | undefined
  signal?: AbortSignal | undefined
}

const TERMINAL = '/dev/tty'

const OTHER_WAYS = '--pwstdin reads it from standard input, --pass-phrase-fd N from a descriptor'

/**
 * @throws VoboxError (later, when it is asked) `PASS_PHRASE_REQUIRED` where none can be had, `USAGE`
 *   for a descriptor that is not open, `CANCELLED`.
 */
export function passPhraseFrom({ descriptor, signal }: PassPhraseOptions): AskForPassPhrase {
  return (file) =>
    descriptor === undefined || isatty(descriptor)
      ? askOnTerminal(`Enter GRID pass phrase for ${printable(file)}: `, signal)
      : new SecretLines(descriptor, signal).next(printable(file))
}

export interface Question {
  /** How else it could be answered, for whoever has no terminal. */
  otherWays?: string
  /** Show what is typed: this is no secret. */
  echo?: boolean
}

/**
 * Asks, without an echo unless told otherwise.
 *
 * @throws VoboxError `PASS_PHRASE_REQUIRED` where there is no terminal, `CANCELLED`.
 */
export async function askOnTerminal(
  question: string,
  signal: AbortSignal | undefined,
  { otherWays = OTHER_WAYS, echo = false }: Question = {},
): Promise<Buffer> {
  signal?.throwIfAborted()
  const output = openTerminal(constants.O_WRONLY, otherWays)
  const input = new ReadStream(openTerminal(constants.O_RDONLY, otherWays))
  try {
    // Raw: nothing is echoed, and keys such as Ctrl-C arrive here as they are.
    if (!echo) input.setRawMode(true)
    writeSync(output, question)
    return await lineFrom(input, signal)
  } finally {
    if (!echo) input.setRawMode(false)
    input.destroy()
    if (!echo) writeSync(output, '\n')
    closeSync(output)
  }
}

/** Whether somebody types `y` or `yes`; anything else is no. */
export async function confirmOnTerminal(
  question: string,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const answer = await askOnTerminal(question, signal, { echo: true })
  return /^y(es)?$/i.test(answer.toString('latin1').trim())
}

/** What nobody but who sits there is to see: not standard output, which may go to a file. */
export function showOnTerminal(text: string): void {
  const output = openTerminal(constants.O_WRONLY, OTHER_WAYS)
  try {
    writeSync(output, text)
  } finally {
    closeSync(output)
  }
}

/** Whether there is one. */
export function hasTerminal(): boolean {
  try {
    closeSync(openTerminal(constants.O_WRONLY, OTHER_WAYS))
    return true
  } catch {
    return false
  }
}

function openTerminal(mode: number, hint: string): number {
  try {
    return openSync(TERMINAL, mode | constants.O_NOCTTY)
  } catch (cause) {
    throw new VoboxError(
      'PASS_PHRASE_REQUIRED',
      'a pass phrase is needed, and there is no terminal to ask for it',
      { hint, cause },
    )
  }
}

function lineFrom(input: ReadStream, signal: AbortSignal | undefined): Promise<Buffer> {
  const editor = new LineEditor(MAX_SECRET_BYTES)
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
