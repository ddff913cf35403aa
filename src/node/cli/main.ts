/**
 * The whole of `vobox-proxy`: oclif over a command line that the launcher has normalised, with help,
 * errors and exit codes of ours. `bin/load.cjs` calls {@link main}.
 */
import { Config, Errors, Help } from '@oclif/core'
import { COMMANDS } from '../../../commands/index.js'
import { toVoboxError, VoboxError } from '../../errors.js'
import { EXIT, exitStatusOf } from '../../report/exit-status.js'
import { encodeFailure, showFailure } from '../../report/failure.js'
import { compatToolOf } from './compat/compat.js'
import { type CompatTool, translate, usageOf } from './compat/translate.js'
import { drawableRelations } from './drawable-relations.js'
import { endUnwritten } from './end-unwritten.js'
import { hardenProcess } from './harden-process.js'
import { asTyped, type CommandLine, parseCommandLine, toArgv } from './launcher.js'
import { nearestOf } from './launcher-options.js'
import { topicCommands } from './topic-commands.js'
import { parseTopicLine } from './topic-line.js'

export { COMMANDS }

const PROGRAM = 'vobox-proxy'

/** What commands of two words have in common, by the first one. */
const TOPICS: Readonly<Record<string, string>> = {
  job: 'Keeps the proxies alive that the jobs of workload managers share',
  myproxy: 'Stores credentials on MyProxy servers, fetches them and looks after them',
}

/** @param home directory of the installation, which holds `package.json`. */
export async function main(words: readonly string[], _load: unknown, home: string): Promise<void> {
  hardenProcess()
  endWhenUnwritten()
  const tool = compatToolOf(words)
  const json = tool === undefined && words.some((word) => /^--?json$/.test(word))
  process.on('uncaughtException', (error) => {
    fail(error, json, tool)
    process.exit()
  })
  try {
    if (tool === undefined) await run(readLine(words), home)
    else await runAs(tool, words.slice(1), home)
  } catch (error) {
    fail(error, json, tool)
  }
}

/** Our command in the place of another tool, with the options of that. */
async function runAs(tool: CompatTool, line: readonly string[], home: string): Promise<void> {
  const translation = translate(tool, line)
  if ('words' in translation) {
    await run(readLine(translation.words), home, tool)
    return
  }
  const { version } = await loadConfig(home)
  const shown = `${tool.name}: ${PROGRAM} ${version}\n`
  process.stdout.write(translation.asksFor === 'help' ? usageOf(tool) : shown)
}

function readLine(words: readonly string[]): CommandLine {
  return parseTopicLine(words, topicCommands(COMMANDS)) ?? parseCommandLine(words)
}

function loadConfig(home: string): Promise<Config> {
  // A theme in somebody's home directory has no say in what we print.
  process.env.VOBOX_PROXY_DISABLE_THEME = '1'
  return Config.load({ root: home, userPlugins: false, devPlugins: false })
}

async function run(line: CommandLine, home: string, tool?: CompatTool): Promise<void> {
  const config = await loadConfig(home)
  if (line.options.has('version')) {
    process.stdout.write(`${PROGRAM} ${config.version}\n`)
    return
  }
  const wanted = line.command === 'help' ? line.operands.join(' ') : line.command
  // Not as oclif has it, to which every command is a topic of its own.
  const hasCommands = config.commands.some(({ id }) => id.startsWith(`${wanted}:`))
  const isCommand = config.commands.some(({ id }) => id === wanted)
  const topic = hasCommands && !isCommand ? wanted : undefined
  const command = wanted && topic === undefined ? findCommand(config, wanted) : undefined
  if (line.command === 'help' || line.options.has('help') || command === undefined) {
    if (command === undefined && topic === undefined && !mayShowRoot(line)) throw noCommand()
    process.stdout.write(new ProgramHelp(config, { stripAnsi: true }).textOf(command, topic))
    return
  }
  refuseForeign(line, command)
  // What a command says on stderr is signed with the name that it was called by.
  if (tool !== undefined) Object.assign(config.options, { signedAs: tool.name })
  try {
    await config.runCommand(command.id, toArgv(line), command)
  } catch (error) {
    throw asTyped(error, line)
  }
}

/** Without any word, or asked for: everything else without a command is a mistake. */
function mayShowRoot(line: CommandLine): boolean {
  return line.command === 'help' || line.options.has('help') || line.options.size === 0
}

type CommandFacts = ReturnType<Config['findCommand']> & object

/** As a person types it. */
const spoken = (id: string) => id.replaceAll(':', ' ')

