/**
 * Who may do what with a credential that is about to be stored, from the options of `myproxy-init`
 * and `myproxy-store` (their man pages; what the C tools then put on the server). Pure.
 *
 * `-x` and `-X` hold for the options behind them: a pattern is of the whole DN, or, as long as nothing
 * else was said, of the common name, and becomes `*` + `/CN=` + itself.
 */
import { printable, VoboxError } from '../errors.js'
import type { AccessPolicies } from './request.js'

/** Options that decide, under our names; anything else is passed over. */
export interface AccessOption {
  name: string
  /** Undefined where it takes none. */
  value?: string | undefined
}

export interface AccessPolicy {
  policies: AccessPolicies
  /**
   * Renewal and retrieval without a pass phrase need a credential without one: `-R` and `-Z` imply
   * `-n`, and so does `-A`, which the man page does not say.
   */
  impliesNoPassPhrase: boolean
  warnings: readonly AccessWarning[]
}

/** Something that is stored as asked, and probably not as meant. */
export interface AccessWarning {
  code: 'pattern-looks-like-dn' | 'pattern-empty'
  message: string
  hint: string
  data: Readonly<Record<string, unknown>>
}

/** What matches every name. */
const ANYBODY = '*'

interface Meaning {
  policy: keyof AccessPolicies
  /** For anybody; else the option takes a pattern. */
  anybody?: true
  /** As the C tools name the two that exclude each other. */
  letters: string
  impliesNoPassPhrase?: true
}

const MEANINGS: Readonly<Record<string, Meaning>> = {
  'allow-anonymous-retrievers': { policy: 'retriever', anybody: true, letters: '-a or -r' },
  'retrievable-by': { policy: 'retriever', letters: '-a or -r' },
  'allow-anonymous-renewers': {
    policy: 'renewer',
    anybody: true,
    letters: '-A or -R',
    impliesNoPassPhrase: true,
  },
  'renewable-by': { policy: 'renewer', letters: '-A or -R', impliesNoPassPhrase: true },
  'retrievable-by-cert': { policy: 'trustedRetriever', letters: '-Z', impliesNoPassPhrase: true },
  'retrieve-key': { policy: 'keyRetriever', letters: '-E' },
}

/**
 * @param options as they stood on the command line, in that order.
 * @throws VoboxError `USAGE` for two options that set the same policy.
 */
export function accessPolicyOf(options: readonly AccessOption[]): AccessPolicy {
  const policies: AccessPolicies = {}
  const warnings: AccessWarning[] = []
  let wholeDn = false
  let impliesNoPassPhrase = false
  for (const { name, value = '' } of options) {
    if (name === 'regex-dn-match') wholeDn = true
    if (name === 'match-cn-only') wholeDn = false
    const meaning = MEANINGS[name]
    if (meaning === undefined) continue
    const { policy, letters, anybody } = meaning
    if (policies[policy] !== undefined) {
      throw new VoboxError('USAGE', `only one option ${letters} may be given`, {
        hint: 'one pattern with an alternative, (one|other) behind -x, names several',
        data: { option: name, policy },
      })
    }
    if (anybody !== true) warnings.push(...warningsOf(name, value, wholeDn))
    policies[policy] = anybody === true ? ANYBODY : patternOf(value, wholeDn)
    impliesNoPassPhrase ||= meaning.impliesNoPassPhrase === true
  }
  return { policies, impliesNoPassPhrase, warnings }
}

const patternOf = (value: string, wholeDn: boolean) => (wholeDn ? value : `*/CN=${value}`)

function warningsOf(option: string, value: string, wholeDn: boolean): AccessWarning[] {
  const data = { option, value }
  if (value === '') {
    const message = `--${option} is empty: it ${wholeDn ? 'counts as not given' : 'names nobody'}`
    return [{ code: 'pattern-empty', message, hint: 'Name who is meant', data }]
  }
  if (wholeDn || !/^[/*]/.test(value) || value === ANYBODY) return []
  const shown = printable(value, 200)
  return [
    {
      code: 'pattern-looks-like-dn',
      message: `--${option} is matched against common names, and ${shown} looks like a whole DN`,
      hint: `Put -x before it: -x --${option} '${shown}'`,
      data,
    },
  ]
}
