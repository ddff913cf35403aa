/**
 * How a pass phrase that was made here reaches its person: once on their terminal, or in a file that
 * nobody else can read. Never on standard output, which ends up in logs.
 */
import { dirname, resolve } from 'node:path'
import { printable, VoboxError } from '../../errors.js'
import { hasTerminal, showOnTerminal } from '../cli/pass-phrase.js'
import { isRoot } from '../compose/become-owner.js'
import { requireRootOnly } from '../compose/root-only.js'
import { nodeFiles } from '../ports/files.js'

export interface HandOver {
  /** Called before the pass phrase is used: a file has it by then. */
  take(passPhrase: Buffer): Promise<void>
  /** It is in use, or may be: now the terminal shows it. */
  done(): void
  /** It is not: what was written goes. */
  failed(): Promise<void>
}

const MODE = 0o600

/**
 * @param out a file that is not there yet; absent: the terminal.
 * @throws VoboxError `PASS_PHRASE_REQUIRED` where there is no terminal to show it on, `FILE_UNSAFE` for
 *   a file that is there, `FILE_UNWRITABLE`.
 */
export async function handOverTo(out: string | undefined): Promise<HandOver> {
  return out === undefined ? toTerminal() : toFile(resolve(out))
}

function toTerminal(): HandOver {
  if (!hasTerminal()) {
    throw new VoboxError('PASS_PHRASE_REQUIRED', 'there is no terminal to show a pass phrase on', {
      hint: '--pass-phrase-out FILE writes it to a file of yours, mode 0600',
    })
  }
  let kept = Buffer.alloc(0)
  return {
    async take(passPhrase) {
      kept = Buffer.from(passPhrase)
    },
    done() {
      showOnTerminal(`The pass phrase, which is shown this once: ${kept.toString('latin1')}\n`)
      kept.fill(0)
    },
    async failed() {
      kept.fill(0)
    },
  }
}

async function toFile(file: string): Promise<HandOver> {
  if (isRoot()) requireRootOnly(dirname(file), true)
  if ((await nodeFiles.facts(file)) !== undefined) {
    throw new VoboxError('FILE_UNSAFE', `${printable(file)} is there already`, {
      hint: 'name another file: an older pass phrase may still be needed',
      data: { path: file },
    })
  }
  await nodeFiles.probeWritable(dirname(file))
  let written = false
  return {
    async take(passPhrase) {
      await nodeFiles.replace(file, Buffer.concat([passPhrase, Buffer.from('\n')]), { mode: MODE })
      written = true
    },
    done() {},
    async failed() {
      if (written) await nodeFiles.remove(file)
    },
  }
}
