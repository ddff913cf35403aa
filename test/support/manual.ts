/** Manual and completions as the build would write them, made from the commands' classes. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { COMMANDS } from '../../commands/index.js'
import { type CommandFacts, commandFacts } from '../../scripts/manual/command-facts.js'
import { type ManualSources, manualFiles } from '../../scripts/manual/files.js'

export const HOME = join(import.meta.dirname, '..', '..')

export const PROGRAM = 'vobox-proxy'

export const commands: readonly CommandFacts[] = commandFacts(COMMANDS, PROGRAM)

/** Version 1.2.3 of 31 January 2026. */
export function manual(changes: Partial<ManualSources> = {}): Record<string, string> {
  const pages = join(HOME, 'docs', 'man')
  return manualFiles({
    program: PROGRAM,
    version: '1.2.3',
    date: '2026-01-31',
    commands: COMMANDS,
    templates: Object.fromEntries(
      readdirSync(pages).map((name) => [name, readFileSync(join(pages, name), 'utf8')]),
    ),
    configuration: readFileSync(join(HOME, 'docs', 'configuration.md'), 'utf8'),
    shells: { bash: shellPart('bash'), zsh: shellPart('zsh') },
    ...changes,
  })
}

export function shellPart(shell: 'bash' | 'zsh'): string {
  return readFileSync(join(HOME, 'scripts', 'manual', `completion.${shell}`), 'utf8')
}

/** What a reader sees: escapes resolved, requests and fonts gone, one space between words. */
export function plain(roffText: string): string {
  return roffText
    .replace(/^\.TH.*$/m, '')
    .replace(/^\.[A-Z]{2}? ?/gm, '')
    .replace(/\\f[BIR]/g, '')
    .replace(/\\&/g, '')
    .replace(/\\~/g, ' ')
    .replace(/\\\[u([0-9A-F]{4,6})\]/g, (_found, hex) => String.fromCodePoint(Number(`0x${hex}`)))
    .replace(
      /\\\((aq|ga|ha|ti)/g,
      (_found, name) => ({ aq: "'", ga: '`', ha: '^' })[name as string] ?? '~',
    )
    .replace(/\\-/g, '-')
    .replace(/\\e/g, '\\')
    .replace(/\s+/g, ' ')
}