function findCommand(config: Config, name: string): CommandFacts {
  const command = config.findCommand(name.replaceAll(' ', ':'))
  if (command !== undefined) return command
  const visible = config.commands.filter(({ hidden }) => !hidden).map(({ id }) => spoken(id))
  // Who forgot the first word of two meant that command, whatever else is spelt alike.
  const nearest = visible.find((each) => each.endsWith(` ${name}`)) ?? nearestOf(name, visible)
  throw new VoboxError('USAGE', `there is no command '${name}'`, {
    hint: nearest === undefined ? `${PROGRAM} help lists them` : `did you mean ${nearest}?`,
    data: { command: name },
  })
}

function noCommand(): VoboxError {
  return new VoboxError('USAGE', 'which command?', { hint: `${PROGRAM} help lists them` })
}

/** Options of other commands and stray words, before oclif says it in its own way. */
function refuseForeign(line: CommandLine, command: CommandFacts): void {
  const name = spoken(command.id)
  const hint = `${PROGRAM} ${name} --help shows what it takes`
  for (const option of line.options.keys()) {
    if (Object.hasOwn(command.flags, option)) continue
    const nearest = nearestOf(option, Object.keys(command.flags))
    throw new VoboxError('USAGE', `${name} has no option --${option}`, {
      hint: nearest === undefined ? hint : `did you mean --${nearest}?\n${hint}`,
      data: { command: name, option },
    })
  }
  refuseExcluded(line, command)
  if (command.strict === false) return
  const stray = line.operands[Object.keys(command.args ?? {}).length]
  if (stray !== undefined) {
    throw new VoboxError('USAGE', `${name} has no use for '${stray}'`, {
      hint,
      data: { command: name, word: stray },
    })
  }
}

function refuseExcluded(line: CommandLine, { id, flags }: CommandFacts): void {
  for (const option of line.options.keys()) {
    const other = flags[option]?.exclusive?.find((name) => line.options.has(String(name)))
    if (other === undefined) continue
    throw new VoboxError('USAGE', `--${option} and --${other} exclude each other`, {
      data: { command: spoken(id), options: [option, other] },
    })
  }
}

/** oclif's help as text, so that it goes where we say. */
class ProgramHelp extends Help {
  /** Of a command; of a topic's commands; without either of all. */
  textOf(command: CommandFacts | undefined, topic?: string): string {
    if (command !== undefined) {
      const drawable = { ...command, flags: drawableRelations(command.flags) }
      return `${this.formatCommand(drawable)}\n`
    }
    const listed = this.sortedCommands.filter(
      ({ id }) => topic === undefined || id.startsWith(`${topic}:`),
    )
    const head = topic === undefined ? this.formatRoot() : this.#formatTopic(topic)
    return `${[head, this.formatCommands(listed)].join('\n\n')}\n`
  }

  #formatTopic(topic: string): string {
    const summary = TOPICS[topic] ?? `Commands that begin with ${topic}`
    const usage = this.section('USAGE', `$ ${PROGRAM} ${topic} COMMAND`)
    return [summary, '', usage, '', `${PROGRAM} help ${topic} COMMAND shows what one takes`].join(
      '\n',
    )
  }
}

function fail(error: unknown, json: boolean, tool: CompatTool | undefined): void {
  // A file as stdout throws where it is written; a pipe says it later, as an event.
  const { syscall, code } = error as NodeJS.ErrnoException
  if (syscall === 'write') endUnwritten(code)
  if (error instanceof Errors.ExitError) {
    process.exitCode = error.oclif.exit ?? EXIT.failed
    return
  }
  const failure = error instanceof Errors.CLIError ? usageError(error) : toVoboxError(error)
  const program = tool?.name ?? PROGRAM
  const out = tool?.usageOnStdout && failure.code === 'USAGE' ? process.stdout : process.stderr
  out.write(json ? encodeFailure(failure) : showFailure(program, failure))
  // Those tools end with 1 whatever is wrong.
  process.exitCode = tool === undefined ? exitStatusOf(failure.code) : EXIT.failed
  // Whoever presses Ctrl-C does not wait for what was under way.
  if (failure.code === 'CANCELLED') process.exit()
}

/** What oclif's parser refuses, in our form: its first line, without its advice. */
function usageError(error: Error): VoboxError {
  const lines = error.message.split('\n').map((text) => text.trim())
  const [first = '', second = ''] = lines
  const message = /^The following error/.test(first) ? second : first
  return new VoboxError('USAGE', message, { cause: error })
}

function endWhenUnwritten(): void {
  process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => endUnwritten(code))
  process.stderr.on('error', () => process.exit(EXIT.failed))
}
