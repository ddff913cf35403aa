/** Pages that were written by hand, in `docs/man`, with `@NAMES@` where something is put in. */
import { type CommandFacts, pageName } from './command-facts.js'
import { flagDefinition } from './command-page.js'
import { markdownToRoff } from './markdown-page.js'
import { definition, type Edition, prose, roff, withoutFirstBreak } from './roff.js'

export interface TemplateValues extends Edition {
  program: string
  commands: readonly CommandFacts[]
  /** `docs/configuration.md`. */
  configuration: string
}

/** @throws TypeError for a name that means nothing. */
export function templatePage(template: string, values: TemplateValues): string {
  return template.replace(/@([A-Z_]+)@/g, (_found, name: string) => {
    const fill = FILLS[name]
    if (fill === undefined) throw new TypeError(`a page asks for @${name}@, which nobody knows`)
    return fill(values)
  })
}

const FILLS: Readonly<Record<string, (values: TemplateValues) => string>> = {
  VERSION: ({ version }) => roff(version),
  DATE: ({ date }) => date,
  COMMANDS: ({ program, commands }) =>
    commands
      .map((command) =>
        definition(`.BR ${roff(`${program}-${pageName(command)}`)} (1)`, prose(command.summary)),
      )
      .join('\n'),
  COMMON_OPTIONS: ({ commands: [first] }) =>
    (first?.flags ?? [])
      .filter((flag) => flag.common)
      .map(flagDefinition)
      .join('\n'),
  CONFIGURATION: ({ configuration }) => withoutFirstBreak(markdownToRoff(configuration)),
  SEE_ALSO: ({ program, commands }) =>
    commands.map((command) => `.BR ${roff(`${program}-${pageName(command)}`)} (1)`).join(',\n'),
}
