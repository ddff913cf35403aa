/**
 * Every option of `vobox-proxy`, in one table.
 *
 * The launcher must know which options take a value before it can tell a value from the command
 * (`--dn X query`), and it must not load oclif to find out. A test compares this table with the
 * flags that the commands declare.
 */

export interface LauncherOption {
  /** Takes a value, as the next word or after `=`. */
  takesValue: boolean
  /** One-letter form. */
  char?: string
  /** May be given several times, in order; of any other option the last one counts. */
  multiple?: boolean
  /** The value begins with a digit: `-t48` is one, and `-tabel` is no `-t abel`. */
  numeric?: boolean
  /** The value is a path, where a quotation mark is a character like any other. */
  path?: boolean
}

const flag: LauncherOption = { takesValue: false }
const value: LauncherOption = { takesValue: true }
const path: LauncherOption = { takesValue: true, path: true }

export const LAUNCHER_OPTIONS: ReadonlyMap<string, LauncherOption> = new Map([
  ['acexists', value],
  ['acissuer', flag],
  ['acsubject', flag],
  ['actimeleft', flag],
  ['admin', value],
  ['all', flag],
  ['allow-limited', flag],
  ['allow-partial', flag],
  ['bits', value],
  ['cert', path],
  ['certdir', path],
  ['chain', flag],
  ['config', path],
  ['credname', { ...value, char: 'k' }],
  ['days', value],
  ['debug', flag],
  ['dn', value],
  ['dry-run', flag],
  ['email', value],
  ['exists', flag],
  ['failonwarn', flag],
  ['file', { ...path, char: 'f' }],
  ['force', flag],
  ['fqan', flag],
  ['help', { ...flag, char: 'h' }],
  ['hours', { ...value, char: 't', numeric: true }],
  ['ics', path],
  ['identity', flag],
  ['ignorewarn', flag],
  ['independent', flag],
  ['issuer', flag],
  ['jobs', flag],
  ['json', flag],
  ['key', path],
  ['keyusage', flag],
  ['limited', flag],
  ['list', flag],
  ['myproxy-safe', value],
  ['nagios', flag],
  ['no-check', flag],
  ['no-start', flag],
  ['no-verify', flag],
  ['no-voms', flag],
  ['noregen', flag],
  ['only', path],
  ['order', { ...value, multiple: true }],
  ['out', path],
  ['owner', value],
  ['pass-phrase-fd', value],
  ['pass-phrase-file', path],
  ['path', flag],
  ['path-length', value],
  ['prefix', path],
  ['proxy', path],
  ['proxy-safe', value],
  ['purge', flag],
  ['pwstdin', flag],
  ['quiet', flag],
  ['refresh', value],
  ['remove', flag],
  ['rehearse', flag],
  ['replaces', value],
  ['rfc', flag],
  ['require-all', flag],
  ['root', path],
  ['send-mail', flag],
  ['serial', flag],
  ['server', { ...value, char: 's' }],
  ['strength', flag],
  ['subject', flag],
  ['systemd', flag],
  ['sysv', flag],
  ['table', flag],
  ['target', { ...value, multiple: true }],
  ['task', value],
  ['text', flag],
  ['timeleft', flag],
  ['timeout', value],
  ['type', flag],
  ['uri', flag],
  ['username', { ...value, char: 'l' }],
  ['valid', value],
  ['verbose', flag],
  ['verify', flag],
  ['version', flag],
  ['vo', value],
  ['vo-name', flag],
  ['voms', { ...value, multiple: true }],
  ['vomsdir', path],
  ['vomses', { ...path, multiple: true }],
  ['vomslife', value],
])

/** What other proxy tools call an option of ours. */
const SYNONYMS: ReadonlyMap<string, string> = new Map([
  ['acserial', 'serial'],
  ['dont-verify-ac', 'no-verify'],
  ['usage', 'help'],
])

/**
 * Our name of an option. Behind `info`, `-vo` takes no value: so `voms-proxy-info` is asked for the
 * VO of the attributes.
 */
export function ownNameOf(name: string, command: string | undefined, valued: boolean): string {
  if (command === 'info' && name === 'vo' && !valued) return 'vo-name'
  return SYNONYMS.get(name) ?? name
}

const LONG_NAME_BY_CHAR: ReadonlyMap<string, string> = new Map(
  [...LAUNCHER_OPTIONS].flatMap(([name, option]) => (option.char ? [[option.char, name]] : [])),
)

/** The long name of a one-letter option. */
export function longNameOf(char: string): string | undefined {
  return LONG_NAME_BY_CHAR.get(char)
}

/** The option that an unknown name probably meant. */
export function nearestOption(name: string): string | undefined {
  return nearestOf(name, [...LAUNCHER_OPTIONS.keys()])
}

/** The one of `candidates` that `word` is the beginning of, or an edit in three letters away from. */
export function nearestOf(word: string, candidates: readonly string[]): string | undefined {
  const longer = word.length < 2 ? undefined : candidates.find((name) => name.startsWith(word))
  if (longer !== undefined) return longer
  const [best] = candidates
    .map((name) => ({ name, distance: editDistance(word, name) }))
    .sort((a, b) => a.distance - b.distance)
  return best !== undefined && best.distance <= Math.floor(word.length / 3) ? best.name : undefined
}

/** Edits, two letters in the wrong order being one (optimal string alignment); words here are short. */
function editDistance(a: string, b: string): number {
  let [before, previous] = [[] as number[], Array.from({ length: b.length + 1 }, (_, at) => at)]
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const substitution = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1)
      const insertion = (current[column - 1] ?? 0) + 1
      const deletion = (previous[column] ?? 0) + 1
      const swapped = row > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      const swap = swapped ? (before[column - 2] ?? 0) + 1 : substitution
      current.push(Math.min(substitution, insertion, deletion, swap))
    }
    ;[before, previous] = [previous, current]
  }
  return previous[b.length] ?? 0
}
