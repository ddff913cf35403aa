/**
 * `myproxy-server.config` as the C server reads it: lists grow with every line, of anything else the
 * last line counts. What it would take and not do, or do otherwise than it reads, is refused.
 */
import { printable } from '../../../errors.js'
import { type MyProxyServer, showServer } from '../../server-list.js'
import { checkServerConfig } from './check-server-config.js'
import { type ConfigLine, configInvalid, readConfigLines } from './config-lines.js'
import { readPatterns, readServers, ValueProblem } from './config-values.js'
import { type Directive, findDirective } from './directives.js'
import { AUTHORITY_DEFAULTS, SERVER_CONFIG_DEFAULTS, type ServerConfig } from './server-config.js'

const MANUAL = 'man vobox-myproxy-server.config lists every directive'

type Scalar = Extract<Directive, { kind: 'server' | 'authority' }>

/**
 * @param path for messages only.
 * @returns frozen, with everything in it.
 * @throws VoboxError `CONFIG_INVALID` with `data.path`, `data.line` and `data.directive`, for the
 *   first line that cannot be taken as it stands.
 */
export function parseServerConfig(bytes: Uint8Array, path: string): ServerConfig {
  const collector = new Collector(path)
  for (const line of readConfigLines(bytes, path)) collector.take(line)
  const config = collector.config
  checkServerConfig(config, path)
  return deepFreeze(config)
}

class Collector {
  readonly #path: string
  readonly #values = new Map<string, unknown>()
  readonly #lines = new Map<string, number>()
  readonly #notices: ServerConfig['notices'][number][] = []
  readonly config: ServerConfig = {
    ...SERVER_CONFIG_DEFAULTS,
    authority: { ...AUTHORITY_DEFAULTS },
    lines: this.#lines,
    notices: this.#notices,
  }

  constructor(path: string) {
    this.#path = path
  }

  take(line: ConfigLine): void {
    const name = line.directive
    const directive = findDirective(name)
    if (directive === undefined) {
      const shown = printable(name, 80)
      throw configInvalid(this.#path, { ...line, directive: shown }, 'is no directive', MANUAL)
    }
    try {
      this.#apply(directive, line)
    } catch (error) {
      if (!(error instanceof ValueProblem)) throw error
      throw configInvalid(this.#path, line, error.message, error.hint)
    }
    this.#lines.set(name, line.line)
  }

  #apply(directive: Directive, line: ConfigLine): void {
    switch (directive.kind) {
      case 'patterns': {
        const { field } = directive
        this.config[field] = [...this.config[field], ...readPatterns(someWords(line))]
        return
      }
      case 'servers':
        this.config.secondaryServers = withoutRepetitions([
          ...this.config.secondaryServers,
          ...readServers(someWords(line)),
        ])
        return
      case 'obsolete':
        this.#notice(line, 'has no effect: usage statistics are a thing of the past')
        return
      case 'refused':
        if (directive.unless !== undefined && line.words[0] === directive.unless) return
        throw new ValueProblem(
          `is not supported: this server does without ${directive.needs}`,
          `Leave the line away, if the site can do without ${directive.needs} too`,
        )
      default:
        this.#set(directive, line)
    }
  }

  #set({ kind, field, read }: Scalar, line: ConfigLine): void {
    const value = read(onlyWord(line))
    const before = this.#lines.get(line.directive)
    if (before !== undefined && this.#values.get(line.directive) !== value) {
      if (typeof value === 'boolean') {
        throw new ValueProblem(
          `contradicts line ${before}`,
          'Leave one of them away: the C server takes it as true then, whichever comes first',
        )
      }
      this.#notice(line, `replaces what line ${before} said`)
    }
    this.#values.set(line.directive, value)
    const target = kind === 'server' ? this.config : this.config.authority
    Object.assign(target, { [field]: value })
  }

  #notice({ line, directive }: ConfigLine, message: string): void {
    this.#notices.push({ line, directive, message: `${directive} ${message}` })
  }
}

function someWords({ words }: ConfigLine): readonly string[] {
  if (words.length > 0) return words
  throw new ValueProblem('has nothing behind it', 'Write what it is about, or leave the line away')
}

function onlyWord({ words }: ConfigLine): string {
  const [word] = words
  if (word !== undefined && words.length === 1) return word
  throw new ValueProblem(
    `takes one value, and has ${words.length}`,
    'Put a value that holds blanks in quotation marks',
  )
}

function deepFreeze(config: ServerConfig): ServerConfig {
  for (const value of Object.values(config)) {
    if (Array.isArray(value)) for (const entry of value) Object.freeze(entry)
    if (!(value instanceof Map)) Object.freeze(value)
  }
  return Object.freeze(config)
}

/** Two runs for one secondary at a time would write over what each other noted. */
function withoutRepetitions(servers: readonly MyProxyServer[]): MyProxyServer[] {
  return [...new Map(servers.map((one) => [showServer(one).toLowerCase(), one])).values()]
}
