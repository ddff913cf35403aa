/** What programs of the administrator say to a certificate authority, and what it says of them. */
import { basename } from 'node:path'
import { printable, VoboxError } from '../../../errors.js'
import type { CallOutAnswer, CallOuts } from '../../../ports/call-out.js'

/** One program, run once for each question. */
export interface Asked {
  callOuts: CallOuts
  /** Absolute path. */
  program: string
}

/**
 * @param given.isSecret `input` holds a pass phrase. Programs quote what they read, each in its own way
 *   (`set -x`, a line that is not understood), so that nothing of what they say is kept then.
 * @throws `PROGRAM_FAILED` when it ends with another status than 0, too.
 */
export async function askProgram(
  { callOuts, program }: Asked,
  given: { arguments?: readonly string[]; input?: Uint8Array; isSecret?: boolean },
  signal: AbortSignal,
): Promise<string> {
  const request = { file: program, arguments: given.arguments ?? [] }
  const answer = await callOuts.run(
    { ...request, ...(given.input !== undefined && { input: given.input }) },
    { signal },
  )
  if (answer.status !== 0) throw saidNo(program, answer, given.isSecret === true)
  return Buffer.from(answer.stdout).toString('utf8')
}

/** A name that a program could take for an option is not given to it. */
export function asArgument(username: string): string | undefined {
  return username.startsWith('-') ? undefined : username
}

function saidNo(program: string, { status, stderr }: CallOutAnswer, isSecret: boolean): VoboxError {
  const words = isSecret
    ? 'and what it said may hold the pass phrase'
    : `and said: ${printable(stderr, 500)}`
  const said = stderr.trim() === '' ? 'and said nothing' : words
  const how = status === undefined ? 'was killed' : `ended with status ${status}`
  return new VoboxError('PROGRAM_FAILED', `${basename(program)} ${how}, ${said}`, {
    hint: `Run ${printable(program)} by hand, as the server does`,
    data: { path: program, status },
  })
}
