/**
 * Answers to the commands that service scripts call in loops, before oclif is loaded.
 *
 * Only the plain, good case is answered here: whatever is out of the ordinary (an option of the long
 * way, a file that does not parse, nothing found) is left to the command itself, which says what is
 * wrong. Rules and readers are the command's own; what differs is how the registry is looked into.
 */
import type { UnixSeconds } from '../../ports/clock.js'
import type { AnswerCommand } from '../compose/compose-answer.js'
import { currentUid, glanceAtFile, placeOfLoginProxy } from '../compose/compose-login.js'
import type { CommandLine } from './launcher.js'
import { quickFiles } from './quick-disk.js'

const COMMANDS: ReadonlySet<string | undefined> = new Set<AnswerCommand>([
  'query',
  'query-dn',
  'query-proxy-filename',
  'query-proxy-timeleft',
  'query-myproxy-timeleft',
  'env',
])

const OPTIONS: ReadonlySet<string> = new Set(['vo', 'dn', 'voms'])

/**
 * What the command prints; undefined: it must be run the long way. May also throw, for the same.
 *
 * @param now rounded up, so that seconds left are rounded down.
 */
export async function answerQuickly(
  line: CommandLine,
  environment: Readonly<Record<string, string | undefined>>,
  now: UnixSeconds,
): Promise<string | undefined> {
  const plain = [...line.options.keys()].every((name) => OPTIONS.has(name))
  if (!COMMANDS.has(line.command) || !plain || line.operands.length > 0) return undefined
  if (line.command === 'query-proxy-timeleft' && line.options.size === 0) {
    const place = placeOfLoginProxy(environment, currentUid())
    const { effectiveEnd } = await glanceAtFile(quickFiles, place)
    return `${Math.max(0, effectiveEnd - now)}\n`
  }
  // The registry's readers are evaluated only when they are needed.
  const { answerFromRegistry } = await import('./quick-registry.js')
  return answerFromRegistry({ line, environment, now })
}
