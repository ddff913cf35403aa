import { describe, expect, it } from 'vitest'
import { COMMANDS } from '../../../commands/index.js'
import { VoboxCommand } from '../../../commands/shared/vobox-command.js'
import { LAUNCHER_OPTIONS } from '../../../src/node/cli/launcher-options.js'
import { topicCommands } from '../../../src/node/cli/topic-commands.js'

type Flag = { type: string; char?: string; multiple?: boolean; multipleNonGreedy?: boolean }

const everywhere: [command: string, name: string, flag: Flag][] = Object.entries(COMMANDS).flatMap(
  ([command, { flags }]) =>
    Object.entries({ ...VoboxCommand.baseFlags, ...flags } as Record<string, Flag>).map(
      ([name, flag]): [string, string, Flag] => [command, name, flag],
    ),
)

/**
 * Commands of two words, and `myproxy-server`, have options of their own, which are read from what
 * they declare.
 */
const ownOptions = topicCommands(COMMANDS)
const declared = everywhere.filter(([command]) => !ownOptions.has(command.replaceAll(':', ' ')))

describe('the table of options', () => {
  it.each(declared)('knows what %s means by --%s', (_command, name, flag) => {
    const option = LAUNCHER_OPTIONS.get(name)
    expect(option).toMatchObject({ takesValue: flag.type === 'option' })
    expect(option?.char).toBe(flag.char)
    expect(option?.multiple ?? false).toBe(flag.multiple ?? false)
  })

  it('holds nothing that no command declares, but --version', () => {
    const names = new Set(declared.map(([, name]) => name))
    expect([...LAUNCHER_OPTIONS.keys()].filter((name) => !names.has(name))).toEqual(['version'])
  })

  it('gives each letter to one option', () => {
    const chars = [...LAUNCHER_OPTIONS.values()].flatMap(({ char }) => char ?? [])
    expect(new Set(chars).size).toBe(chars.length)
  })

  it('lets no option swallow the words behind it', () => {
    for (const [, , flag] of everywhere) {
      if (flag.multiple) expect(flag.multipleNonGreedy).toBe(true)
    }
  })
})

describe('help', () => {
  const visible = Object.entries(COMMANDS).filter(
    ([, command]) => !('hidden' in command && command.hidden),
  )

  it.each(visible)('%s has a summary and an example', (_name, command) => {
    expect(command.summary).toMatch(/^[A-Z].*[^.]$/)
    expect(command.examples?.length).toBeGreaterThan(0)
  })
})
