/** All files of the manual and of the completions, by their path below `dist`. Pure. */
import { type CommandSource, commandFacts, pageName } from './command-facts.js'
import { commandPage } from './command-page.js'
import { bashCompletion } from './completion-bash.js'
import { zshCompletion } from './completion-zsh.js'
import type { Edition } from './roff.js'
import { templatePage } from './template-page.js'

export interface ManualSources extends Edition {
  program: string
  commands: Readonly<Record<string, CommandSource>>
  /** Pages written by hand, by file name: `vobox-renewd.8`. */
  templates: Readonly<Record<string, string>>
  /** `docs/configuration.md`. */
  configuration: string
  /** What a completion holds besides tables, by shell. */
  shells: { bash: string; zsh: string }
}

/** @throws TypeError for anything that cannot be shown as it is meant. */
export function manualFiles(sources: ManualSources): Record<string, string> {
  const { program, version, date, configuration, templates, shells } = sources
  const commands = commandFacts(sources.commands, program)
  const values = { program, version, date, commands, configuration }
  const written = Object.entries(templates).map(([name, text]) => [
    `man/man${name.split('.').at(-1)}/${name}`,
    templatePage(text, values),
  ])
  const generated = commands.map((command) => [
    `man/man1/${program}-${pageName(command)}.1`,
    commandPage(program, command, { version, date }),
  ])
  return Object.fromEntries([
    ...written,
    ...generated,
    [`completion/${program}.bash`, bashCompletion(commands, shells.bash)],
    [`completion/_${program}`, zshCompletion(commands, shells.zsh)],
  ])
}
